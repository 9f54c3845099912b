//! Object identifiers, as their DER content bytes, and their dotted form.

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $dotted:literal = [$($byte:literal),+];)+) => {
        $($(#[$doc])* pub(in crate::trust) const $name: &[u8] = &[$($byte),+];)+

        #[cfg(test)]
        const ALL: &[(&str, &[u8])] = &[$(($dotted, $name)),+];
    };
}

oids! {
    // CMS, RFC 5652 and RFC 5035
    SIGNED_DATA = "1.2.840.113549.1.7.2" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    DATA = "1.2.840.113549.1.7.1" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    CONTENT_TYPE = "1.2.840.113549.1.9.3" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
    // RFC 3161
    TST_INFO = "1.2.840.113549.1.9.16.1.4" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
    // digests
    MD5 = "1.2.840.113549.2.5" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5];
    SHA1 = "1.3.14.3.2.26" = [0x2b, 0x0e, 3, 2, 0x1a];
    SHA224 = "2.16.840.1.101.3.4.2.4" = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4];
    SHA256 = "2.16.840.1.101.3.4.2.1" = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    SHA384 = "2.16.840.1.101.3.4.2.2" = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
    SHA512 = "2.16.840.1.101.3.4.2.3" = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
    // keys and signatures
    RSA = "1.2.840.113549.1.1.1" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    RSA_PSS = "1.2.840.113549.1.1.10" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    RSA_SHA256 = "1.2.840.113549.1.1.11" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    RSA_SHA384 = "1.2.840.113549.1.1.12" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    RSA_SHA512 = "1.2.840.113549.1.1.13" = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
    EC = "1.2.840.10045.2.1" = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    P256 = "1.2.840.10045.3.1.7" = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    P384 = "1.3.132.0.34" = [0x2b, 0x81, 4, 0, 0x22];
    P521 = "1.3.132.0.35" = [0x2b, 0x81, 4, 0, 0x23];
    ECDSA_SHA256 = "1.2.840.10045.4.3.2" = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    ECDSA_SHA384 = "1.2.840.10045.4.3.3" = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    ECDSA_SHA512 = "1.2.840.10045.4.3.4" = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    ED25519 = "1.3.101.112" = [0x2b, 0x65, 0x70];
    DSA = "1.2.840.10040.4.1" = [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    // X.509 extensions, RFC 5280
    KEY_USAGE = "2.5.29.15" = [0x55, 0x1d, 15];
    BASIC_CONSTRAINTS = "2.5.29.19" = [0x55, 0x1d, 19];
    EXTENDED_KEY_USAGE = "2.5.29.37" = [0x55, 0x1d, 37];
    SUBJECT_KEY_ID = "2.5.29.14" = [0x55, 0x1d, 14];
    ANY_PURPOSE = "2.5.29.37.0" = [0x55, 0x1d, 37, 0];
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1" = [0x2b, 6, 1, 5, 5, 7, 3, 1];
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2" = [0x2b, 6, 1, 5, 5, 7, 3, 2];
    CODE_SIGNING = "1.3.6.1.5.5.7.3.3" = [0x2b, 6, 1, 5, 5, 7, 3, 3];
    EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4" = [0x2b, 6, 1, 5, 5, 7, 3, 4];
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8" = [0x2b, 6, 1, 5, 5, 7, 3, 8];
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9" = [0x2b, 6, 1, 5, 5, 7, 3, 9];
}

/// The dotted form of an OID's content bytes.
///
/// Numbers beyond 64 bits are shown as `?`: nothing compares by this text.
pub(in crate::trust) fn dotted(content: &[u8]) -> String {
    let mut numbers: Vec<Option<u64>> = Vec::new();
    let mut value = Some(0_u64);
    for byte in content {
        value = value
            .and_then(|value| value.checked_mul(128))
            .map(|value| value | u64::from(byte & 0x7f));
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let root = value.map_or(2, |value| (value / 40).min(2));
                numbers.push(Some(root));
                value = value.map(|value| value - root * 40);
            }
            numbers.push(value);
            value = Some(0);
        }
    }
    let words: Vec<String> = numbers
        .iter()
        .map(|number| number.map_or_else(|| "?".to_owned(), |number| number.to_string()))
        .collect();
    words.join(".")
}

/// The content bytes of a dotted OID, or nothing if it is none.
pub(in crate::trust) fn from_dotted(text: &str) -> Option<Vec<u8>> {
    let mut numbers = text.split('.').map(|word| {
        let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = word == "0" || !word.starts_with('0');
        (plain && canonical)
            .then(|| word.parse::<u64>().ok())
            .flatten()
    });
    let (root, second) = (numbers.next()??, numbers.next()??);
    if root > 2 || (root < 2 && second >= 40) {
        return None;
    }
    let mut out = Vec::new();
    push(&mut out, (root * 40).checked_add(second)?);
    for number in numbers {
        push(&mut out, number?);
    }
    Some(out)
}

fn push(out: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let [.., low] = (value >> (7 * group)).to_be_bytes();
        out.push((low & 0x7f) | if group > 0 { 0x80 } else { 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_what_its_dotted_form_says() {
        for (text, bytes) in ALL {
            assert_eq!(dotted(bytes), *text);
            assert_eq!(from_dotted(text).as_deref(), Some(*bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_oid_is_refused() {
        for text in [
            "",
            "1",
            "3.1",
            "1.40",
            "1..2",
            "1.02",
            "1.2.",
            "a.b",
            "-1.2",
            "1.2.18446744073709551616",
        ] {
            assert_eq!(from_dotted(text), None, "{text}");
        }
        assert_eq!(dotted(&[0xff; 12]), "");
        assert_eq!(
            dotted(&from_dotted("2.999.18446744073709551615").unwrap()),
            "2.999.18446744073709551615"
        );
    }
}
