use byteorder::{ByteOrder as _, LittleEndian};
use nom::Parser as _;
use nom::bytes::complete::take;
use nom::number::complete::{le_u16, le_u32};

use super::UnknownField;
use super::error::{ManifestError, ManifestErrorKind};
use super::tags::{CRITICAL, Tag};

/// Bytes that come from some place of the manifest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: u64,
}

/// One field as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawField<'a> {
    number: u16,
    value: Span<'a>,
}

/// The fields of one block, ascending, each known one with its critical bit as it must be.
#[derive(Debug)]
pub(super) struct Block<'a> {
    fields: Vec<RawField<'a>>,
    start: u64,
}

impl<'a> Block<'a> {
    /// Splits `span` into fields whose tags are in `known` or may be ignored.
    pub(super) fn parse(span: Span<'a>, known: &[Tag]) -> Result<Self, ManifestError> {
        let mut fields: Vec<RawField<'a>> = Vec::new();
        let mut rest = span;
        while !rest.bytes.is_empty() {
            let start = rest.offset;
            let tag = le_u16_of(rest.take(2, "tag")?);
            let number = tag & !CRITICAL;
            let critical = tag & CRITICAL != 0;
            let known_tag = known.iter().find(|tag| tag.number == number);
            let name = known_tag.map_or("unknown field", |tag| tag.name);
            let length = le_u32_of(rest.take(4, name)?);
            let value = rest.take(u64::from(length), name)?;
            let previous = fields.last().map_or(0, |field| field.number);
            let fault = match known_tag {
                Some(tag) if tag.critical != critical => Some(ManifestErrorKind::CriticalBit {
                    expected: tag.critical,
                    found: number,
                }),
                None if critical || number == 0 => {
                    Some(ManifestErrorKind::UnknownCritical { found: number })
                }
                _ if number <= previous => Some(ManifestErrorKind::Order {
                    previous,
                    found: number,
                }),
                _ => None,
            };
            if let Some(fault) = fault {
                return Err(fault.at(start, name));
            }
            fields.push(RawField { number, value });
        }
        Ok(Self {
            fields,
            start: span.offset,
        })
    }

    /// The value of `tag`, if it is there.
    pub(super) fn get(&self, tag: Tag) -> Option<Span<'a>> {
        self.fields
            .iter()
            .find(|field| field.number == tag.number)
            .map(|field| field.value)
    }

    /// The value of `tag`, which must be there.
    pub(super) fn require(&self, tag: Tag) -> Result<Span<'a>, ManifestError> {
        self.get(tag)
            .ok_or_else(|| ManifestErrorKind::Missing.at(self.start, tag.name))
    }

    /// The fields that are not in `known`.
    pub(super) fn unknown(&self, known: &[Tag]) -> Vec<UnknownField> {
        self.fields
            .iter()
            .filter(|field| known.iter().all(|tag| tag.number != field.number))
            .map(|field| UnknownField {
                number: field.number,
                value: field.value.bytes.to_vec(),
            })
            .collect()
    }
}

impl Span<'_> {
    /// Takes `count` bytes off the front.
    pub(super) fn take(&mut self, count: u64, field: &'static str) -> Result<Self, ManifestError> {
        let available = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let parsed = take::<_, _, nom::error::Error<&[u8]>>(wanted).parse(self.bytes);
        let Ok((rest, bytes)) = parsed else {
            return Err(ManifestErrorKind::Truncated {
                needed: count,
                available,
            }
            .at(self.offset, field));
        };
        let taken = Span {
            bytes,
            offset: self.offset,
        };
        *self = Span {
            bytes: rest,
            offset: self.offset.saturating_add(count),
        };
        Ok(taken)
    }

    /// Splits a list into its items, each behind its 32-bit length; at most `max`, at least one.
    pub(super) fn items(
        mut self,
        max: usize,
        field: &'static str,
    ) -> Result<Vec<Self>, ManifestError> {
        let start = self.offset;
        let mut items = Vec::new();
        while !self.bytes.is_empty() {
            if items.len() == max {
                let max = u64::try_from(max).unwrap_or(u64::MAX);
                let found = max.saturating_add(1);
                return Err(ManifestErrorKind::TooMany { max, found }.at(start, field));
            }
            let length = le_u32_of(self.take(4, field)?);
            items.push(self.take(u64::from(length), field)?);
        }
        Ok(items)
    }

    /// The bytes as an array of exactly `N`.
    pub(super) fn array<const N: usize>(
        self,
        field: &'static str,
    ) -> Result<[u8; N], ManifestError> {
        self.bytes.try_into().map_err(|_| {
            let expected = u64::try_from(N).unwrap_or(u64::MAX);
            let found = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
            ManifestErrorKind::Length { expected, found }.at(self.offset, field)
        })
    }
}

fn le_u16_of(span: Span<'_>) -> u16 {
    le_u16::<_, nom::error::Error<&[u8]>>
        .parse(span.bytes)
        .map_or(0, |(_, number)| number)
}

fn le_u32_of(span: Span<'_>) -> u32 {
    le_u32::<_, nom::error::Error<&[u8]>>
        .parse(span.bytes)
        .map_or(0, |(_, number)| number)
}

/// Writes one block field by field; the caller keeps the order.
#[derive(Debug, Default)]
pub(super) struct BlockWriter {
    bytes: Vec<u8>,
    unknown: Vec<UnknownField>,
}

impl BlockWriter {
    /// Starts a block in which `unknown` fields, ascending, will stand at their places.
    pub(super) fn new(unknown: &[UnknownField]) -> Self {
        let unknown = unknown.iter().rev().cloned().collect();
        Self {
            bytes: Vec::new(),
            unknown,
        }
    }

    /// Writes a field.
    pub(super) fn put(&mut self, tag: Tag, value: &[u8]) -> Result<(), ManifestError> {
        self.put_unknown_before(tag.number)?;
        self.put_raw(tag.stored(), value, tag.name)
    }

    /// Writes a field unless its value is empty.
    pub(super) fn put_unless_empty(&mut self, tag: Tag, value: &[u8]) -> Result<(), ManifestError> {
        if value.is_empty() {
            Ok(())
        } else {
            self.put(tag, value)
        }
    }

    /// Ends the block.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ManifestError> {
        self.put_unknown_before(u16::MAX)?;
        Ok(self.bytes)
    }

    fn put_unknown_before(&mut self, number: u16) -> Result<(), ManifestError> {
        while let Some(field) = self.unknown.pop_if(|field| field.number < number) {
            self.put_raw(field.number, &field.value, "unknown field")?;
        }
        Ok(())
    }

    fn put_raw(&mut self, tag: u16, value: &[u8], name: &'static str) -> Result<(), ManifestError> {
        let mut header = [0; 6];
        let (first, second) = header.split_at_mut(2);
        LittleEndian::write_u16(first, tag);
        LittleEndian::write_u32(second, length(value, name)?);
        self.bytes.extend(header);
        self.bytes.extend(value);
        Ok(())
    }
}

/// Puts each item behind its length.
pub(super) fn list(items: &[Vec<u8>], field: &'static str) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend(length(item, field)?.to_le_bytes());
        bytes.extend(item);
    }
    Ok(bytes)
}

fn length(value: &[u8], field: &'static str) -> Result<u32, ManifestError> {
    u32::try_from(value.len()).map_err(|_| {
        let found = u64::try_from(value.len()).unwrap_or(u64::MAX);
        ManifestErrorKind::Length {
            expected: u64::from(u32::MAX),
            found,
        }
        .at(0, field)
    })
}
