//! Refusal codes of the code against those of the pages.

use std::collections::BTreeSet;

use isi_catalog::isi_file::ParseErrorKind;
use isi_catalog::manifest::ManifestErrorKind;
use isi_catalog::system::{CarryError, KernelError};

use crate::markdown::{folder, page};

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

/// Every string of this prefix that the source files of the trust have between quotes.
fn written(prefix: &str, files: &[&str]) -> BTreeSet<String> {
    written_in("trust", prefix, files)
}

/// Every string of this prefix that the source files of a module have between quotes.
fn written_in(module: &str, prefix: &str, files: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let path = folder().join("../src").join(module).join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let quoted = text.split('"').skip(1).step_by(2);
        let is_code = |text: &&str| {
            text.starts_with(prefix)
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        found.extend(quoted.filter(is_code).map(str::to_owned));
    }
    found
}

#[test]
fn every_code_of_trust_is_listed_with_its_rule() {
    let coded = written(
        "E_",
        &[
            "refusal.rs",
            "load_error.rs",
            "identities.rs",
            "key.rs",
            "sign/error.rs",
        ],
    );
    assert!(coded.len() > 60, "{coded:?}");
    assert_eq!(listed("identities.md"), coded);
}

#[test]
fn every_code_of_a_system_is_listed_with_its_rule() {
    let coded = written_in("system", "E_", &["error.rs", "name.rs"]);
    assert!(coded.len() > 15, "{coded:?}");
    assert_eq!(listed("system.md"), coded);
}

#[test]
fn every_reason_for_not_checking_is_listed() {
    let coded = written("N_", &["authenticate.rs", "authorize.rs"]);
    let text = page("identities.md");
    let listed: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .filter(|code| code.starts_with("N_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, coded);
}

#[test]
fn every_finding_about_trust_is_listed() {
    let text = page("identities.md");
    let listed: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .filter(|code| code.starts_with("T_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, written("T_", &["audit.rs"]));
}

/// Every code that the files below `src` have between quotes.
fn quoted(files: &[&str]) -> BTreeSet<String> {
    let files: Vec<_> = files.iter().map(|file| format!("../{file}")).collect();
    written("E_", &files.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_code_of_lists_and_specifications_is_listed() {
    assert_eq!(listed("lists.md"), quoted(&["payload/lists/error.rs"]));
    assert_eq!(listed("mtree.md"), quoted(&["payload/mtree/error.rs"]));
    let carried = [&CarryError::CODES[..], &KernelError::CODES].concat();
    assert_eq!(listed("carrying-over.md"), set(&carried));
}
