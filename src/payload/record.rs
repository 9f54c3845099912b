use byteorder::{ByteOrder as _, LittleEndian};
use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{le_i64, le_u8, le_u16, le_u32, le_u64};

use crate::digest::Sha256Digest;

/// A field at a fixed place of a record; the specification lists the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the start of the record.
    pub offset: usize,
    /// Length in bytes.
    pub size: usize,
    /// Name in the specification.
    pub name: &'static str,
}

impl Field {
    /// The first field of a record.
    pub(super) const fn first(size: usize, name: &'static str) -> Self {
        let offset = 0;
        Self { offset, size, name }
    }

    /// The field right behind this one.
    pub(super) const fn then(self, size: usize, name: &'static str) -> Self {
        let offset = self.end();
        Self { offset, size, name }
    }

    /// Where the field ends: the length of the record, if it is its last field.
    pub(super) const fn end(self) -> usize {
        self.offset + self.size
    }
}

/// Input that is consumed from the front, and the place of what is left.
#[derive(Debug, Clone)]
pub(super) struct Input<'a> {
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
        }
    }

    /// Where the next byte stands in the whole input.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of bytes left.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes; `None` and nothing consumed when there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let parsed: IResult<&[u8], &[u8]> = take(count)(self.rest);
        let (rest, bytes) = parsed.ok()?;
        self.rest = rest;
        self.offset += u64::try_from(count).ok()?;
        Some(bytes)
    }

    /// The next `length` bytes as a record.
    pub(super) fn record(&mut self, length: usize) -> Option<Record<'a>> {
        let offset = self.offset;
        let bytes = self.take(length)?;
        Some(Record { bytes, offset })
    }
}

/// The fixed part of a header or an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Record<'a> {
    /// Where `field` stands in the whole input.
    pub(super) fn offset_of(&self, field: Field) -> u64 {
        self.offset + u64::try_from(field.offset).unwrap_or(u64::MAX)
    }

    /// The bytes of `field`.
    pub(super) fn bytes(&self, field: Field) -> &'a [u8] {
        self.bytes
            .get(field.offset..field.end())
            .unwrap_or_default()
    }

    pub(super) fn u8(&self, field: Field) -> u8 {
        number(self.bytes(field), le_u8)
    }

    pub(super) fn u16(&self, field: Field) -> u16 {
        number(self.bytes(field), le_u16)
    }

    pub(super) fn u32(&self, field: Field) -> u32 {
        number(self.bytes(field), le_u32)
    }

    pub(super) fn u64(&self, field: Field) -> u64 {
        number(self.bytes(field), le_u64)
    }

    pub(super) fn i64(&self, field: Field) -> i64 {
        number(self.bytes(field), le_i64)
    }

    pub(super) fn digest(&self, field: Field) -> Sha256Digest {
        let bytes = self.bytes(field).try_into();
        Sha256Digest::from_bytes(bytes.unwrap_or([0; Sha256Digest::LENGTH]))
    }
}

/// Reads a number; the field tables are tested to give each number a field of its own width.
fn number<'a, T: Default>(bytes: &'a [u8], parse: impl Fn(&'a [u8]) -> IResult<&'a [u8], T>) -> T {
    parse(bytes).map(|(_, value)| value).unwrap_or_default()
}

/// Writes the fixed part of a header or an entry at the end of `out`.
#[derive(Debug)]
pub(super) struct RecordWriter<'a>(&'a mut [u8]);

impl<'a> RecordWriter<'a> {
    /// Appends `length` zero bytes to `out`, to be filled field by field.
    pub(super) fn append(out: &'a mut Vec<u8>, length: usize) -> Self {
        let start = out.len();
        out.resize(start + length, 0);
        Self(out.get_mut(start..).unwrap_or_default())
    }

    pub(super) fn bytes(&mut self, field: Field, value: &[u8]) {
        if let Some(place) = self.0.get_mut(field.offset..field.end()) {
            place.copy_from_slice(value);
        }
    }

    pub(super) fn u8(&mut self, field: Field, value: u8) {
        self.bytes(field, &[value]);
    }

    pub(super) fn u16(&mut self, field: Field, value: u16) {
        let mut bytes = [0; 2];
        LittleEndian::write_u16(&mut bytes, value);
        self.bytes(field, &bytes);
    }

    pub(super) fn u32(&mut self, field: Field, value: u32) {
        let mut bytes = [0; 4];
        LittleEndian::write_u32(&mut bytes, value);
        self.bytes(field, &bytes);
    }

    pub(super) fn u64(&mut self, field: Field, value: u64) {
        let mut bytes = [0; 8];
        LittleEndian::write_u64(&mut bytes, value);
        self.bytes(field, &bytes);
    }

    pub(super) fn i64(&mut self, field: Field, value: i64) {
        let mut bytes = [0; 8];
        LittleEndian::write_i64(&mut bytes, value);
        self.bytes(field, &bytes);
    }
}
