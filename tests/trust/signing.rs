//! What is signed here, and that other tools agree with it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use isi_catalog::digest::Sha256Digest;
use isi_catalog::trust::{
    CommandSigner, Credential, DetachedKey, HttpAuthority, KeySigner, LocalAuthority, Sign as _,
    TimestampAuthority as _, append_signature, check_signature_belongs, check_token_belongs,
    cosign, token_from_der,
};
use openssl::symm::Cipher;

use crate::pki::{MANIFEST, Shape, World, accepted, now};

#[test]
fn openssl_accepts_what_is_signed_here() {
    let world = World::new();
    let chain = [&world.issuing.cert];
    let one = world.signer.key_signer(&chain).sign(MANIFEST).unwrap();
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP384R1).unwrap();
    let p384 = openssl::ec::EcKey::generate(&group).unwrap();
    let p384 = openssl::pkey::PKey::from_ec_key(p384).unwrap();
    let second = world.issuing.issue_for(&Shape::signer("Second"), p384);
    let rsa = openssl::rsa::Rsa::generate(3072).unwrap();
    let rsa = openssl::pkey::PKey::from_rsa(rsa).unwrap();
    let third = world.issuing.issue_for(&Shape::signer("Third"), rsa);
    let two = append_signature(&one, MANIFEST, &second.key_signer(&chain)).unwrap();
    let three = append_signature(&two, MANIFEST, &third.key_signer(&chain)).unwrap();
    world.write("manifest", MANIFEST);
    for cms in [one, two, three] {
        world.write("signature.der", &cms);
        let printed = world.openssl(&[
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "signature.der",
            "-content",
            "manifest",
            "-CAfile",
            "certs/root.pem",
            "-purpose",
            "any",
        ]);
        assert_eq!(printed, MANIFEST);
        let token = world.timestamp_at(&cms, now());
        world.write("token.der", &token);
        let time = now().as_second().to_string();
        world.openssl(&[
            "ts",
            "-verify",
            "-token_in",
            "-in",
            "token.der",
            "-data",
            "signature.der",
            "-CAfile",
            "tsa-certs/root.pem",
            "-attime",
            &time,
        ]);
        world.openssl(&["ts", "-reply", "-token_in", "-in", "token.der", "-text"]);
    }
}

#[test]
fn the_same_rsa_key_and_content_give_the_same_bytes() {
    let world = World::new();
    let rsa = openssl::rsa::Rsa::generate(3072).unwrap();
    let rsa = openssl::pkey::PKey::from_rsa(rsa).unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), rsa);
    let signer = signer.key_signer(&[&world.issuing.cert]);
    assert_eq!(
        signer.sign(MANIFEST).unwrap(),
        signer.sign(MANIFEST).unwrap()
    );
}

#[test]
fn keys_come_in_every_usual_form() {
    let world = World::new();
    let key = &world.signer.key;
    let cipher = Cipher::aes_256_cbc();
    let locked = key
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret")
        .unwrap();
    let locked_der = key
        .private_key_to_pkcs8_passphrase(cipher, b"secret")
        .unwrap();
    let ec = key.ec_key().unwrap();
    let old_locked = ec.private_key_to_pem_passphrase(cipher, b"secret").unwrap();
    let open = |bytes: &[u8], secret: Option<&[u8]>| {
        let mut ask = || secret.map(<[u8]>::to_vec);
        Credential::from_bytes(bytes, &world.signer.pem(), None, &mut ask)
    };
    let never = |bytes: &[u8]| {
        let mut ask = || panic!("asked for a passphrase of a key that has none");
        Credential::from_bytes(bytes, &world.signer.pem(), None, &mut ask).unwrap()
    };
    never(&key.private_key_to_pem_pkcs8().unwrap());
    never(&key.private_key_to_pkcs8().unwrap());
    never(&ec.private_key_to_pem().unwrap());
    for bytes in [&locked, &locked_der, &old_locked] {
        let signer = KeySigner::new(open(bytes, Some(b"secret")).unwrap()).unwrap();
        assert!(signer.sign(MANIFEST).is_ok());
        assert_eq!(open(bytes, Some(b"wrong")).unwrap_err().code(), "E_KEY");
        assert_eq!(open(bytes, None).unwrap_err().code(), "E_KEY_LOCKED");
        assert_eq!(
            open(bytes, Some(&[b'x'; 5000])).unwrap_err().code(),
            "E_KEY_LOCKED"
        );
    }
    for bytes in [&b""[..], b"nothing", &[0x30, 0x80], &world.signer.pem()] {
        assert_eq!(open(bytes, None).unwrap_err().code(), "E_KEY");
    }
}

#[test]
fn a_key_must_be_its_certificates_own_and_fit_for_signing() {
    let world = World::new();
    let key = world.tsa.key.private_key_to_pem_pkcs8().unwrap();
    let mismatch = Credential::from_bytes(&key, &world.signer.pem(), None, &mut || None);
    assert_eq!(mismatch.unwrap_err().code(), "E_KEY_MISMATCH");
    let none = Credential::from_bytes(&key, b"", None, &mut || None);
    assert_eq!(none.unwrap_err().code(), "E_CERTIFICATE");
    let unfit = KeySigner::new(world.tsa.credential(&[])).unwrap_err();
    assert_eq!(unfit.code(), "E_EKU");
    assert!(unfit.hint().is_some());
    let unfit = LocalAuthority::new(world.signer.credential(&[]), now()).unwrap_err();
    assert_eq!(unfit.code(), "E_TS_EKU");
    let unfit = KeySigner::new(world.issuing.credential(&[])).unwrap_err();
    assert_eq!(unfit.code(), "E_CERT_PROFILE");
}

#[test]
fn an_outside_program_signs() {
    let world = World::new();
    world.write("signer.pem", &world.signer.pem());
    world.write(
        "signer.key",
        &world.signer.key.private_key_to_pem_pkcs8().unwrap(),
    );
    world.write("chain.pem", &world.issuing.pem());
    let home = world.home.path().display();
    let command = format!(
        "openssl cms -sign -binary -signer {home}/signer.pem -inkey {home}/signer.key -certfile \"{home}/chain.pem\" \
         -outform DER"
    );
    let signature = CommandSigner::parse(&command)
        .unwrap()
        .sign(MANIFEST)
        .unwrap();
    accepted(&world.verify(&signature));
    check_signature_belongs(&signature, MANIFEST).unwrap();
    let foreign = world.write(
        "foreign.der",
        &world.signer.cms(
            &[],
            b"other",
            openssl::cms::CMSOptions::BINARY | openssl::cms::CMSOptions::DETACHED,
        ),
    );
    let cat = format!("cat {}", foreign.display());
    let refused = CommandSigner::parse(&cat)
        .unwrap()
        .sign(MANIFEST)
        .unwrap_err();
    assert_eq!(refused.code(), "E_SIGNATURE");
}

#[test]
fn tokens_come_bare_or_in_a_response() {
    let world = World::new();
    let authority = LocalAuthority::new(world.tsa.credential(&[]), now()).unwrap();
    world.write("signature.der", b"signature");
    let request = world.openssl(&["ts", "-query", "-data", "signature.der", "-sha256", "-cert"]);
    let response = authority.respond(&request).unwrap();
    let token = token_from_der(&response).unwrap();
    assert_eq!(token_from_der(&token).unwrap(), token);
    check_token_belongs(&token, b"signature").unwrap();
    world.write("request.tsq", &request);
    world.write("response.tsr", &response);
    let time = now().as_second().to_string();
    world.openssl(&[
        "ts",
        "-verify",
        "-queryfile",
        "request.tsq",
        "-in",
        "response.tsr",
        "-CAfile",
        "tsa-certs/root.pem",
        "-attime",
        &time,
    ]);
    // status 2, rejection, with a text
    let rejected = [
        0x30, 13, 0x30, 11, 2, 1, 2, 0x30, 6, 0x0c, 4, b'n', b'o', 0x1b, b'!',
    ];
    let error = token_from_der(&rejected).unwrap_err();
    assert_eq!(error.code(), "E_TSA_REJECTED");
    assert!(error.to_string().contains(r"no\u{1b}!"), "{error}");
    for bytes in [&b""[..], b"x", &[0x30, 0], &response[..response.len() - 1]] {
        assert_eq!(token_from_der(bytes).unwrap_err().code(), "E_FORMAT");
    }
    assert_eq!(
        token_from_der(&vec![0x30; 65_537]).unwrap_err().code(),
        "E_TOO_LARGE"
    );
}

/// Serves one request with this answer, made from the request's body.
fn serve(answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tsa", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).unwrap();
            if count == 0 {
                // Whoever asked waits no longer.
                return;
            }
            request.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
            if let Some(head) = text.find("\r\n\r\n") {
                let length: usize = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.trim().parse().unwrap());
                if request.len() >= head + 4 + length {
                    let body = request[head + 4..].to_vec();
                    stream.write_all(&answer(&body)).unwrap_or_default();
                    return;
                }
            }
        }
    });
    url
}

fn reply(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const REPLY: &str = "application/timestamp-reply";

#[test]
fn an_authority_is_asked_over_http() {
    let world = World::new();
    let authority = LocalAuthority::new(world.tsa.credential(&[]), now()).unwrap();
    let good = authority.clone();
    let url = serve(move |request| reply(REPLY, &good.respond(request).unwrap()));
    let signature = world.signer.detached(&[&world.issuing.cert]);
    let token = HttpAuthority::new(&url)
        .unwrap()
        .timestamp(&signature)
        .unwrap();
    accepted(&world.verify_token(&signature, &token));

    let replayed = authority.timestamp(&signature).unwrap();
    let other = authority.timestamp(b"other").unwrap();
    let whole = |token: Vec<u8>| [&[0x30, 0x82, 0, 0, 0x30, 3, 2, 1, 0][..], &token].concat();
    let whole = |token: Vec<u8>| {
        let mut response = whole(token);
        let length = u16::try_from(response.len() - 4).unwrap().to_be_bytes();
        response[2..4].copy_from_slice(&length);
        response
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (reply(REPLY, &whole(replayed)), "E_TSA_MISMATCH"),
        (reply(REPLY, &whole(other)), "E_TS_IMPRINT"),
        (reply(REPLY, b"junk"), "E_FORMAT"),
        (reply("text/html", b"<html>"), "E_TSA_HTTP"),
        (reply(REPLY, &vec![0x30; 70_000]), "E_TSA_HTTP"),
        (
            b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "E_TSA_HTTP",
        ),
        (b"no http at all\r\n\r\n".to_vec(), "E_TSA_HTTP"),
        (Vec::new(), "E_TSA_HTTP"),
    ];
    for (answer, code) in cases {
        let url = serve(move |_| answer);
        let error = HttpAuthority::new(&url)
            .unwrap()
            .timestamp(&signature)
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let silent = serve(|_| {
        thread::sleep(Duration::from_secs(5));
        Vec::new()
    });
    let hasty = HttpAuthority::with_timeout(&silent, Duration::from_millis(200)).unwrap();
    assert_eq!(
        hasty.timestamp(&signature).unwrap_err().code(),
        "E_TSA_HTTP"
    );
    for url in [
        "",
        "ftp://x",
        "file:///etc/passwd",
        "http://",
        "http://a b",
        "http://a\r\nb",
    ] {
        assert_eq!(
            HttpAuthority::new(url).unwrap_err().code(),
            "E_TSA_URL",
            "{url:?}"
        );
    }
}

#[test]
fn detached_signatures_are_openssls_and_cosigns() {
    let world = World::new();
    let key = world.signer.key.private_key_to_pem_pkcs8().unwrap();
    let key = DetachedKey::from_bytes(&key, &mut || None).unwrap();
    let signature = cosign::sign_detached(&key, &Sha256Digest::of(MANIFEST)).unwrap();
    world.write("manifest", MANIFEST);
    let text = world.write("manifest.sig", signature.base64().as_bytes());
    let public = world.signer.key.public_key_to_pem().unwrap();
    world.write("public.pem", &public);
    let decode = Command::new("base64").arg("-d").arg(text).output().unwrap();
    assert_eq!(decode.stdout, signature.der);
    world.write("manifest.der", &signature.der);
    world.openssl(&[
        "dgst",
        "-sha256",
        "-verify",
        "public.pem",
        "-signature",
        "manifest.der",
        "manifest",
    ]);
    let bundle: serde_json::Value = serde_json::from_str(&signature.bundle_json()).unwrap();
    assert_eq!(
        bundle["mediaType"],
        "application/vnd.dev.sigstore.bundle.v0.3+json"
    );
    assert_eq!(bundle["messageSignature"]["signature"], signature.base64());
    assert_eq!(
        bundle["messageSignature"]["messageDigest"]["algorithm"],
        "SHA2_256"
    );
    let digest = data_encoding::BASE64.encode(Sha256Digest::of(MANIFEST).as_bytes());
    assert_eq!(
        bundle["messageSignature"]["messageDigest"]["digest"],
        digest
    );
    let rsa = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let rsa = rsa.private_key_to_pem_pkcs8().unwrap();
    assert_eq!(
        DetachedKey::from_bytes(&rsa, &mut || None)
            .unwrap_err()
            .code(),
        "E_KEY_TYPE"
    );
}
