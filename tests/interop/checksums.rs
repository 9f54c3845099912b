//! The files beside a package.

use data_encoding::BASE64;

use crate::workshop::Workshop;

#[test]
fn sha256sum_checks_the_side_file() {
    let workshop = Workshop::new();
    workshop.package("");
    workshop.run_quietly("sha256sum", "-c x.isi.sha256");
    workshop
        .packager("sign --package x.isi --key home/keys/signer.key --cert home/keys/signer.pem");
    workshop.run_quietly("sha256sum", "--strict -c x.isi.sha256");
}

#[test]
fn openssl_verifies_the_detached_signature() {
    let workshop = Workshop::new();
    workshop.run(
        "openssl",
        "ecparam -name prime256v1 -genkey -noout -out cosign.key",
    );
    workshop.run("openssl", "ec -in cosign.key -pubout -out cosign.pub");
    workshop.package("--cosign-key cosign.key");
    let text = std::fs::read(workshop.path("x.isi.sig")).unwrap();
    let der = BASE64.decode(text.trim_ascii()).unwrap();
    std::fs::write(workshop.path("sig.der"), &der).unwrap();
    let verify = "dgst -sha256 -verify cosign.pub -signature sig.der x.isi";
    workshop.run("openssl", verify);
    let bundle = std::fs::read(workshop.path("x.isi.sigstore.json")).unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    let signature = bundle["messageSignature"]["signature"].as_str().unwrap();
    assert_eq!(BASE64.decode(signature.as_bytes()).unwrap(), der);
    let mut package = std::fs::read(workshop.path("x.isi")).unwrap();
    package[0] ^= 1;
    std::fs::write(workshop.path("x.isi"), package).unwrap();
    assert!(!workshop.output("openssl", verify).status.success());
}
