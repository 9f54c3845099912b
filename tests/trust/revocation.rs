//! Rows X21 to X23: revocation lists.

use isi_catalog::trust::dev_pki::{Authority, Leaf, Purpose, Revoked};
use isi_catalog::trust::{
    Check, CheckName, Credential, KeySigner, LocalAuthority, Outcome, Sealed, Sign as _,
    TimestampAuthority as _, TrustPaths, TrustStore, Verdict,
};
use jiff::Timestamp;
use openssl::x509::X509;
use tempfile::TempDir;

use crate::pki::{MANIFEST, accepted, days, refused, verdict};

use CheckName::Revocation;

/// A vendor and a timestamp authority with their lists.
struct Lists {
    home: TempDir,
    root: Authority,
    issuing: Authority,
    signer: Leaf,
    tsa_root: Authority,
    tsa: Leaf,
}

impl Lists {
    fn new() -> Self {
        let (then, name) = (days(-400), |text| [("CN", text)]);
        let root = Authority::root(&name("Root"), then).unwrap();
        let issuing = root.authority(&name("Issuing"), then).unwrap();
        let tsa_root = Authority::root(&name("Timestamp Root"), then).unwrap();
        let lists = Self {
            home: tempfile::tempdir().unwrap(),
            signer: issuing
                .leaf(&name("Signer"), Purpose::CodeSigningP256, then)
                .unwrap(),
            tsa: tsa_root
                .leaf(&name("Timestamps"), Purpose::TimeStamping, then)
                .unwrap(),
            root,
            issuing,
            tsa_root,
        };
        for directory in ["certs", "tsa-certs", "crls"] {
            std::fs::create_dir(lists.home.path().join(directory)).unwrap();
        }
        lists.write("certs/root.pem", &lists.root.certificate_pem().unwrap());
        lists.write(
            "tsa-certs/root.pem",
            &lists.tsa_root.certificate_pem().unwrap(),
        );
        let rule = format!(
            "[[identity]]\nname = \"vendor\"\nsubject = \"CN=Signer\"\nissuer_spki_sha256 = \"{}\"\n",
            lists.issuing.spki_sha256().unwrap()
        );
        lists.write("identities.toml", &rule);
        for name in ["root", "issuing", "tsa"] {
            lists.publish(name, (-1, 30), &[]);
        }
        lists
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.home.path().join("crls").join(format!("{name}.crl"))).unwrap();
    }

    /// Publishes a list that is fresh between two days.
    fn publish(&self, name: &str, fresh: (i64, i64), revoked: &[Revoked<'_>]) {
        let authority = match name {
            "root" => &self.root,
            "issuing" => &self.issuing,
            _ => &self.tsa_root,
        };
        let list = authority
            .crl_pem(days(fresh.0), days(fresh.1), revoked)
            .unwrap();
        self.write(&format!("crls/{name}.crl"), &list);
    }

    fn store(&self, with_crls: bool) -> TrustStore {
        let path = |name: &str| self.home.path().join(name);
        TrustStore::load(&TrustPaths {
            directory: None,
            certs: path("certs"),
            tsa_certs: Some(path("tsa-certs")),
            crls: with_crls.then(|| path("crls")),
            identities: path("identities.toml"),
        })
        .unwrap()
    }

    fn credential(leaf: &Leaf) -> Credential {
        let (key, certificates) = (leaf.key.as_bytes(), leaf.certificates.as_bytes());
        Credential::from_bytes(key, certificates, None, &mut || None).unwrap()
    }

    /// Verifies a package signed and timestamped at `time`.
    fn verify_at(&self, time: Timestamp) -> Verdict {
        self.verify_with(&self.store(true), time)
    }

    fn verify_with(&self, store: &TrustStore, time: Timestamp) -> Verdict {
        let signer = KeySigner::new(Self::credential(&self.signer)).unwrap();
        let signature = signer.sign(MANIFEST).unwrap();
        let tsa = LocalAuthority::new(Self::credential(&self.tsa), time).unwrap();
        let timestamp = tsa.timestamp(&signature).unwrap();
        verdict(store, MANIFEST, &signature, &timestamp)
    }
}

/// DER of the certificates of a leaf, its own first.
fn certificates(leaf: &Leaf) -> Vec<Vec<u8>> {
    X509::stack_from_pem(leaf.certificates.as_bytes())
        .unwrap()
        .iter()
        .map(|certificate| certificate.to_der().unwrap())
        .collect()
}

fn row(verdict: &Verdict) -> &Check {
    verdict
        .checks
        .iter()
        .find(|check| check.name == Revocation)
        .unwrap()
}

#[test]
fn x21_the_date_and_the_reason_decide() {
    let lists = Lists::new();
    let signer = &certificates(&lists.signer)[0];
    let (unspecified, key, affiliation, superseded) = (Some(0), Some(1), Some(3), Some(4));
    let (cessation, hold, privilege) = (Some(5), Some(6), Some(9));
    for (reason, later_passes) in [
        (None, false),
        (unspecified, false),
        (key, false),
        (Some(2), false),
        (affiliation, true),
        (superseded, true),
        (cessation, true),
        (hold, false),
        (Some(8), false),
        (privilege, false),
        (Some(10), false),
        (Some(99), false),
    ] {
        let entry = Revoked {
            certificate: signer,
            time: days(-100),
            reason,
        };
        lists.publish("issuing", (-1, 30), &[entry]);
        for after in [-100, -99, -1] {
            let verdict = lists.verify_at(days(after));
            assert_eq!(
                refused(&verdict),
                (Revocation, "E_REVOKED"),
                "{reason:?} {after}"
            );
        }
        let before = lists.verify_at(days(-101));
        if later_passes {
            accepted(&before);
        } else {
            assert_eq!(refused(&before), (Revocation, "E_REVOKED"), "{reason:?}");
        }
    }
}

#[test]
fn x21_somebody_elses_entry_changes_nothing() {
    let lists = Lists::new();
    let other = lists
        .issuing
        .leaf(&[("CN", "Signer")], Purpose::CodeSigningP256, days(-400))
        .unwrap();
    let entry = Revoked {
        certificate: &certificates(&other)[0],
        time: days(-100),
        reason: Some(1),
    };
    lists.publish("issuing", (-1, 30), &[entry]);
    accepted(&lists.verify_at(days(-10)));
}

#[test]
fn x22_lists_that_are_missing_or_out_of_time_are_refused() {
    let lists = Lists::new();
    accepted(&lists.verify_at(days(-10)));
    for name in ["root", "issuing", "tsa"] {
        lists.remove(name);
        assert_eq!(
            refused(&lists.verify_at(days(-10))),
            (Revocation, "E_CRL_MISSING"),
            "{name}"
        );
        lists.publish(name, (-30, -1), &[]);
        assert_eq!(
            refused(&lists.verify_at(days(-10))),
            (Revocation, "E_CRL_STALE"),
            "{name}"
        );
        lists.publish(name, (1, 30), &[]);
        assert_eq!(
            refused(&lists.verify_at(days(-10))),
            (Revocation, "E_CRL_STALE"),
            "{name}"
        );
        lists.publish(name, (0, 0), &[]);
        accepted(&lists.verify_at(days(-10)));
    }
}

#[test]
fn x22_without_a_directory_of_lists_nothing_is_looked_up() {
    let lists = Lists::new();
    let entry = Revoked {
        certificate: &certificates(&lists.signer)[0],
        time: days(-100),
        reason: Some(1),
    };
    lists.publish("issuing", (-1, 30), &[entry]);
    let verdict = lists.verify_with(&lists.store(false), days(-10));
    accepted(&verdict);
    assert_eq!(row(&verdict).outcome, Outcome::NotChecked);
    assert_eq!(row(&verdict).code.as_deref(), Some("N_NO_CRLS"));
}

#[test]
fn x22_the_newest_fresh_list_counts_and_a_forged_one_does_not() {
    let lists = Lists::new();
    let entry = Revoked {
        certificate: &certificates(&lists.signer)[0],
        time: days(-100),
        reason: Some(1),
    };
    let old = lists.issuing.crl_pem(days(-20), days(20), &[]).unwrap();
    lists.write("crls/old.crl", &old);
    lists.publish("issuing", (-1, 30), &[entry]);
    assert_eq!(
        refused(&lists.verify_at(days(-10))),
        (Revocation, "E_REVOKED")
    );
    // An authority of the same name and another key signs a newer, empty list.
    let double = lists
        .root
        .authority(&[("CN", "Issuing")], days(-400))
        .unwrap();
    lists.write(
        "crls/forged.crl",
        &double.crl_pem(days(0), days(60), &[]).unwrap(),
    );
    assert_eq!(
        refused(&lists.verify_at(days(-10))),
        (Revocation, "E_REVOKED")
    );
    lists.remove("issuing");
    lists.remove("old");
    assert_eq!(
        refused(&lists.verify_at(days(-10))),
        (Revocation, "E_CRL_MISSING")
    );
}

#[test]
fn x23_a_revoked_intermediate_is_found() {
    let lists = Lists::new();
    let issuing = &certificates(&lists.signer)[1];
    let entry = Revoked {
        certificate: issuing,
        time: days(-100),
        reason: Some(2),
    };
    lists.publish("root", (-1, 30), &[entry]);
    let verdict = lists.verify_at(days(-10));
    assert_eq!(refused(&verdict), (Revocation, "E_REVOKED"));
    assert_eq!(row(&verdict).facts["subject"], "CN=Issuing");
}

#[test]
fn x23_a_revoked_timestamp_authority_is_found() {
    let lists = Lists::new();
    let tsa = &certificates(&lists.tsa)[0];
    let entry = |reason| Revoked {
        certificate: tsa,
        time: days(-100),
        reason,
    };
    lists.publish("tsa", (-1, 30), &[entry(Some(1))]);
    assert_eq!(
        refused(&lists.verify_at(days(-200))),
        (Revocation, "E_REVOKED")
    );
    lists.publish("tsa", (-1, 30), &[entry(Some(4))]);
    assert_eq!(
        refused(&lists.verify_at(days(-10))),
        (Revocation, "E_REVOKED")
    );
    accepted(&lists.verify_at(days(-200)));
}

#[test]
fn a_check_of_the_trust_finds_lists_before_they_refuse_a_package() {
    let lists = Lists::new();
    let found = |lists: &Lists| {
        let month = std::time::Duration::from_hours(30 * 24);
        let findings = lists.store(true).findings(days(0), month).into_iter();
        let codes: Vec<_> = findings.map(|finding| finding.code).collect();
        codes
    };
    let publish = |name, fresh| lists.publish(name, fresh, &[]);
    for name in ["root", "issuing", "tsa"] {
        publish(name, (-1, 31));
    }
    // The list of an authority that comes with packages, and its identity: both may be meant so.
    assert_eq!(found(&lists), ["T_CRL_ISSUER", "T_ISSUER_UNKNOWN"]);
    for (fresh, code) in [
        ((-1, 29), "T_CRL_DUE_SOON"),
        ((-9, -1), "T_CRL_OVERDUE"),
        ((1, 60), "T_CRL_NOT_YET"),
    ] {
        for name in ["root", "issuing", "tsa"] {
            publish(name, fresh);
            assert_eq!(found(&lists)[0], code, "{name}");
            publish(name, (-1, 31));
        }
    }
    for name in ["root", "tsa"] {
        lists.remove(name);
        assert_eq!(found(&lists)[0], "T_CRL_MISSING", "{name}");
        publish(name, (-1, 31));
    }
    let double = Authority::root(&[("CN", "Root")], days(-400)).unwrap();
    let forged = double.crl_pem(days(-1), days(31), &[]).unwrap();
    lists.write("crls/forged.crl", &forged);
    assert_eq!(found(&lists)[0], "T_CRL_FORGED");
}

#[test]
fn a_second_look_judges_others_of_the_same_name_anew() {
    let (lists, impostor) = (Lists::new(), Lists::new());
    // Newer than the true list, of the same name, and signed by somebody else.
    let forged = impostor.issuing.crl_pem(days(0), days(60), &[]).unwrap();
    lists.write("crls/forged.crl", &forged);
    let store = lists.store(true);
    for _ in 0..2 {
        accepted(&lists.verify_with(&store, days(-10)));
        let verdict = impostor.verify_with(&store, days(-10));
        assert!(!verdict.verified, "{verdict:?}");
    }
    lists.remove("issuing");
    let store = lists.store(true);
    for _ in 0..2 {
        let verdict = lists.verify_with(&store, days(-10));
        assert_eq!(refused(&verdict), (Revocation, "E_CRL_MISSING"));
    }
}

#[test]
fn a_second_look_judges_times_anew() {
    let lists = Lists::new();
    let entry = Revoked {
        certificate: &certificates(&lists.signer)[0],
        time: days(-100),
        reason: Some(4),
    };
    lists.publish("issuing", (-1, 30), &[entry]);
    let store = lists.store(true);
    for _ in 0..2 {
        accepted(&lists.verify_with(&store, days(-101)));
        let verdict = lists.verify_with(&store, days(-99));
        assert_eq!(refused(&verdict), (Revocation, "E_REVOKED"));
    }
    let signer = KeySigner::new(Lists::credential(&lists.signer)).unwrap();
    let signature = signer.sign(MANIFEST).unwrap();
    let tsa = LocalAuthority::new(Lists::credential(&lists.tsa), days(-101)).unwrap();
    let timestamp = tsa.timestamp(&signature).unwrap();
    let sealed = Sealed {
        manifest: MANIFEST,
        signature: &signature,
        timestamp: &timestamp,
    };
    assert!(store.authenticate(&sealed, days(29)).is_sound());
    for (now, code) in [(31, "E_CRL_STALE"), (-2, "E_CRL_STALE")] {
        let found = store.authenticate(&sealed, days(now));
        let row = found.checks().iter().find(|check| check.name == Revocation);
        assert_eq!(row.unwrap().code.as_deref(), Some(code), "{now}");
    }
    assert!(store.authenticate(&sealed, days(29)).is_sound());
}
