//! Packages whose payload, payload index or file table is hostile, under a good signature.

use std::path::Path;

use isi_catalog::digest::Sha256Digest;
use isi_catalog::fsio::Dir;
use isi_catalog::manifest::RegionKind;
use isi_catalog::package::Package;
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource};
use isi_catalog::payload::{Compression, Frame, FrameKind, Owners, PayloadIndex, TreeOptions};

use crate::good::{draft, finished, scratch, unsigned};
use crate::keys::Keys;
use crate::raw_table::{Entry, device_header, table};
use crate::vector::Vector;
use crate::vectors::Stage;

/// The three regions of a payload that was built from a directory.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) payload: Vec<u8>,
    pub(crate) index: Vec<u8>,
    pub(crate) table: Vec<u8>,
}

/// Bytes of the fixed parts of index and table.
const INDEX_HEADER: usize = 24;
const TABLE_HEADER: usize = 32;

impl Described {
    /// What the writer makes of a small tree: a directory with one file of five bytes, and a link.
    pub(crate) fn small(compression: Compression) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(folder.path().join("d/f"), "hello").unwrap();
        std::os::unix::fs::symlink("d", folder.path().join("link")).unwrap();
        Self::of(folder.path(), compression)
    }

    /// What the writer makes of a tree.
    pub(crate) fn of(tree: &Path, compression: Compression) -> Self {
        let mut draft = draft(b"");
        draft.payload = PayloadSource::Tree {
            directory: Dir::open(tree).unwrap(),
            options: TreeOptions {
                compression,
                owners: Owners::Fixed { uid: 0, gid: 0 },
                clock: Some("2026-01-01T00:00:00Z".parse().unwrap()),
                ..TreeOptions::default()
            },
        };
        let package = unsigned(draft);
        let (manifest, extents) = Package::open(scratch(&package)).unwrap().inspect().unwrap();
        let part = |kind: RegionKind| {
            let place = manifest
                .regions
                .iter()
                .position(|region| region.kind == kind);
            let extent = extents[place.unwrap()];
            let [start, end] = [extent.offset, extent.end()].map(|at| usize::try_from(at).unwrap());
            package[start..end].to_vec()
        };
        Self {
            payload: part(RegionKind::Payload),
            index: part(RegionKind::PayloadIndex),
            table: part(RegionKind::FileTable),
        }
    }

    /// Describes the payload as plain frames of these lengths.
    pub(crate) fn cut(mut self, lengths: &[usize]) -> Self {
        let mut rest = self.payload.as_slice();
        let frames = lengths.iter().map(|length| {
            let (bytes, after) = rest.split_at(*length);
            rest = after;
            frame(bytes, bytes)
        });
        let frames = frames.collect();
        assert!(rest.is_empty());
        self.index = PayloadIndex::new(FrameKind::Plain, frames)
            .unwrap()
            .encode();
        self
    }

    /// Describes the payload as one plain frame.
    fn one_frame(self) -> Self {
        let length = self.payload.len();
        self.cut(&[length])
    }

    /// The payload and what describes it as a draft of a package.
    pub(crate) fn draft(self) -> Draft {
        let region = |kind, name: &str, bytes| DraftRegion {
            kind,
            name: name.to_owned(),
            media_type: String::new(),
            content: Content::Bytes(bytes),
        };
        let mut draft = draft(&self.payload);
        draft.regions = vec![
            region(RegionKind::FileTable, "file-table", self.table),
            region(RegionKind::PayloadIndex, "payload-index", self.index),
        ];
        draft
    }
}

/// The record of a frame.
fn frame(stored: &[u8], plain: &[u8]) -> Frame {
    Frame {
        stored_size: u32::try_from(stored.len()).unwrap(),
        plain_size: u32::try_from(plain.len()).unwrap(),
        stored_sha256: Sha256Digest::of(stored),
        plain_sha256: Sha256Digest::of(plain),
    }
}

/// Makes vectors that differ from the small plain tree in one thing.
struct Forge<'a> {
    keys: &'a Keys,
    made: Vec<Vector>,
    base: Described,
}

pub(crate) fn vectors(keys: &Keys) -> Vec<Vector> {
    let mut forge = Forge {
        keys,
        made: Vec::new(),
        base: Described::small(Compression::None),
    };
    forge.indexes();
    forge.tables();
    forge.names();
    forge.sizes();
    forge.contents();
    forge.frames();
    forge.made
}

impl Forge<'_> {
    fn bad(&mut self, code: &str, variant: &str, about: &str, described: Described) {
        let bytes = finished(self.keys, described.draft(), &["signer-p256"], true);
        self.made
            .push(Vector::bad(code, variant, about, Stage::Files, bytes));
    }

    fn with(
        &mut self,
        code: &str,
        variant: &str,
        about: &str,
        change: impl FnOnce(&mut Described),
    ) {
        let mut described = self.base.clone();
        change(&mut described);
        self.bad(code, variant, about, described);
    }

    /// The table has these bytes at this place.
    fn table_at(&mut self, variant: &str, about: &str, place: usize, bytes: &[u8]) {
        self.with("E_FILE_TABLE", variant, about, |it| {
            put(&mut it.table, place, bytes);
        });
    }

    /// The index has these bytes at this place.
    fn index_at(&mut self, code: &str, variant: &str, about: &str, place: usize, bytes: &[u8]) {
        self.with(code, variant, about, |it| put(&mut it.index, place, bytes));
    }

    /// The table is made of these entries.
    fn entries(&mut self, code: &str, variant: &str, about: &str, entries: &[Entry<'_>]) {
        self.with(code, variant, about, |it| it.table = table(entries));
    }

    fn indexes(&mut self) {
        let code = "E_PAYLOAD_INDEX";
        self.index_at(code, "magic", "another magic", 0, b"ISI-PIDY");
        self.index_at(code, "version", "version 2", 8, &[2]);
        self.index_at(code, "compression", "compression 2", 12, &[2]);
        self.index_at(code, "count", "two frames, and a record for one", 16, &[2]);
        self.index_at(
            code,
            "stored-size",
            "a frame of no stored bytes",
            INDEX_HEADER,
            &[0; 4],
        );
        self.index_at(
            code,
            "plain-size",
            "a frame of no plain bytes",
            INDEX_HEADER + 4,
            &[0; 4],
        );
        self.index_at(
            code,
            "sizes",
            "a plain frame whose sizes differ",
            INDEX_HEADER + 4,
            &[1],
        );
        self.index_at(
            code,
            "digests",
            "a plain frame whose digests differ",
            INDEX_HEADER + 40,
            &[0; 4],
        );
        self.with(code, "none", "no frames", |it| {
            it.index.truncate(INDEX_HEADER);
            put(&mut it.index, 16, &[0]);
        });
        self.with(code, "cut", "the last byte is missing", |it| {
            it.index.truncate(it.index.len() - 1);
        });
        self.with(code, "trailing", "a byte follows the last record", |it| {
            it.index.push(0);
        });
        self.with(code, "short", "the header is cut off", |it| {
            it.index.truncate(INDEX_HEADER - 1);
        });
        self.with(
            code,
            "payload",
            "the payload ends before its only frame",
            |it| it.payload.truncate(it.payload.len() - 1),
        );
    }

    fn tables(&mut self) {
        self.table_at("magic", "another magic", 0, b"ISI-FTAC");
        self.table_at("version", "version 2", 8, &[2]);
        self.table_at("reserved", "a reserved field that is not zero", 12, &[1]);
        self.table_at("count", "four entries, and records for three", 16, &[4]);
        self.table_at("count-less", "two entries, and records for three", 16, &[2]);
        self.table_at("stream-length", "a stream one byte longer", 24, &[1]);
        self.table_at(
            "entry-reserved",
            "an entry's reserved field that is not zero",
            TABLE_HEADER + 7,
            &[1],
        );
        self.table_at("type", "an entry of type 8", TABLE_HEADER + 6, &[8]);
        self.table_at(
            "mode",
            "a mode of 010755",
            TABLE_HEADER + 8,
            &0o10755_u32.to_le_bytes(),
        );
        self.table_at("uid", "the uid 4294967295", TABLE_HEADER + 12, &[0xff; 4]);
        self.table_at(
            "nanoseconds",
            "a thousand million nanoseconds",
            TABLE_HEADER + 20,
            &1_000_000_000_u32.to_le_bytes(),
        );
        self.table_at(
            "unused-size",
            "a directory with a size",
            TABLE_HEADER + 32,
            &[1],
        );
        self.table_at(
            "unused-device",
            "a directory with a device number",
            TABLE_HEADER + 48,
            &[1],
        );
        self.with("E_FILE_TABLE", "cut", "the last byte is missing", |it| {
            it.table.truncate(it.table.len() - 1);
        });
        self.with(
            "E_FILE_TABLE",
            "trailing",
            "a byte follows the last entry",
            |it| it.table.push(0),
        );
        let empty = Entry::directory("");
        self.entries("E_FILE_TABLE", "path-length", "an empty path", &[empty]);
        let file = Entry::file("f", b"hello", 512);
        self.entries(
            "E_FILE_TABLE",
            "order",
            "the entries descend",
            &[file, Entry::file("e", b"hello", 1536)],
        );
        let data_offset = Entry::file("f", b"hello", 1024);
        self.entries(
            "E_FILE_TABLE",
            "data-offset",
            "the file stands elsewhere in the stream",
            &[data_offset],
        );
        let link = Entry {
            mode: 0o755,
            ..Entry::symlink("link", "d")
        };
        self.entries(
            "E_FILE_TABLE",
            "link-mode",
            "a symbolic link with mode 0755",
            &[link],
        );
        let other_mode = Entry {
            mode: 0o600,
            ..Entry::hard_link("g", "f")
        };
        self.entries(
            "E_FILE_TABLE",
            "hard-link-mode",
            "a hard link with another mode than its file",
            &[file, other_mode],
        );
        let attributes = Entry {
            attributes: &[("user.b", "1"), ("user.a", "2")],
            ..Entry::directory("d")
        };
        self.entries(
            "E_FILE_TABLE",
            "attributes",
            "attributes that descend",
            &[attributes],
        );
    }

    fn names(&mut self) {
        let long = "a".repeat(256);
        let deep = vec!["a"; 257].join("/");
        for (variant, about, path) in [
            ("parent", "a path that leads out of the target", "../evil"),
            ("dots", "a path with .. in the middle", "d/../../evil"),
            ("dot", "a path that is a dot", "."),
            ("absolute", "an absolute path", "/etc/evil"),
            ("slashes", "two slashes in a row", "d//f"),
            ("slash", "a slash at the end", "d/"),
            ("nul", "a path with a NUL", "f\0g"),
            ("long", "a component of 256 bytes", &long),
            ("deep", "257 components", &deep),
        ] {
            self.entries("E_NAME", variant, about, &[Entry::directory(path)]);
        }
        let file = Entry::file("f", b"hello", 512);
        self.entries("E_NAME", "twice", "a path that stands twice", &[file, file]);
        let link = Entry::symlink("d", "/etc");
        self.entries(
            "E_NAME",
            "through-link",
            "a path through a symbolic link",
            &[link, Entry::file("d/f", b"hello", 1024)],
        );
        self.entries(
            "E_NAME",
            "no-parent",
            "a path whose directory is not listed",
            &[Entry::file("d/f", b"hello", 512)],
        );
        self.entries(
            "E_NAME",
            "below-file",
            "a path below a file",
            &[Entry::file("f", b"", 512), Entry::directory("f/g")],
        );
        self.entries(
            "E_NAME",
            "hard-link-nowhere",
            "a hard link to nothing",
            &[Entry::hard_link("f", "e")],
        );
        self.entries(
            "E_NAME",
            "hard-link-out",
            "a hard link that leads out of the target",
            &[Entry::hard_link("f", "../e")],
        );
        self.entries(
            "E_NAME",
            "hard-link-directory",
            "a hard link to a directory",
            &[Entry::directory("d"), Entry::hard_link("f", "d")],
        );
        self.entries(
            "E_NAME",
            "hard-link-later",
            "a hard link to a file behind it",
            &[Entry::hard_link("a", "f"), file],
        );
        self.entries(
            "E_NAME",
            "link-empty",
            "a symbolic link to nothing",
            &[Entry::symlink("link", "")],
        );
        self.entries(
            "E_NAME",
            "link-nul",
            "a symbolic link whose target has a NUL",
            &[Entry::symlink("link", "a\0b")],
        );
    }

    fn sizes(&mut self) {
        let many = 4_194_305_u64.to_le_bytes();
        self.with("E_TOO_LARGE", "entries", "4,194,305 entries", |it| {
            put(&mut it.table, 16, &many);
        });
        self.index_at("E_TOO_LARGE", "frames", "4,194,305 frames", 16, &many);
        let plain = 1_048_577_u32.to_le_bytes();
        self.index_at(
            "E_TOO_LARGE",
            "plain-size",
            "a frame of 1 MiB and a byte",
            INDEX_HEADER + 4,
            &plain,
        );
        let stored = 1_052_673_u32.to_le_bytes();
        self.index_at(
            "E_TOO_LARGE",
            "stored-size",
            "a frame of 1,052,673 stored bytes",
            INDEX_HEADER,
            &stored,
        );
        let huge = Entry {
            size: 1 << 42,
            ..Entry::file("f", b"hello", 512)
        };
        self.entries(
            "E_TOO_LARGE",
            "stream",
            "a file of 4 TiB, as long as a whole stream may be",
            &[huge],
        );
        let path = "a/".repeat(2048);
        self.entries(
            "E_TOO_LARGE",
            "path",
            "a path of 4,096 bytes",
            &[Entry::directory(&path)],
        );
    }

    fn contents(&mut self) {
        let mismatch = "E_FILE_TABLE_MISMATCH";
        self.with(
            mismatch,
            "header",
            "the tar header of the file says mode 0645, the table 0644",
            |it| {
                let place = 512 + 106;
                it.payload[place] += 1;
                *it = it.clone().one_frame();
            },
        );
        self.with(
            mismatch,
            "name",
            "the tar header of the file leads out of the target",
            |it| {
                put(&mut it.payload, 512, b"../");
                *it = it.clone().one_frame();
            },
        );
        self.with(
            mismatch,
            "padding",
            "bytes that nobody names follow the file's contents",
            |it| {
                put(&mut it.payload, 1024 + 5, b"evil");
                *it = it.clone().one_frame();
            },
        );
        self.with(
            mismatch,
            "end",
            "the end-of-archive marker is not zero",
            |it| {
                *it.payload.last_mut().unwrap() = 1;
                *it = it.clone().one_frame();
            },
        );
        self.with(
            mismatch,
            "length",
            "the frames are a block longer than the stream of the table",
            |it| {
                it.payload.extend([0; 512]);
                *it = it.clone().one_frame();
            },
        );
        self.with(
            "E_HASH_MISMATCH",
            "contents",
            "the file is not the one of the table",
            |it| {
                put(&mut it.payload, 1024, b"j");
                *it = it.clone().one_frame();
            },
        );
        self.with(
            "E_HASH_MISMATCH",
            "frame",
            "the payload is not the one of the index",
            |it| {
                put(&mut it.payload, 1024, b"j");
            },
        );
        let device = Entry::device("null", 1, 3);
        self.with("E_DEVICE", "", "a character device, 1:3", |it| {
            it.table = table(&[device]);
            it.payload = [device_header("null", 1, 3), vec![0; 1024]].concat();
            *it = it.clone().one_frame();
        });
    }

    fn frames(&mut self) {
        let plain = self.base.payload.clone();
        let whole = compressed(&plain);
        let frames = [compressed(&plain[..512]), compressed(&plain[512..])].concat();
        let more = compressed(&[plain.as_slice(), &[0; 512]].concat());
        let less = compressed(&plain[512..]);
        let skippable = [b"\x50\x2a\x4d\x18\x00\x00\x00\x00", whole.as_slice()].concat();
        let unknown_size = {
            let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
            std::io::Write::write_all(&mut encoder, &plain).unwrap();
            encoder.finish().unwrap()
        };
        let trailing = [whole.as_slice(), &[0]].concat();
        let cut = whole[..whole.len() - 1].to_vec();
        for (variant, about, stored) in [
            ("two", "two Zstandard frames in place of one", frames),
            ("more", "a frame that decodes to a block more", more),
            ("less", "a frame that decodes to a block less", less),
            ("skippable", "a skippable frame before the frame", skippable),
            (
                "unknown-size",
                "a frame that does not say its content size",
                unknown_size,
            ),
            ("trailing", "a byte behind the frame", trailing),
            ("cut", "a frame without its last byte", cut),
            ("plain", "plain bytes in place of a frame", plain.clone()),
        ] {
            self.zstd("E_FRAME", variant, about, &stored, frame(&stored, &plain));
        }
        // Other contents than index and table say: a reader may compare with either.
        let mut jello = plain.clone();
        put(&mut jello, 1024, b"j");
        let stored = compressed(&jello);
        self.zstd(
            "E_HASH_MISMATCH",
            "decoded",
            "a frame that decodes to other bytes than index and file table say",
            &stored,
            frame(&stored, &plain),
        );
        let mut other = frame(&whole, &plain);
        other.stored_sha256 = Sha256Digest::of(b"other");
        self.zstd(
            "E_HASH_MISMATCH",
            "stored",
            "a frame with other bytes than the index says",
            &whole,
            other,
        );
    }

    fn zstd(&mut self, code: &str, variant: &str, about: &str, stored: &[u8], frame: Frame) {
        self.with(code, variant, about, |it| {
            it.payload = stored.to_vec();
            it.index = PayloadIndex::new(FrameKind::Zstd, vec![frame])
                .unwrap()
                .encode();
        });
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 3).unwrap()
}

fn put(bytes: &mut [u8], place: usize, new: &[u8]) {
    bytes[place..place + new.len()].copy_from_slice(new);
}
