//! The worked example of the container: every byte of the tiny package with the field it belongs to.

use isi_catalog::isi_file::Envelope;
use isi_catalog::isi_file::layout::{FOOTER, SECTION_HEADER};
use isi_catalog::manifest::tags::{self, Tag};

use crate::markdown::{between, page};
use crate::vectors::folder;

/// Bytes of one line.
const LINE: usize = 8;

/// The dump as it grows: the bytes that are left and the lines so far.
struct Dump<'a> {
    bytes: &'a [u8],
    offset: usize,
    lines: Vec<String>,
}

impl<'a> Dump<'a> {
    /// Takes `length` bytes, which are `meaning`.
    fn take(&mut self, length: usize, meaning: &str) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(length);
        for (number, line) in taken.chunks(LINE).enumerate() {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let offset = self.offset + number * LINE;
            let meaning = if number == 0 { meaning } else { "" };
            let text = format!("{offset:04x}  {:<23}  {meaning}", hex.join(" "));
            self.lines.push(text.trim_end().to_owned());
        }
        self.bytes = rest;
        self.offset += length;
        taken
    }

    /// Takes a number of `length` bytes and shows its value.
    fn number(&mut self, length: usize, meaning: &str) -> usize {
        let bytes = &self.bytes[..length];
        let value = bytes
            .iter()
            .rev()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.take(length, &format!("{meaning} = {value}"));
        usize::try_from(value).expect("a small number")
    }

    fn section(&mut self, part: &str) {
        for field in SECTION_HEADER {
            if field.name == "length" {
                self.number(field.size, &format!("{part}: length"));
            } else {
                self.take(field.size, &format!("{part}: {}", field.name));
            }
        }
    }

    /// The fields of a block that ends at `end`, with the names of `known`.
    fn block(&mut self, end: usize, known: &[Tag], part: &str) {
        while self.offset < end {
            let stored = u16::from_le_bytes([self.bytes[0], self.bytes[1]]);
            let tag = known
                .iter()
                .find(|tag| tag.stored() == stored)
                .expect("a known field");
            let critical = if tag.critical { ", critical" } else { "" };
            let name = format!("{part}.{}", tag.name);
            self.take(2, &format!("{name}: tag {}{critical}", tag.number));
            let length = self.number(4, &format!("{name}: length"));
            self.value(*tag, known, &name, length);
        }
    }

    fn value(&mut self, tag: Tag, known: &[Tag], name: &str, length: usize) {
        let value = &self.bytes[..length];
        if tag == tags::REGIONS {
            let item = self.number(4, &format!("{name}, item 1: length"));
            assert_eq!(item + 4, length, "one region");
            self.block(self.offset + item, &tags::REGION, "region");
        } else if tag == tags::FORMAT && known.len() == tags::MANIFEST.len() {
            self.number(2, &format!("{name}: read_version"));
            self.number(2, &format!("{name}: write_version"));
        } else if length < 32 && !value.is_empty() && value.iter().all(u8::is_ascii_graphic) {
            let text = String::from_utf8_lossy(value);
            self.take(length, &format!("{name} = \"{text}\""));
        } else if length <= 8 {
            self.number(length, name);
        } else {
            self.take(length, name);
        }
    }

    fn footer(&mut self) {
        for field in FOOTER {
            let name = format!("footer: {}", field.name);
            let is_number = ["length", "_version", "flags", "_size"];
            if is_number.iter().any(|ending| field.name.ends_with(ending)) {
                self.number(field.size, &name);
            } else {
                self.take(field.size, &name);
            }
        }
    }
}

/// The annotated dump of a package with one region.
fn dump(package: &[u8]) -> Vec<String> {
    let envelope = Envelope::read(package).expect("a package");
    let payload = usize::try_from(envelope.regions_end).expect("a small file");
    let mut dump = Dump {
        bytes: package,
        offset: 0,
        lines: Vec::new(),
    };
    dump.take(payload, "region 1, the payload: \"hello\" and a line feed");
    dump.section("manifest");
    let end = dump.offset + envelope.manifest.len();
    dump.block(end, &tags::MANIFEST, "manifest");
    dump.section("signature");
    dump.section("timestamp");
    dump.footer();
    assert!(dump.bytes.is_empty(), "every byte is shown");
    dump.lines
}

#[test]
fn the_tiny_package_is_printed_byte_by_byte() {
    let package = std::fs::read(folder().join("good/tiny.isi")).expect("the tiny package");
    let expected = dump(&package);
    let text = page("isi-file.md");
    let printed = between(&text, "hexdump:vectors/good/tiny.isi");
    let printed: Vec<&str> = printed
        .into_iter()
        .filter(|line| !line.starts_with("```"))
        .collect();
    assert!(
        printed == expected,
        "the page should have\n{}",
        expected.join("\n")
    );
}
