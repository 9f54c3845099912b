use super::PayloadError;
use super::convert::{narrow, wide};
use super::limits::{MAX_FRAME_LENGTH, MAX_FRAMES, MAX_INDEX_LENGTH, MAX_STORED_FRAME_LENGTH};
use super::record::{Input, Record, RecordWriter};
use crate::digest::Sha256Digest;

/// The places of the index header and of a frame record (`format-spec/payload-index.md`).
pub mod layout {
    use crate::payload::record::Field;

    /// First bytes of a payload index.
    pub const MAGIC_BYTES: &[u8; 8] = b"ISI-PIDX";
    /// The version this program reads and writes.
    pub const VERSION_NUMBER: u32 = 1;

    /// Says that this is a payload index.
    pub const MAGIC: Field = Field::first(8, "magic");
    /// Version of the format.
    pub const VERSION: Field = MAGIC.then(4, "version");
    /// How frames are stored.
    pub const COMPRESSION: Field = VERSION.then(4, "compression");
    /// Number of frame records.
    pub const FRAMES: Field = COMPRESSION.then(8, "frame count");
    /// The header in order.
    pub const HEADER: &[Field] = &[MAGIC, VERSION, COMPRESSION, FRAMES];
    /// Length of the header in bytes.
    pub const HEADER_LENGTH: usize = FRAMES.end();

    /// Bytes of the frame in the payload.
    pub const STORED_SIZE: Field = Field::first(4, "stored size");
    /// Bytes of tar stream in the frame.
    pub const PLAIN_SIZE: Field = STORED_SIZE.then(4, "plain size");
    /// Digest of the frame in the payload.
    pub const STORED_SHA256: Field = PLAIN_SIZE.then(32, "stored SHA-256");
    /// Digest of its bytes of tar stream.
    pub const PLAIN_SHA256: Field = STORED_SHA256.then(32, "plain SHA-256");
    /// A frame record in order.
    pub const FRAME: &[Field] = &[STORED_SIZE, PLAIN_SIZE, STORED_SHA256, PLAIN_SHA256];
    /// Length of a frame record in bytes.
    pub const FRAME_LENGTH: usize = PLAIN_SHA256.end();
}

/// The frames of a payload, in order: what a signer says about each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadIndex {
    kind: FrameKind,
    frames: Vec<Frame>,
}

/// How the frames of a payload are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// As plain slices of the tar stream.
    Plain,
    /// Each as one Zstandard frame (RFC 8878) that says its content size.
    Zstd,
}

/// One frame of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Bytes in the payload.
    pub stored_size: u32,
    /// Bytes of tar stream.
    pub plain_size: u32,
    /// Digest of the bytes in the payload.
    pub stored_sha256: Sha256Digest,
    /// Digest of the bytes of tar stream.
    pub plain_sha256: Sha256Digest,
}

impl FrameKind {
    /// The media type of a whole payload of such frames.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "application/x-tar",
            Self::Zstd => "application/x-tar+zstd",
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Zstd => 1,
        }
    }
}

impl PayloadIndex {
    /// Checks the sizes of `frames` and keeps them.
    pub fn new(kind: FrameKind, frames: Vec<Frame>) -> Result<Self, PayloadError> {
        check_count(wide(frames.len()))?;
        let mut offset = wide(layout::HEADER_LENGTH);
        for frame in &frames {
            check_frame(kind, frame, offset)?;
            offset += wide(layout::FRAME_LENGTH);
        }
        Ok(Self { kind, frames })
    }

    /// How the frames are stored.
    pub const fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The frames, in the order of the payload.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The length of the whole payload in bytes.
    pub fn stored_length(&self) -> u64 {
        let sizes = self.frames.iter().map(|frame| u64::from(frame.stored_size));
        sizes.sum()
    }

    /// The length of the whole tar stream in bytes.
    pub fn plain_length(&self) -> u64 {
        let sizes = self.frames.iter().map(|frame| u64::from(frame.plain_size));
        sizes.sum()
    }

    /// The encoded index: the one there is for these frames.
    pub fn encode(&self) -> Vec<u8> {
        let length = layout::HEADER_LENGTH + layout::FRAME_LENGTH * self.frames.len();
        let mut out = Vec::with_capacity(length);
        let mut header = RecordWriter::append(&mut out, layout::HEADER_LENGTH);
        header.bytes(layout::MAGIC, layout::MAGIC_BYTES);
        header.u32(layout::VERSION, layout::VERSION_NUMBER);
        header.u32(layout::COMPRESSION, self.kind.number());
        header.u64(layout::FRAMES, wide(self.frames.len()));
        for frame in &self.frames {
            let mut record = RecordWriter::append(&mut out, layout::FRAME_LENGTH);
            record.u32(layout::STORED_SIZE, frame.stored_size);
            record.u32(layout::PLAIN_SIZE, frame.plain_size);
            record.bytes(layout::STORED_SHA256, frame.stored_sha256.as_bytes());
            record.bytes(layout::PLAIN_SHA256, frame.plain_sha256.as_bytes());
        }
        out
    }

    /// Reads an encoded index; refuses every encoding but the one that [`Self::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        check_length(bytes)?;
        let mut input = Input::new(bytes);
        let (kind, count) = decode_header(&mut input)?;
        let expected = count * layout::FRAME_LENGTH;
        if input.len() != expected {
            let expected = format!("{expected} bytes of frame records");
            let found = format!("{} bytes", input.len());
            return Err(flaw(input.offset(), "frame records", expected, found));
        }
        let mut frames = Vec::with_capacity(count);
        while let Some(record) = input.record(layout::FRAME_LENGTH) {
            frames.push(Frame {
                stored_size: record.u32(layout::STORED_SIZE),
                plain_size: record.u32(layout::PLAIN_SIZE),
                stored_sha256: record.digest(layout::STORED_SHA256),
                plain_sha256: record.digest(layout::PLAIN_SHA256),
            });
        }
        Self::new(kind, frames)
    }
}

/// The compression and the number of frames, which the input is long enough to hold.
fn decode_header(input: &mut Input<'_>) -> Result<(FrameKind, usize), PayloadError> {
    let available = input.len();
    let header: Record<'_> = input.record(layout::HEADER_LENGTH).ok_or_else(|| {
        let expected = format!("{} bytes", layout::HEADER_LENGTH);
        flaw(0, "header", expected, format!("{available} bytes"))
    })?;
    if header.bytes(layout::MAGIC) != layout::MAGIC_BYTES {
        let found = super::name::escaped(header.bytes(layout::MAGIC));
        return Err(flaw(0, layout::MAGIC.name, "ISI-PIDX".to_owned(), found));
    }
    let version = header.u32(layout::VERSION);
    if version != layout::VERSION_NUMBER {
        let place = header.offset_of(layout::VERSION);
        let expected = layout::VERSION_NUMBER.to_string();
        return Err(flaw(
            place,
            layout::VERSION.name,
            expected,
            version.to_string(),
        ));
    }
    let kind = match header.u32(layout::COMPRESSION) {
        0 => FrameKind::Plain,
        1 => FrameKind::Zstd,
        other => {
            let place = header.offset_of(layout::COMPRESSION);
            let expected = "0 (none) or 1 (zstd)".to_owned();
            return Err(flaw(
                place,
                layout::COMPRESSION.name,
                expected,
                other.to_string(),
            ));
        }
    };
    let count = header.u64(layout::FRAMES);
    check_count(count)?;
    Ok((kind, narrow(count)))
}

fn check_length(bytes: &[u8]) -> Result<(), PayloadError> {
    let found = wide(bytes.len());
    if found > MAX_INDEX_LENGTH {
        let (what, limit) = ("bytes of payload index".to_owned(), MAX_INDEX_LENGTH);
        return Err(PayloadError::TooLarge { what, limit, found });
    }
    Ok(())
}

fn check_count(count: u64) -> Result<(), PayloadError> {
    if count > MAX_FRAMES {
        let (what, limit, found) = ("frames in the payload index".to_owned(), MAX_FRAMES, count);
        return Err(PayloadError::TooLarge { what, limit, found });
    }
    if count == 0 {
        let field = layout::FRAMES;
        let expected = "at least 1".to_owned();
        return Err(flaw(
            wide(field.offset),
            field.name,
            expected,
            "0".to_owned(),
        ));
    }
    Ok(())
}

fn check_frame(kind: FrameKind, frame: &Frame, offset: u64) -> Result<(), PayloadError> {
    let sizes = [
        (
            layout::STORED_SIZE,
            frame.stored_size,
            MAX_STORED_FRAME_LENGTH,
        ),
        (layout::PLAIN_SIZE, frame.plain_size, MAX_FRAME_LENGTH),
    ];
    for (field, size, limit) in sizes {
        let place = offset + wide(field.offset);
        if size == 0 {
            let expected = "at least 1".to_owned();
            return Err(flaw(place, field.name, expected, "0".to_owned()));
        }
        if size > limit {
            let what = format!("payload index, byte {place}, {}", field.name);
            let (limit, found) = (u64::from(limit), u64::from(size));
            return Err(PayloadError::TooLarge { what, limit, found });
        }
    }
    if kind == FrameKind::Plain {
        if frame.stored_size != frame.plain_size {
            let place = offset + wide(layout::PLAIN_SIZE.offset);
            let expected = format!("the stored size, {}", frame.stored_size);
            let found = frame.plain_size.to_string();
            return Err(flaw(place, layout::PLAIN_SIZE.name, expected, found));
        }
        if frame.stored_sha256 != frame.plain_sha256 {
            let place = offset + wide(layout::PLAIN_SHA256.offset);
            let expected = format!("the stored SHA-256, {}", frame.stored_sha256);
            let found = frame.plain_sha256.to_string();
            return Err(flaw(place, layout::PLAIN_SHA256.name, expected, found));
        }
    }
    Ok(())
}

fn flaw(offset: u64, field: &'static str, expected: String, found: String) -> PayloadError {
    PayloadError::Index {
        offset,
        field,
        expected,
        found,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: FrameKind, stored_size: u32, plain_size: u32, seed: &[u8]) -> Frame {
        let stored_sha256 = Sha256Digest::of(seed);
        let plain_sha256 = match kind {
            FrameKind::Plain => stored_sha256,
            FrameKind::Zstd => Sha256Digest::of(stored_sha256.as_bytes()),
        };
        Frame {
            stored_size,
            plain_size,
            stored_sha256,
            plain_sha256,
        }
    }

    fn small(kind: FrameKind) -> PayloadIndex {
        let frames = vec![frame(kind, 700, 700, b"1"), frame(kind, 1, 1, b"2")];
        PayloadIndex::new(kind, frames).unwrap()
    }

    #[test]
    fn the_fields_are_those_of_the_specification() {
        let text = include_str!("../../format-spec/payload-index.md");
        super::super::tests::assert_fields(text, "payload-index-header", layout::HEADER);
        super::super::tests::assert_fields(text, "payload-index-frame", layout::FRAME);
    }

    #[test]
    fn the_example_of_the_specification_is_what_is_written() {
        let zeros = Sha256Digest::of(&[0; 1024]);
        let frame = Frame {
            stored_size: 1024,
            plain_size: 1024,
            stored_sha256: zeros,
            plain_sha256: zeros,
        };
        let bytes = PayloadIndex::new(FrameKind::Plain, vec![frame])
            .unwrap()
            .encode();
        let text = include_str!("../../format-spec/payload-index.md");
        super::super::tests::assert_example(text, &bytes);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for kind in [FrameKind::Plain, FrameKind::Zstd] {
            let index = small(kind);
            assert_eq!(PayloadIndex::decode(&index.encode()).unwrap(), index);
            assert_eq!((index.stored_length(), index.plain_length()), (701, 701));
        }
    }

    #[test]
    fn c14_every_flipped_bit_is_refused_or_seen() {
        for kind in [FrameKind::Plain, FrameKind::Zstd] {
            let index = small(kind);
            let good = index.encode();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                // What is not refused must differ, and must be its own one encoding.
                if let Ok(other) = PayloadIndex::decode(&bad) {
                    assert_ne!(other, index, "bit {bit}");
                    assert_eq!(other.encode(), bad, "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn c14_every_other_length_is_refused() {
        let good = small(FrameKind::Zstd).encode();
        for length in 0..good.len() {
            let error = PayloadIndex::decode(&good[..length]).unwrap_err();
            assert_eq!(error.code(), "E_PAYLOAD_INDEX", "{length}");
        }
        for extra in [1, layout::FRAME_LENGTH] {
            let mut long = good.clone();
            long.resize(good.len() + extra, 0);
            let error = PayloadIndex::decode(&long).unwrap_err();
            assert_eq!(error.code(), "E_PAYLOAD_INDEX");
        }
    }

    #[test]
    fn every_refusal_names_its_place() {
        type Damage = fn(&mut Vec<u8>);
        let cases: [(Damage, &str); 8] = [
            (
                |b| b[0] = b'X',
                "payload index, byte 0, magic: expected ISI-PIDX, found XSI-PIDX",
            ),
            (
                |b| b[8] = 2,
                "payload index, byte 8, version: expected 1, found 2",
            ),
            (
                |b| b[12] = 7,
                "payload index, byte 12, compression: expected 0 (none) or 1 (zstd), found 7",
            ),
            (
                |b| {
                    b[16] = 0;
                    b.truncate(24);
                },
                "payload index, byte 16, frame count: expected at least 1, found 0",
            ),
            (
                |b| b[24..28].fill(0),
                "payload index, byte 24, stored size: expected at least 1, found 0",
            ),
            (
                |b| b[28..32].fill(0),
                "payload index, byte 28, plain size: expected at least 1, found 0",
            ),
            (
                |b| b[28] ^= 1,
                "payload index, byte 28, plain size: expected the stored size, 700, found 701",
            ),
            (
                |b| b.push(0),
                "payload index, byte 24, frame records: expected 144 bytes of frame records, \
                 found 145 bytes",
            ),
        ];
        for (damage, message) in cases {
            let mut bytes = small(FrameKind::Plain).encode();
            damage(&mut bytes);
            let error = PayloadIndex::decode(&bytes).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.code(), "E_PAYLOAD_INDEX");
        }
    }

    #[test]
    fn c10_frames_at_their_limits_are_accepted_and_one_byte_more_is_not() {
        let kind = FrameKind::Zstd;
        let sizes = [(MAX_STORED_FRAME_LENGTH, 1), (1, MAX_FRAME_LENGTH)];
        for (stored, plain) in sizes {
            let bytes = |stored, plain| {
                let frames = vec![frame(kind, stored, plain, b"x")];
                PayloadIndex { kind, frames }.encode()
            };
            assert!(PayloadIndex::decode(&bytes(stored, plain)).is_ok());
            let more = if stored > plain {
                (stored + 1, 1)
            } else {
                (1, plain + 1)
            };
            let error = PayloadIndex::decode(&bytes(more.0, more.1)).unwrap_err();
            assert_eq!(error.code(), "E_TOO_LARGE");
        }
    }

    #[test]
    fn c11_a_count_reserves_nothing_that_the_input_does_not_hold() {
        let mut bytes = small(FrameKind::Zstd).encode();
        let cases = [
            (MAX_FRAMES, "E_PAYLOAD_INDEX"),
            (MAX_FRAMES + 1, "E_TOO_LARGE"),
            (1_000_000_000, "E_TOO_LARGE"),
            (u64::MAX, "E_TOO_LARGE"),
        ];
        for (count, code) in cases {
            bytes[16..24].copy_from_slice(&count.to_le_bytes());
            assert_eq!(PayloadIndex::decode(&bytes).unwrap_err().code(), code);
        }
    }

    proptest! {
        #[test]
        fn any_index_survives_the_codec(
            zstd in any::<bool>(),
            sizes in proptest::collection::vec((1..=MAX_FRAME_LENGTH, 1..=MAX_FRAME_LENGTH), 1..40),
        ) {
            let kind = if zstd { FrameKind::Zstd } else { FrameKind::Plain };
            let frames = sizes.iter().enumerate().map(|(n, &(stored, plain))| {
                let plain = if zstd { plain } else { stored };
                frame(kind, stored, plain, &n.to_le_bytes())
            });
            let index = PayloadIndex::new(kind, frames.collect()).unwrap();
            let bytes = index.encode();
            prop_assert_eq!(PayloadIndex::decode(&bytes).unwrap(), index);
        }

        #[test]
        fn any_bytes_are_refused_or_the_one_encoding(
            tail in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = small(FrameKind::Zstd).encode();
            bytes.truncate(24);
            bytes.extend(tail);
            if let Ok(index) = PayloadIndex::decode(&bytes) {
                prop_assert_eq!(index.encode(), bytes);
            }
        }
    }
}
