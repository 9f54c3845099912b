//! Field tables of the pages against the constants of the code.

use isi_catalog::isi_file::layout::{self, Field};
use isi_catalog::manifest::tags::{self, Tag};

use crate::markdown::{between, page, rows};

fn expect_fields(name: &str, fields: &[Field]) {
    let text = page("isi-file.md");
    let written: Vec<_> = rows(&between(&text, &format!("fields:{name}")))
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1].clone(), cells[2].clone()))
        .collect();
    let coded: Vec<_> = fields
        .iter()
        .map(|field| {
            (
                field.offset.to_string(),
                field.size.to_string(),
                field.name.to_owned(),
            )
        })
        .collect();
    assert_eq!(written, coded, "format-spec/isi-file.md, table {name}");
}

fn expect_tags(name: &str, tags: &[Tag]) {
    let text = page("manifest.md");
    let written: Vec<_> = rows(&between(&text, &format!("tags:{name}")))
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1].clone(), cells[2].clone()))
        .collect();
    let coded: Vec<_> = tags
        .iter()
        .map(|tag| {
            let critical = if tag.critical { "yes" } else { "no" };
            (
                tag.number.to_string(),
                critical.to_owned(),
                tag.name.to_owned(),
            )
        })
        .collect();
    assert_eq!(written, coded, "format-spec/manifest.md, table {name}");
}

#[test]
fn the_container_is_laid_out_as_written() {
    expect_fields("SECTION_HEADER", &layout::SECTION_HEADER);
    expect_fields("FOOTER", &layout::FOOTER);
}

#[test]
fn the_manifest_has_the_fields_as_written() {
    expect_tags("MANIFEST", &tags::MANIFEST);
    expect_tags("REGION", &tags::REGION);
    expect_tags("DEPENDENCY", &tags::DEPENDENCY);
}

#[test]
fn magic_numbers_are_as_written() {
    let text = page("isi-file.md");
    for magic in [
        layout::section::REGION,
        layout::section::MANIFEST,
        layout::section::SIGNATURE,
        layout::section::TIMESTAMP,
        layout::section::FOOTER,
    ] {
        let bytes: Vec<_> = magic
            .to_le_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let row = format!("| 0x{magic:08X} | `{}` |", bytes.join(" "));
        assert!(text.contains(&row), "{row}");
    }
    let bytes: Vec<_> = layout::END_MAGIC
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert!(text.contains(&format!("| end_magic | `{}` |", bytes.join(" "))));
}

#[test]
fn region_kinds_are_as_written() {
    let text = page("manifest.md");
    for kind in isi_catalog::manifest::RegionKind::KNOWN {
        let row = format!("| {} | {} |", kind.code(), kind.name());
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
fn the_limits_of_trust_are_as_written() {
    use isi_catalog::trust::limits;
    let text = page("identities.md");
    let written: Vec<_> = rows(&between(&text, "limits:TRUST"))
        .into_iter()
        .map(|cells| cells[1].clone())
        .collect();
    let coded = [
        limits::MAX_SIGNATURE_LENGTH.to_string(),
        limits::MAX_TOKEN_LENGTH.to_string(),
        limits::MAX_CERTIFICATES.to_string(),
        limits::MAX_CERTIFICATE_LENGTH.to_string(),
        limits::MAX_SIGNERS.to_string(),
        limits::MAX_CHAIN.to_string(),
        limits::MAX_RSA_BITS.to_string(),
        limits::MIN_RSA_BITS.to_string(),
        limits::MIN_TSA_RSA_BITS.to_string(),
        limits::MAX_SERIAL_LENGTH.to_string(),
        limits::MAX_CLOCK_SKEW.to_string(),
        limits::MAX_TRUST_FILES.to_string(),
        limits::MAX_CERTIFICATE_FILE.to_string(),
        limits::MAX_CRL_FILE.to_string(),
        limits::MAX_IDENTITIES_FILE.to_string(),
        limits::MAX_IDENTITIES.to_string(),
        limits::MAX_SUBJECT_LENGTH.to_string(),
    ];
    assert_eq!(written, coded);
}

#[test]
fn the_keywords_of_names_are_as_written() {
    let text = page("identities.md");
    let written: Vec<_> = rows(&between(&text, "names:KEYWORDS"))
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1].clone()))
        .collect();
    let coded: Vec<_> = isi_catalog::trust::name_keywords()
        .map(|(word, oid)| (word.to_owned(), oid.to_owned()))
        .collect();
    assert_eq!(written, coded);
}

#[test]
fn kinds_of_events_are_as_written() {
    let text = page("catalog.md");
    let table = text
        .split_once("| kind | subject | what happened |")
        .unwrap()
        .1;
    let table = table.split_once("\n\n").unwrap().0;
    let mut written: Vec<_> = (table.lines())
        .filter_map(|line| line.strip_prefix("| `")?.split_once('|'))
        .flat_map(|(kinds, _)| kinds.split(','))
        .map(|kind| kind.trim_matches([' ', '`']))
        .collect();
    written.sort_unstable();
    let mut coded = isi_catalog::catalog::events::KINDS;
    coded.sort_unstable();
    assert_eq!(written, coded, "format-spec/catalog.md");
}
