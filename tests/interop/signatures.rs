//! Signature and timestamp of a package, checked by openssl; and openssl's own, taken by us.

use std::fs;

use crate::workshop::Workshop;

/// Takes manifest, signature and timestamp out of `x.isi` as `m`, `s` and `t`.
fn take_apart(workshop: &Workshop) {
    for (part, name) in [("manifest", "m"), ("signature", "s"), ("timestamp", "t")] {
        workshop.packager(&format!("export-{part} --package x.isi --output {name}"));
    }
}

const CMS_VERIFY: &str = "cms -verify -inform DER -in s -content m -binary -purpose any \
                          -CAfile home/trust/certs/root.pem -out verified";
const TS_VERIFY: &str = "ts -verify -token_in -in t -data s \
                         -CAfile home/trust/tsa-certs/tsa-root.pem";

#[test]
fn openssl_verifies_the_signature_over_the_manifest() {
    let workshop = Workshop::new();
    workshop.package("");
    take_apart(&workshop);
    workshop.run("openssl", CMS_VERIFY);
    workshop.run_quietly("cmp", "m verified");
    fs::write(workshop.path("m"), "another manifest").unwrap();
    assert!(!workshop.output("openssl", CMS_VERIFY).status.success());
}

#[test]
fn openssl_verifies_the_timestamp_over_the_signature() {
    let workshop = Workshop::new();
    workshop.package("");
    take_apart(&workshop);
    workshop.run("openssl", TS_VERIFY);
    fs::write(workshop.path("s"), "another signature").unwrap();
    assert!(!workshop.output("openssl", TS_VERIFY).status.success());
}

#[test]
fn two_signers_are_two_to_openssl() {
    let workshop = Workshop::new();
    workshop.package("");
    workshop.packager(
        "sign --package x.isi --append --key home/keys/approver.key --cert home/keys/approver.pem \
         --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem",
    );
    take_apart(&workshop);
    workshop.run("openssl", CMS_VERIFY);
    workshop.run("openssl", TS_VERIFY);
    let printed = workshop.run("openssl", "cms -cmsout -print -noout -inform DER -in s");
    let printed = String::from_utf8_lossy(&printed.stdout);
    assert_eq!(printed.matches("signatureAlgorithm:").count() % 2, 0);
    assert_eq!(
        printed.matches("d.issuerAndSerialNumber").count(),
        2,
        "{printed}"
    );
}

#[test]
fn a_timestamp_answer_of_openssl_is_taken() {
    let workshop = Workshop::new();
    workshop.seal_into("x.isi", "tree");
    workshop.packager("export-signature --package x.isi --output s");
    fs::write(
        workshop.path("ts.cnf"),
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4\n\
         digests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n\
         ess_cert_id_chain = no\ntsa_name = no\nordering = no\n",
    )
    .unwrap();
    fs::write(workshop.path("serial"), "01\n").unwrap();
    workshop.run("openssl", "ts -query -data s -sha256 -cert -out q");
    workshop.run(
        "openssl",
        "ts -reply -config ts.cnf -queryfile q -signer home/keys/tsa.pem \
         -inkey home/keys/tsa.key -out r",
    );
    workshop.packager("attach-timestamp --package x.isi --token r");
    workshop.packager("verify --package x.isi --home home");
    workshop.run("openssl", "ts -reply -in r -token_out -out token");
    workshop.packager("attach-timestamp --package x.isi --token token");
    workshop.packager("verify --package x.isi --home home");
}
