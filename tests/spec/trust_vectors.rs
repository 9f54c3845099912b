//! The vectors about trust: one for each refusal, and each refused for nothing but its own fault.

use std::collections::BTreeSet;
use std::fs::File;

use isi_catalog::package::{Hashing, Package, VerifyError, VerifyRequest};
use isi_catalog::progress::Silent;
use isi_catalog::trust::{CheckName, Outcome};

use crate::markdown::{folder, page};

/// The codes of section 13.1, those of trust that a package can cause.
fn refusals() -> Vec<String> {
    let text = page("identities.md");
    let (_, section) = text.split_once("### 13.1").expect("section 13.1");
    let (section, _) = section.split_once("### 13.2").expect("section 13.2");
    let codes = section.lines().filter_map(|line| {
        let (code, _) = line.strip_prefix("| E_")?.split_once(" |")?;
        Some(format!("E_{code}"))
    });
    codes.collect()
}

/// The codes of the rows that refuse the bad vector of a code, consequences left out.
fn refusing_rows(code: &str) -> BTreeSet<String> {
    let vectors = folder().join("vectors");
    let text = std::fs::read_to_string(vectors.join(format!("bad/{code}.toml")))
        .unwrap_or_else(|error| panic!("{code} has no vector: {error}"));
    let expected: toml::Table = text.parse().expect("a table");
    let value = |key: &str| expected[key].as_str().expect("a text");
    assert_eq!((value("code"), value("stage")), (code, "verify"));
    let store = crate::vectors::trust::trust(value("trust"));
    let request = VerifyRequest {
        now: value("at").parse().expect("a time"),
        hashing: Hashing::Sequential,
        unsigned: None,
        progress: &Silent,
    };
    let package = File::open(vectors.join(format!("bad/{code}.isi"))).expect("a vector");
    let package = Package::open(package).expect("a sound container");
    let verdict = match package.verify(&store, &request) {
        Err(VerifyError::Refused(verdict)) => verdict,
        other => panic!("{code}: {other:?}"),
    };
    let mut failed = verdict.checks;
    failed.retain(|check| check.outcome == Outcome::Failed);
    // Whatever is wrong with a signer, the policy misses one.
    if failed.iter().any(|check| check.name != CheckName::Policy) {
        failed.retain(|check| check.name != CheckName::Policy);
    }
    let codes = failed.iter().filter_map(|check| check.code.as_deref());
    codes.map(str::to_owned).collect()
}

#[test]
fn every_refusal_of_trust_has_a_vector_with_one_fault() {
    let codes = refusals();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert_eq!(refusing_rows(&code), BTreeSet::from([code]));
    }
}
