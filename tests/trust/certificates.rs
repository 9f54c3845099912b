//! Certificates of any shape and signatures with them, made by openssl, which asks little.

use std::path::Path;
use std::process::Command;

use isi_catalog::digest::Sha256Digest;
use isi_catalog::trust::{Credential, KeySigner};
use jiff::{Timestamp, ToSpan as _};
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::stack::Stack;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameBuilder};

pub(crate) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn days(count: i64) -> Timestamp {
    now().checked_add((count * 24).hours()).unwrap()
}

pub(crate) fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// A name of `UTF8Strings` in the order of the DER.
pub(crate) fn name(parts: &[(&str, &str)]) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    for (kind, value) in parts {
        builder.append_entry_by_text(kind, value).unwrap();
    }
    builder.build()
}

/// Tag, length and content, for lengths up to 65,535.
pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length => {
            out.push(0x82);
            out.extend_from_slice(&(length as u16).to_be_bytes());
            if length < 0x100 {
                out.truncate(1);
                out.extend_from_slice(&[0x81, length as u8]);
            }
        }
    }
    out.extend_from_slice(&content);
    out
}

/// What a certificate should be; the shape decides the rest.
pub(crate) struct Shape {
    pub(crate) subject: X509Name,
    pub(crate) version: i32,
    pub(crate) serial: Vec<u8>,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) is_ca: bool,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) purposes: Vec<&'static str>,
    pub(crate) purposes_critical: bool,
    pub(crate) extra: Vec<X509Extension>,
    pub(crate) digest: MessageDigest,
}

fn serial() -> Vec<u8> {
    let mut bytes = [0; 12];
    openssl::rand::rand_bytes(&mut bytes).unwrap();
    bytes[0] = 0x42;
    bytes.to_vec()
}

impl Shape {
    pub(crate) fn authority(common_name: &str) -> Self {
        let mut usage = KeyUsage::new();
        usage.critical().key_cert_sign().crl_sign();
        Self {
            subject: name(&[("O", "Test"), ("CN", common_name)]),
            version: 2,
            serial: serial(),
            from: days(-365),
            to: days(3650),
            is_ca: true,
            key_usage: Some(usage),
            purposes: Vec::new(),
            purposes_critical: false,
            extra: Vec::new(),
            digest: MessageDigest::sha256(),
        }
    }

    pub(crate) fn signer(common_name: &str) -> Self {
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        Self {
            is_ca: false,
            key_usage: Some(usage),
            purposes: vec!["codeSigning"],
            to: days(365),
            ..Self::authority(common_name)
        }
    }

    pub(crate) fn tsa(common_name: &str) -> Self {
        Self {
            purposes: vec!["timeStamping"],
            purposes_critical: true,
            ..Self::signer(common_name)
        }
    }
}

/// A key with its certificate.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) key: PKey<Private>,
    pub(crate) cert: X509,
}

impl Owner {
    pub(crate) fn root(common_name: &str) -> Self {
        let key = p256();
        let shape = Shape::authority(common_name);
        let cert = certificate(&shape, &key, &shape.subject, None, &key);
        Self { key, cert }
    }

    pub(crate) fn issue(&self, shape: &Shape) -> Self {
        self.issue_for(shape, p256())
    }

    pub(crate) fn issue_for(&self, shape: &Shape, key: PKey<Private>) -> Self {
        let cert = self.certify(shape, &key);
        Self { key, cert }
    }

    pub(crate) fn certify<T: HasPublic>(&self, shape: &Shape, key: &PKeyRef<T>) -> X509 {
        let issuer = self.cert.subject_name().to_owned().unwrap();
        certificate(shape, key, &issuer, Some(&self.cert), &self.key)
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.cert.to_pem().unwrap()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.cert.to_der().unwrap()
    }

    pub(crate) fn spki(&self) -> Sha256Digest {
        let key = self.cert.public_key().unwrap();
        Sha256Digest::of(&key.public_key_to_der().unwrap())
    }

    pub(crate) fn credential(&self, chain: &[&X509]) -> Credential {
        let key = self.key.private_key_to_pem_pkcs8().unwrap();
        let chain: Vec<u8> = chain
            .iter()
            .flat_map(|cert| cert.to_pem().unwrap())
            .collect();
        Credential::from_bytes(&key, &self.pem(), Some(&chain), &mut || None).unwrap()
    }

    pub(crate) fn key_signer(&self, chain: &[&X509]) -> KeySigner {
        KeySigner::new(self.credential(chain)).unwrap()
    }

    /// A CMS made by openssl, which asks nothing of the certificate.
    pub(crate) fn cms(&self, chain: &[&X509], content: &[u8], options: CMSOptions) -> Vec<u8> {
        let mut stack = Stack::new().unwrap();
        for cert in chain {
            stack.push((*cert).clone()).unwrap();
        }
        CmsContentInfo::sign(
            Some(&self.cert),
            Some(&self.key),
            Some(&stack),
            Some(content),
            options,
        )
        .unwrap()
        .to_der()
        .unwrap()
    }
}

/// Makes a certificate of any shape; `above` is the issuer's certificate, none for a root.
pub(crate) fn certificate<T: HasPublic>(
    shape: &Shape,
    key: &PKeyRef<T>,
    issuer: &X509Name,
    above: Option<&X509>,
    issuer_key: &PKeyRef<Private>,
) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(shape.version).unwrap();
    let serial = BigNum::from_slice(&shape.serial).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&shape.subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    let time = |time: Timestamp| Asn1Time::from_unix(time.as_second()).unwrap();
    builder.set_not_before(&time(shape.from)).unwrap();
    builder.set_not_after(&time(shape.to)).unwrap();
    if shape.version == 2 {
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        if shape.is_ca {
            constraints.ca();
        }
        builder
            .append_extension(constraints.build().unwrap())
            .unwrap();
        if let Some(usage) = &shape.key_usage {
            builder.append_extension(usage.build().unwrap()).unwrap();
        }
        if !shape.purposes.is_empty() {
            let mut usage = ExtendedKeyUsage::new();
            if shape.purposes_critical {
                usage.critical();
            }
            for purpose in &shape.purposes {
                usage.other(purpose);
            }
            builder.append_extension(usage.build().unwrap()).unwrap();
        }
        let context = builder.x509v3_context(above.map(|cert| &**cert), None);
        let id = SubjectKeyIdentifier::new().build(&context).unwrap();
        builder.append_extension(id).unwrap();
        if above.is_some() {
            let context = builder.x509v3_context(above.map(|cert| &**cert), None);
            let id = AuthorityKeyIdentifier::new()
                .keyid(true)
                .build(&context)
                .unwrap();
            builder.append_extension(id).unwrap();
        }
        for extension in &shape.extra {
            builder.append_extension2(extension).unwrap();
        }
    }
    builder.sign(issuer_key, shape.digest).unwrap();
    builder.build()
}

/// An extension of any content.
pub(crate) fn extension(oid: &str, critical: bool, content: &[u8]) -> X509Extension {
    let oid = Asn1Object::from_str(oid).unwrap();
    let content = Asn1OctetString::new_from_bytes(content).unwrap();
    X509Extension::new_from_der(&oid, critical, &content).unwrap()
}

/// Runs openssl in a directory; the output is its standard output.
pub(crate) fn openssl(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    output.stdout
}
