//! Refusal codes of the code against those of the pages.

use std::collections::BTreeSet;

use isi_catalog::isi_file::ParseErrorKind;
use isi_catalog::manifest::ManifestErrorKind;

use crate::markdown::page;

/// The codes that the page lists in its table of refusals, each with its rule.
fn listed(name: &str) -> BTreeSet<String> {
    let text = page(name);
    text.lines()
        .filter_map(|line| {
            let (code, rule) = line.strip_prefix("| E_")?.split_once(" | ")?;
            assert!(
                rule.len() > 10,
                "{name}: E_{code} needs the rule that it protects"
            );
            Some(format!("E_{code}"))
        })
        .collect()
}

fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn every_code_of_the_container_is_listed_with_its_rule() {
    let mut coded = set(&ParseErrorKind::CODES);
    // Codes of the whole package, which have no page of their own.
    coded.extend(set(&[
        "E_HASH_MISMATCH",
        "E_CHUNK_LIST",
        "E_README",
        "E_UNSIGNED",
    ]));
    assert_eq!(listed("isi-file.md"), coded);
}

#[test]
fn every_code_of_the_manifest_is_listed_with_its_rule() {
    assert_eq!(listed("manifest.md"), set(&ManifestErrorKind::CODES));
}
