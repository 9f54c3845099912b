//! Signatures and timestamps that no honest program makes, by the command-line tool of openssl.

use std::path::Path;

use jiff::Timestamp;
use openssl::hash::{MessageDigest, hash};
use openssl::sign::Signer;
use openssl::x509::X509;

use crate::certificates::{Owner, der, openssl};

/// OID of SHA-1.
pub(crate) const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// OID of SHA-512.
pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
/// OID of SHA-256.
pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// A detached CMS over `content`; files of the same names in `directory` are overwritten.
pub(crate) fn cms(
    directory: &Path,
    signer: &Owner,
    chain: &[&X509],
    content: &[u8],
    more: &[&str],
) -> Vec<u8> {
    let chain: Vec<u8> = chain
        .iter()
        .flat_map(|cert| cert.to_pem().unwrap())
        .collect();
    std::fs::write(directory.join("chain.pem"), chain).unwrap();
    sign(
        directory,
        signer,
        content,
        &[&["-certfile", "chain.pem"], more].concat(),
    )
}

/// A `TSTInfo` written by hand.
pub(crate) fn tst_info(algorithm: &[u8], imprint: &[u8], time: Timestamp) -> Vec<u8> {
    let algorithm = der(0x30, &[&der(6, &[algorithm]), &[5, 0]]);
    let time = time.strftime("%Y%m%d%H%M%SZ").to_string();
    der(
        0x30,
        &[
            &[2, 1, 1],
            &der(6, &[&[0x2a, 3, 4]]),
            &der(0x30, &[&algorithm, &der(4, &[imprint])]),
            &[2, 1, 9],
            &der(0x18, &[time.as_bytes()]),
        ],
    )
}

/// A token around a `TSTInfo`; a good one needs `-cades` too.
pub(crate) fn token(directory: &Path, authority: &Owner, info: &[u8], more: &[&str]) -> Vec<u8> {
    let fixed = ["-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4"];
    sign(directory, authority, info, &[&fixed, more].concat())
}

/// A token around a `TSTInfo` written by hand, whose `signingCertificateV2` names its hash algorithm.
pub(crate) fn token_with_ess(
    authority: &Owner,
    info: &[u8],
    ess: (&[u8], MessageDigest),
) -> Vec<u8> {
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let pkcs9 = |last: &[u8]| [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9][..], last].concat();
    let algorithm = |oid: &[u8]| der(0x30, &[&der(6, &[oid])]);
    let cert = authority.cert.to_der().unwrap();
    let id = der(4, &[&hash(ess.1, &cert).unwrap()]);
    let id = der(0x30, &[&algorithm(ess.0), &id]);
    let digest = hash(MessageDigest::sha256(), info).unwrap();
    let tst_info = der(6, &[&pkcs9(&[16, 1, 4])]);
    let attribute =
        |last: &[u8], value: &[u8]| der(0x30, &[&der(6, &[&pkcs9(last)]), &der(0x31, &[value])]);
    let mut attributes = [
        attribute(&[3], &tst_info),
        attribute(&[4], &der(4, &[&digest])),
        attribute(&[16, 2, 47], &der(0x30, &[&der(0x30, &[&id])])),
    ];
    attributes.sort();
    let attributes = attributes.concat();
    let mut signer = Signer::new(MessageDigest::sha256(), &authority.key).unwrap();
    signer.update(&der(0x31, &[&attributes])).unwrap();
    let signature = signer.sign_to_vec().unwrap();
    let serial = authority.cert.serial_number().to_bn().unwrap().to_vec();
    let issuer = authority.cert.issuer_name().to_der().unwrap();
    let signer = der(
        0x30,
        &[
            &[2, 1, 1],
            &der(0x30, &[&issuer, &der(2, &[&serial])]),
            &algorithm(SHA256),
            &der(0xa0, &[&attributes]),
            &algorithm(ECDSA_SHA256),
            &der(4, &[&signature]),
        ],
    );
    let content = der(0x30, &[&tst_info, &der(0xa0, &[&der(4, &[info])])]);
    let data = [
        &[2, 1, 3][..],
        &der(0x31, &[&algorithm(SHA256)]),
        &content,
        &der(0xa0, &[&cert]),
        &der(0x31, &[&signer]),
    ];
    der(
        0x30,
        &[&der(6, &[SIGNED_DATA]), &der(0xa0, &[&der(0x30, &data)])],
    )
}

fn sign(directory: &Path, signer: &Owner, content: &[u8], more: &[&str]) -> Vec<u8> {
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.join(name), bytes).unwrap();
    write("content", content);
    write("signer.pem", &signer.pem());
    write(
        "signer.key",
        &signer.key.private_key_to_pem_pkcs8().unwrap(),
    );
    let fixed = [
        "cms",
        "-sign",
        "-binary",
        "-in",
        "content",
        "-signer",
        "signer.pem",
        "-inkey",
        "signer.key",
        "-outform",
        "DER",
    ];
    openssl(directory, &[&fixed, more].concat())
}
