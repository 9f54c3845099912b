use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::convert::{narrow, wide};
use super::entry::{DeviceNumber, FileEntry, FileKind, Mtime, Xattr};
use super::limits::{
    MAX_PATH_LENGTH, MAX_TABLE_LENGTH, MAX_XATTR_NAME_LENGTH, MAX_XATTR_VALUE_LENGTH, MAX_XATTRS,
};
use super::name::escaped;
use super::record::{Field, Input, Record, RecordWriter};
use super::table::{FileTable, TableBuilder, check_count, name_error};
use super::{EntryPath, PayloadError};

/// The places of the table header, of an entry and of an attribute (`format-spec/file-table.md`).
pub mod layout {
    use crate::payload::record::Field;

    /// First bytes of a file table.
    pub const MAGIC_BYTES: &[u8; 8] = b"ISI-FTAB";
    /// The version this program reads and writes.
    pub const VERSION_NUMBER: u32 = 1;

    /// Says that this is a file table.
    pub const MAGIC: Field = Field::first(8, "magic");
    /// Version of the format.
    pub const VERSION: Field = MAGIC.then(4, "version");
    /// Zero.
    pub const RESERVED: Field = VERSION.then(4, "reserved");
    /// Number of entries.
    pub const ENTRIES: Field = RESERVED.then(8, "entry count");
    /// Length of the tar stream.
    pub const STREAM_LENGTH: Field = ENTRIES.then(8, "stream length");
    /// The header in order.
    pub const HEADER: &[Field] = &[MAGIC, VERSION, RESERVED, ENTRIES, STREAM_LENGTH];
    /// Length of the header in bytes.
    pub const HEADER_LENGTH: usize = STREAM_LENGTH.end();

    /// Length of the path.
    pub const PATH_LENGTH: Field = Field::first(2, "path length");
    /// Length of the link target.
    pub const TARGET_LENGTH: Field = PATH_LENGTH.then(2, "target length");
    /// Number of extended attributes.
    pub const XATTR_COUNT: Field = TARGET_LENGTH.then(2, "attribute count");
    /// What the entry is.
    pub const TYPE: Field = XATTR_COUNT.then(1, "type");
    /// Zero.
    pub const ENTRY_RESERVED: Field = TYPE.then(1, "reserved");
    /// Permission bits.
    pub const MODE: Field = ENTRY_RESERVED.then(4, "mode");
    /// Owning user.
    pub const UID: Field = MODE.then(4, "uid");
    /// Owning group.
    pub const GID: Field = UID.then(4, "gid");
    /// Part of a second of the modification time.
    pub const MTIME_NANOSECONDS: Field = GID.then(4, "mtime nanoseconds");
    /// Modification time.
    pub const MTIME_SECONDS: Field = MTIME_NANOSECONDS.then(8, "mtime seconds");
    /// Length of the contents.
    pub const SIZE: Field = MTIME_SECONDS.then(8, "size");
    /// Place of the contents in the tar stream.
    pub const DATA_OFFSET: Field = SIZE.then(8, "data offset");
    /// Major device number.
    pub const DEVICE_MAJOR: Field = DATA_OFFSET.then(4, "device major");
    /// Minor device number.
    pub const DEVICE_MINOR: Field = DEVICE_MAJOR.then(4, "device minor");
    /// Digest of the contents.
    pub const SHA256: Field = DEVICE_MINOR.then(32, "SHA-256");
    /// The fixed part of an entry in order.
    pub const ENTRY: &[Field] = &[
        PATH_LENGTH,
        TARGET_LENGTH,
        XATTR_COUNT,
        TYPE,
        ENTRY_RESERVED,
        MODE,
        UID,
        GID,
        MTIME_NANOSECONDS,
        MTIME_SECONDS,
        SIZE,
        DATA_OFFSET,
        DEVICE_MAJOR,
        DEVICE_MINOR,
        SHA256,
    ];
    /// Length of the fixed part of an entry in bytes.
    pub const ENTRY_LENGTH: usize = SHA256.end();

    /// Length of an attribute's value.
    pub const VALUE_LENGTH: Field = Field::first(4, "value length");
    /// Length of an attribute's name.
    pub const NAME_LENGTH: Field = VALUE_LENGTH.then(2, "name length");
    /// The fixed part of an attribute in order.
    pub const XATTR: &[Field] = &[VALUE_LENGTH, NAME_LENGTH];
    /// Length of the fixed part of an attribute in bytes.
    pub const XATTR_LENGTH: usize = NAME_LENGTH.end();
}

const REGULAR: u8 = 1;
const DIRECTORY: u8 = 2;
const SYMLINK: u8 = 3;
const HARD_LINK: u8 = 4;
const FIFO: u8 = 5;
const CHARACTER_DEVICE: u8 = 6;
const BLOCK_DEVICE: u8 = 7;

/// The bytes that `entry` takes in an encoded table.
pub(super) fn encoded_length(entry: &FileEntry) -> usize {
    let xattrs = entry.xattrs.iter();
    let xattrs = xattrs.map(|xattr| layout::XATTR_LENGTH + xattr.name.len() + xattr.value.len());
    let names = entry.path.as_bytes().len() + target_of(&entry.kind).len();
    layout::ENTRY_LENGTH + names + xattrs.sum::<usize>()
}

pub(super) fn check_length(found: u64) -> Result<(), PayloadError> {
    if found > MAX_TABLE_LENGTH {
        let (what, limit) = ("bytes of file table".to_owned(), MAX_TABLE_LENGTH);
        return Err(PayloadError::TooLarge { what, limit, found });
    }
    Ok(())
}

pub(super) fn encode(table: &FileTable) -> Vec<u8> {
    let entries = table.entries();
    let length = entries.iter().map(encoded_length).sum::<usize>();
    let mut out = Vec::with_capacity(layout::HEADER_LENGTH + length);
    let mut header = RecordWriter::append(&mut out, layout::HEADER_LENGTH);
    header.bytes(layout::MAGIC, layout::MAGIC_BYTES);
    header.u32(layout::VERSION, layout::VERSION_NUMBER);
    header.u64(layout::ENTRIES, wide(entries.len()));
    header.u64(layout::STREAM_LENGTH, table.stream_length());
    for (entry, place) in entries.iter().zip(table.places()) {
        encode_entry(entry, place.data, &mut out);
    }
    out
}

fn encode_entry(entry: &FileEntry, data_offset: u64, out: &mut Vec<u8>) {
    let target = target_of(&entry.kind);
    let mut record = RecordWriter::append(out, layout::ENTRY_LENGTH);
    record.u16(layout::PATH_LENGTH, short(entry.path.as_bytes().len()));
    record.u16(layout::TARGET_LENGTH, short(target.len()));
    record.u16(layout::XATTR_COUNT, short(entry.xattrs.len()));
    record.u8(layout::TYPE, type_of(&entry.kind));
    record.u32(layout::MODE, entry.mode);
    record.u32(layout::UID, entry.uid);
    record.u32(layout::GID, entry.gid);
    record.u32(layout::MTIME_NANOSECONDS, entry.mtime.nanoseconds);
    record.i64(layout::MTIME_SECONDS, entry.mtime.seconds);
    match &entry.kind {
        FileKind::Regular { size, sha256 } => {
            record.u64(layout::SIZE, *size);
            record.u64(layout::DATA_OFFSET, data_offset);
            record.bytes(layout::SHA256, sha256.as_bytes());
        }
        FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) => {
            record.u32(layout::DEVICE_MAJOR, number.major);
            record.u32(layout::DEVICE_MINOR, number.minor);
        }
        _ => {}
    }
    out.extend_from_slice(entry.path.as_bytes());
    out.extend_from_slice(target);
    for xattr in &entry.xattrs {
        let mut record = RecordWriter::append(out, layout::XATTR_LENGTH);
        let length = u32::try_from(xattr.value.len()).unwrap_or(u32::MAX);
        record.u32(layout::VALUE_LENGTH, length);
        record.u16(layout::NAME_LENGTH, short(xattr.name.len()));
        out.extend_from_slice(xattr.name.as_bytes());
        out.extend_from_slice(&xattr.value);
    }
}

/// A length that the rules of the table keep far below 16 bits.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn target_of(kind: &FileKind) -> &[u8] {
    match kind {
        FileKind::Symlink { target } => target.as_bytes(),
        FileKind::HardLink { target } => target.as_bytes(),
        _ => &[],
    }
}

const fn type_of(kind: &FileKind) -> u8 {
    match kind {
        FileKind::Regular { .. } => REGULAR,
        FileKind::Directory => DIRECTORY,
        FileKind::Symlink { .. } => SYMLINK,
        FileKind::HardLink { .. } => HARD_LINK,
        FileKind::Fifo => FIFO,
        FileKind::CharacterDevice(_) => CHARACTER_DEVICE,
        FileKind::BlockDevice(_) => BLOCK_DEVICE,
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<FileTable, PayloadError> {
    check_length(wide(bytes.len()))?;
    let mut input = Input::new(bytes);
    let (header, count) = decode_header(&mut input)?;
    let mut builder = TableBuilder::with_capacity(count);
    for _ in 0..count {
        let start = input.offset();
        let (entry, record) = decode_entry(&mut input)?;
        check_shape(&entry, &record)?;
        let is_regular = matches!(entry.kind, FileKind::Regular { .. });
        let place = builder.push(entry)?;
        let expected = if is_regular { place.data } else { 0 };
        let found = record.u64(layout::DATA_OFFSET);
        if found != expected {
            let offset = start + wide(layout::DATA_OFFSET.offset);
            let (expected, found) = (expected.to_string(), found.to_string());
            return Err(flaw(offset, layout::DATA_OFFSET.name, expected, found));
        }
    }
    if input.len() != 0 {
        let found = format!("{} more bytes", input.len());
        return Err(flaw(
            input.offset(),
            "end",
            "the end of the table".to_owned(),
            found,
        ));
    }
    let table = builder.finish()?;
    let found = header.u64(layout::STREAM_LENGTH);
    if found != table.stream_length() {
        let expected = table.stream_length().to_string();
        return Err(flaw_in(
            &header,
            layout::STREAM_LENGTH,
            expected,
            found.to_string(),
        ));
    }
    Ok(table)
}

/// The header and the number of entries, which the input is long enough to hold.
fn decode_header<'a>(input: &mut Input<'a>) -> Result<(Record<'a>, usize), PayloadError> {
    let header = take_record(input, layout::HEADER_LENGTH, "header")?;
    if header.bytes(layout::MAGIC) != layout::MAGIC_BYTES {
        let found = escaped(header.bytes(layout::MAGIC));
        return Err(flaw_in(
            &header,
            layout::MAGIC,
            "ISI-FTAB".to_owned(),
            found,
        ));
    }
    let fixed = [
        (layout::VERSION, layout::VERSION_NUMBER),
        (layout::RESERVED, 0),
    ];
    for (field, expected) in fixed {
        let found = header.u32(field);
        if found != expected {
            return Err(flaw_in(
                &header,
                field,
                expected.to_string(),
                found.to_string(),
            ));
        }
    }
    let count = header.u64(layout::ENTRIES);
    check_count(count)?;
    // Each entry has a path, so one byte more than the fixed part.
    let most = input.len() / (layout::ENTRY_LENGTH + 1);
    if count > wide(most) {
        let expected = format!("at most {most} in {} bytes", input.len());
        return Err(flaw_in(
            &header,
            layout::ENTRIES,
            expected,
            count.to_string(),
        ));
    }
    Ok((header, narrow(count)))
}

fn decode_entry<'a>(input: &mut Input<'a>) -> Result<(FileEntry, Record<'a>), PayloadError> {
    let start = input.offset();
    let record = take_record(input, layout::ENTRY_LENGTH, "entry")?;
    let reserved = record.u8(layout::ENTRY_RESERVED);
    if reserved != 0 {
        let field = layout::ENTRY_RESERVED;
        return Err(flaw_in(
            &record,
            field,
            "0".to_owned(),
            reserved.to_string(),
        ));
    }
    let limits = [
        (layout::PATH_LENGTH, MAX_PATH_LENGTH),
        (layout::TARGET_LENGTH, MAX_PATH_LENGTH),
        (layout::XATTR_COUNT, MAX_XATTRS),
    ];
    for (field, limit) in limits {
        check_limit(&record, field, u32::from(record.u16(field)), limit)?;
    }
    let path = take_bytes(input, usize::from(record.u16(layout::PATH_LENGTH)), "path")?;
    let path = EntryPath::new(path).map_err(|rule| name_error(start, "path", path, rule))?;
    let target = usize::from(record.u16(layout::TARGET_LENGTH));
    let target = take_bytes(input, target, "link target")?;
    let kind = decode_kind(&record, target)?;
    let xattrs = (0..record.u16(layout::XATTR_COUNT))
        .map(|_| decode_xattr(input))
        .collect::<Result<_, _>>()?;
    let entry = FileEntry {
        path,
        kind,
        mode: record.u32(layout::MODE),
        uid: record.u32(layout::UID),
        gid: record.u32(layout::GID),
        mtime: Mtime {
            seconds: record.i64(layout::MTIME_SECONDS),
            nanoseconds: record.u32(layout::MTIME_NANOSECONDS),
        },
        xattrs,
    };
    Ok((entry, record))
}

fn decode_kind(record: &Record<'_>, target: &[u8]) -> Result<FileKind, PayloadError> {
    let number = || DeviceNumber {
        major: record.u32(layout::DEVICE_MAJOR),
        minor: record.u32(layout::DEVICE_MINOR),
    };
    Ok(match record.u8(layout::TYPE) {
        REGULAR => FileKind::Regular {
            size: record.u64(layout::SIZE),
            sha256: record.digest(layout::SHA256),
        },
        DIRECTORY => FileKind::Directory,
        SYMLINK => FileKind::Symlink {
            target: OsStr::from_bytes(target).to_owned(),
        },
        HARD_LINK => {
            let start = record.offset_of(layout::PATH_LENGTH);
            let checked = EntryPath::new(target);
            let target = checked.map_err(|rule| name_error(start, "link target", target, rule))?;
            FileKind::HardLink { target }
        }
        FIFO => FileKind::Fifo,
        CHARACTER_DEVICE => FileKind::CharacterDevice(number()),
        BLOCK_DEVICE => FileKind::BlockDevice(number()),
        other => {
            let expected = "1 to 7".to_owned();
            return Err(flaw_in(record, layout::TYPE, expected, other.to_string()));
        }
    })
}

fn decode_xattr(input: &mut Input<'_>) -> Result<Xattr, PayloadError> {
    let record = take_record(input, layout::XATTR_LENGTH, "attribute")?;
    let name_length = record.u16(layout::NAME_LENGTH);
    let value_length = record.u32(layout::VALUE_LENGTH);
    let limit = MAX_XATTR_NAME_LENGTH;
    check_limit(&record, layout::NAME_LENGTH, u32::from(name_length), limit)?;
    let limit = MAX_XATTR_VALUE_LENGTH;
    check_limit(&record, layout::VALUE_LENGTH, value_length, limit)?;
    let name = take_bytes(input, usize::from(name_length), "attribute name")?;
    let value = take_bytes(input, narrow(u64::from(value_length)), "attribute value")?;
    Ok(Xattr {
        name: OsStr::from_bytes(name).to_owned(),
        value: value.to_vec(),
    })
}

/// Fields that an entry of this kind does not use are zero, so that there is one encoding.
fn check_shape(entry: &FileEntry, record: &Record<'_>) -> Result<(), PayloadError> {
    let (mut contents, mut target, mut device) = (false, false, false);
    match entry.kind {
        FileKind::Regular { .. } => contents = true,
        FileKind::Symlink { .. } | FileKind::HardLink { .. } => target = true,
        FileKind::CharacterDevice(_) | FileKind::BlockDevice(_) => device = true,
        FileKind::Directory | FileKind::Fifo => {}
    }
    let fields = [
        (layout::SIZE, contents),
        (layout::SHA256, contents),
        (layout::TARGET_LENGTH, target),
        (layout::DEVICE_MAJOR, device),
        (layout::DEVICE_MINOR, device),
    ];
    for (field, used) in fields {
        let bytes = record.bytes(field);
        if !used && bytes.iter().any(|&byte| byte != 0) {
            let expected = "zeros for this type".to_owned();
            let found = data_encoding::HEXLOWER.encode(bytes);
            return Err(flaw_in(record, field, expected, found));
        }
    }
    Ok(())
}

fn check_limit(
    record: &Record<'_>,
    field: Field,
    found: u32,
    limit: usize,
) -> Result<(), PayloadError> {
    if u64::from(found) <= wide(limit) {
        return Ok(());
    }
    let place = record.offset_of(field);
    let what = format!("file table, byte {place}, {}", field.name);
    let (limit, found) = (wide(limit), u64::from(found));
    Err(PayloadError::TooLarge { what, limit, found })
}

fn take_record<'a>(
    input: &mut Input<'a>,
    length: usize,
    field: &'static str,
) -> Result<Record<'a>, PayloadError> {
    let (offset, available) = (input.offset(), input.len());
    let short = || {
        flaw(
            offset,
            field,
            format!("{length} bytes"),
            format!("{available} bytes"),
        )
    };
    input.record(length).ok_or_else(short)
}

fn take_bytes<'a>(
    input: &mut Input<'a>,
    length: usize,
    field: &'static str,
) -> Result<&'a [u8], PayloadError> {
    let (offset, available) = (input.offset(), input.len());
    let short = || {
        flaw(
            offset,
            field,
            format!("{length} bytes"),
            format!("{available} bytes"),
        )
    };
    input.take(length).ok_or_else(short)
}

fn flaw_in(record: &Record<'_>, field: Field, expected: String, found: String) -> PayloadError {
    flaw(record.offset_of(field), field.name, expected, found)
}

fn flaw(offset: u64, field: &'static str, expected: String, found: String) -> PayloadError {
    PayloadError::Table {
        offset,
        field,
        expected,
        found,
    }
}
