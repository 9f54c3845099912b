//! Packages whose manifest is wrong, under a good signature and timestamp: so that it is reached.

use isi_catalog::digest::Sha256Digest;
use isi_catalog::manifest::{RegionKind, tags};

use crate::block::{Fields, list};
use crate::good::tiny_manifest;
use crate::keys::Keys;
use crate::vector::Vector;
use crate::vectors::Stage;

/// Makes vectors that differ from the tiny package in one thing of the manifest.
struct Forge<'a> {
    keys: &'a Keys,
    made: Vec<Vector>,
}

pub(crate) fn vectors(keys: &Keys) -> Vec<Vector> {
    let made = Vec::new();
    let mut forge = Forge { keys, made };
    forge.form();
    forge.texts();
    forge.values();
    forge.regions();
    forge.encodings();
    forge.made
}

/// A region of these bytes as the manifest describes it.
pub(crate) fn region(kind: RegionKind, name: &str, content: &[u8]) -> Fields {
    let digest = Sha256Digest::of(content);
    let size = u64::try_from(content.len()).unwrap();
    let mut fields = Fields(vec![
        (
            tags::REGION_KIND.stored(),
            kind.code().to_le_bytes().to_vec(),
        ),
        (tags::REGION_NAME.stored(), name.as_bytes().to_vec()),
        (tags::REGION_SIZE.stored(), size.to_le_bytes().to_vec()),
        (tags::REGION_SHA256.stored(), digest.as_bytes().to_vec()),
    ]);
    if size > 0 {
        fields.put(tags::REGION_CHUNKS.stored(), digest.as_bytes());
    }
    fields
}

fn payload() -> Fields {
    region(RegionKind::Payload, "payload", b"hello\n")
}

impl Forge<'_> {
    fn raw(&mut self, code: &str, variant: &str, about: &str, manifest: &[u8]) {
        let bytes = self.keys.seal(b"hello\n", manifest);
        let vector = Vector::bad(
            &format!("E_MANIFEST_{code}"),
            variant,
            about,
            Stage::Verify,
            bytes,
        );
        self.made.push(vector);
    }

    /// One thing is different in the block of the manifest.
    fn with(&mut self, code: &str, variant: &str, about: &str, change: impl FnOnce(&mut Fields)) {
        let mut fields = tiny_manifest();
        change(&mut fields);
        self.raw(code, variant, about, &fields.bytes());
    }

    /// Other regions than one payload.
    fn with_regions(&mut self, code: &str, variant: &str, about: &str, regions: &[Fields]) {
        let items: Vec<_> = regions.iter().map(Fields::bytes).collect();
        let change = |fields: &mut Fields| *fields.value(tags::REGIONS) = list(&items);
        self.with(code, variant, about, change);
    }

    /// One thing is different in the block of the payload's region.
    fn with_region(
        &mut self,
        code: &str,
        variant: &str,
        about: &str,
        change: impl FnOnce(&mut Fields),
    ) {
        let mut payload = payload();
        change(&mut payload);
        self.with_regions(code, variant, about, &[payload]);
    }

    fn form(&mut self) {
        let whole = tiny_manifest().bytes();
        let cut = &whole[..whole.len() - 1];
        self.raw(
            "TRUNCATED",
            "",
            "the last value has one byte less than its length says",
            cut,
        );
        let more = [whole.as_slice(), &[0x40]].concat();
        self.raw("TRUNCATED", "tag", "one byte follows the last field", &more);
        self.with(
            "TRUNCATED",
            "item",
            "the length of a list's item leads out of the list",
            |fields| {
                fields.value(tags::REGIONS)[0] += 1;
            },
        );
        let mut fields = tiny_manifest();
        fields.0.push((0x7fff, Vec::new()));
        let mut bytes = fields.bytes();
        let end = bytes.len();
        bytes[end - 4..].fill(0xff);
        self.raw("TRUNCATED", "length", "a value of 2^32 - 1 bytes", &bytes);

        self.with(
            "ORDER",
            "",
            "name and version have changed places",
            |fields| fields.0.swap(2, 3),
        );
        self.with("ORDER", "twice", "the type stands twice", |fields| {
            fields.0.insert(1, fields.0[1].clone());
        });
        let unknown = tags::CRITICAL | 31;
        self.with(
            "CRITICAL",
            "",
            "a critical field 31, which no version knows",
            |fields| fields.put(unknown, b"?"),
        );
        self.with_region(
            "CRITICAL",
            "region",
            "a region with a critical field 31",
            |fields| fields.put(unknown, b"?"),
        );
        self.with(
            "CRITICAL",
            "bit",
            "the version is not marked critical",
            |fields| fields.0[3].0 &= !tags::CRITICAL,
        );
        self.with(
            "CRITICAL",
            "bit-set",
            "the creation time is marked critical",
            |fields| {
                let created = fields
                    .0
                    .iter_mut()
                    .find(|(tag, _)| *tag == tags::CREATED.stored());
                created.unwrap().0 |= tags::CRITICAL;
            },
        );
        self.with("CRITICAL", "zero", "a field with number 0", |fields| {
            fields.0.insert(0, (0, Vec::new()));
        });
        self.with("MISSING", "", "no name", |fields| fields.remove(tags::NAME));
        self.with("MISSING", "regions", "no regions", |fields| {
            fields.remove(tags::REGIONS);
        });
        self.with_region("MISSING", "region", "a region without digest", |fields| {
            fields.remove(tags::REGION_SHA256);
        });
        self.with("LENGTH", "", "a type of two bytes", |fields| {
            fields.value(tags::TYPE).push(0);
        });
        self.with("LENGTH", "empty", "a type of no bytes", |fields| {
            fields.value(tags::TYPE).clear();
        });
        self.with_region("LENGTH", "chunks", "a chunk list of 33 bytes", |fields| {
            fields.value(tags::REGION_CHUNKS).push(0);
        });
    }

    fn texts(&mut self) {
        let description = tags::DESCRIPTION.stored();
        let long = "a".repeat(1025);
        let lines: [(&str, &str, &[u8]); 8] = [
            (
                "control",
                "a description with an escape sequence",
                b"a\x1b[2Jb",
            ),
            ("newline", "a description of two lines", b"a\nb"),
            ("c1", "a description with U+009B", "a\u{9b}b".as_bytes()),
            (
                "direction",
                "a description with U+202E",
                "a\u{202e}b".as_bytes(),
            ),
            ("utf8", "a description that is not UTF-8", b"a\xff"),
            (
                "space",
                "a description that ends with U+3000",
                "a\u{3000}".as_bytes(),
            ),
            ("long", "a description of 1025 bytes", long.as_bytes()),
            ("empty", "an empty description", b""),
        ];
        for (variant, about, value) in lines {
            self.with("TEXT", variant, about, |fields| {
                fields.put(description, value);
            });
        }
        let long = "a".repeat(256);
        for (variant, about, value) in [
            ("name", "a name with a slash", "../etc"),
            ("name-dots", "a name of two dots", ".."),
            ("name-long", "a name of 256 bytes", long.as_str()),
        ] {
            self.with("TEXT", variant, about, |fields| {
                fields.put(tags::NAME.stored(), value.as_bytes());
            });
        }
        self.with_region("TEXT", "region", "a region's name with a slash", |fields| {
            fields.put(tags::REGION_NAME.stored(), b"a/b");
        });
    }

    fn values(&mut self) {
        let before_1970 = (-1_i64).to_le_bytes();
        let year_10000 = 253_402_300_800_i64.to_le_bytes();
        let values: [(&str, &str, tags::Tag, &[u8]); 11] = [
            ("type", "type 6", tags::TYPE, &[6]),
            ("type-zero", "type 0", tags::TYPE, &[0]),
            (
                "created",
                "a creation time before 1970",
                tags::CREATED,
                &before_1970,
            ),
            (
                "created-late",
                "a creation time in the year 10000",
                tags::CREATED,
                &year_10000,
            ),
            ("restart", "restart 3", tags::RESTART, &[3]),
            ("rollback", "rollback 2", tags::ROLLBACK, &[2]),
            (
                "version",
                "version 1.01, with a leading zero",
                tags::VERSION,
                b"1.01",
            ),
            (
                "version-parts",
                "a version of nine numbers",
                tags::VERSION,
                b"1.2.3.4.5.6.7.8.9",
            ),
            (
                "version-number",
                "a version with the number 4294967296",
                tags::VERSION,
                b"4294967296",
            ),
            (
                "range",
                "a range without a version",
                tags::SOURCE_VERSIONS,
                b">=",
            ),
            (
                "range-operator",
                "a range with the operator ~",
                tags::SOURCE_VERSIONS,
                b"~1.0",
            ),
        ];
        for (variant, about, tag, value) in values {
            self.with("VALUE", variant, about, |fields| {
                fields.put(tag.stored(), value);
            });
        }
        for (variant, about, code) in [
            ("kind", "a further region of kind 32768", 0x8000_u16),
            ("kind-zero", "a further region of kind 0", 0),
        ] {
            let mut other = region(RegionKind::Other, "other", b"");
            other.put(tags::REGION_KIND.stored(), &code.to_le_bytes());
            self.with_regions("VALUE", variant, about, &[payload(), other]);
        }
    }

    fn regions(&mut self) {
        let services = list(&vec![b"s".to_vec(); 257]);
        self.with("LIMIT", "services", "257 services", |fields| {
            fields.put(tags::SERVICES.stored(), &services);
        });
        let regions = list(&vec![Vec::new(); 1025]);
        self.with("LIMIT", "regions", "1025 regions", |fields| {
            *fields.value(tags::REGIONS) = regions;
        });
        let mut readme = region(RegionKind::Readme, "README", b"text");
        readme.put(tags::REGION_SIZE.stored(), &1_048_577_u64.to_le_bytes());
        self.with_regions(
            "LIMIT",
            "readme",
            "a README of 1 MiB and a byte",
            &[payload(), readme],
        );
        let mut large = region(RegionKind::Other, "other", b"text");
        large.put(tags::REGION_SIZE.stored(), &0x1_0000_0000_u64.to_le_bytes());
        self.with_regions(
            "LIMIT",
            "region",
            "a second region of 4 GiB",
            &[payload(), large],
        );

        self.with_region(
            "CHUNKS",
            "",
            "a region of six bytes without a chunk list",
            |fields| fields.remove(tags::REGION_CHUNKS),
        );
        self.with_region(
            "CHUNKS",
            "two",
            "a region of six bytes with two chunks",
            |fields| {
                let chunks = fields.value(tags::REGION_CHUNKS);
                chunks.extend(chunks.clone());
            },
        );

        let other = |kind, name: &str| region(kind, name, b"");
        let table = other(RegionKind::FileTable, "table");
        let index = other(RegionKind::PayloadIndex, "index");
        let notes = other(RegionKind::ReleaseNotes, "notes");
        let readme = other(RegionKind::Readme, "README");
        let cases: [(&str, &str, &[Fields]); 9] = [
            ("none", "an empty list of regions", &[]),
            (
                "no-payload",
                "the first region is a hook",
                &[region(RegionKind::Hook, "hook", b"hello\n")],
            ),
            (
                "two-payloads",
                "two payloads",
                &[payload(), other(RegionKind::Payload, "again")],
            ),
            (
                "names",
                "two regions with one name",
                &[payload(), other(RegionKind::Other, "payload")],
            ),
            (
                "readme-third",
                "the README is the third region",
                &[payload(), notes.clone(), readme.clone()],
            ),
            (
                "two-readmes",
                "two READMEs",
                &[payload(), readme, other(RegionKind::Readme, "again")],
            ),
            (
                "table-alone",
                "a file table without a payload index",
                &[payload(), table.clone()],
            ),
            (
                "index-alone",
                "a payload index without a file table",
                &[payload(), index.clone()],
            ),
            (
                "two-tables",
                "two file tables",
                &[
                    payload(),
                    table,
                    index,
                    other(RegionKind::FileTable, "again"),
                ],
            ),
        ];
        for (variant, about, regions) in cases {
            self.with_regions("REGIONS", variant, about, regions);
        }
    }

    fn encodings(&mut self) {
        let zero = 0_u64.to_le_bytes();
        let mut dependency = Fields(vec![(tags::DEPENDENCY_NAME.stored(), b"base".to_vec())]);
        dependency.put(9, b"unknown");
        let dependency = list(&[dependency.bytes()]);
        let values: [(&str, &str, tags::Tag, &[u8]); 5] = [
            (
                "zero",
                "a release counter of 0 that is written",
                tags::RELEASE_COUNTER,
                &zero,
            ),
            (
                "list",
                "an empty list of services that is written",
                tags::SERVICES,
                b"",
            ),
            (
                "any",
                "the range * that is written",
                tags::SOURCE_VERSIONS,
                b"*",
            ),
            (
                "range",
                "a range without the space behind its comma",
                tags::SOURCE_VERSIONS,
                b">=1.0,<2.0",
            ),
            (
                "dependency",
                "a dependency with an unknown field",
                tags::REQUIRES,
                &dependency,
            ),
        ];
        for (variant, about, tag, value) in values {
            self.with("CANONICAL", variant, about, |fields| {
                fields.put(tag.stored(), value);
            });
        }
        self.with(
            "VERSION",
            "",
            "the manifest says write version 2, the footer 1",
            |fields| {
                *fields.value(tags::FORMAT) = vec![1, 0, 2, 0];
            },
        );
        self.with(
            "VERSION",
            "read",
            "the manifest says read version 2, the footer 1",
            |fields| {
                *fields.value(tags::FORMAT) = vec![2, 0, 2, 0];
            },
        );
    }
}
