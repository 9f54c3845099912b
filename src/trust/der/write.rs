//! Writing DER, for what is signed here.

use super::tag;

/// Tag, length and the parts one after the other.
pub(in crate::trust) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    if let Ok(short @ 0..=0x7f) = u8::try_from(content.len()) {
        out.push(short);
    } else {
        let bytes = content.len().to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(zeros..).unwrap_or_default();
        out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0x7f));
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(&content);
    out
}

/// A SEQUENCE of the parts.
pub(in crate::trust) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// A SET OF the parts, in the order DER asks for (X.690, section 11.6).
pub(in crate::trust) fn set_of(tag: u8, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    // No part is the beginning of another, because each carries its length: plain byte order it is.
    parts.sort();
    parts.dedup();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    tlv(tag, &parts)
}

/// An OBJECT IDENTIFIER from its content bytes.
pub(in crate::trust) fn oid(content: &[u8]) -> Vec<u8> {
    tlv(tag::OID, &[content])
}

/// An OCTET STRING.
pub(in crate::trust) fn octets(content: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, &[content])
}

/// A non-negative INTEGER from its big-endian bytes.
pub(in crate::trust) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    match bytes.first() {
        None => tlv(tag::INTEGER, &[&[0]]),
        Some(0x80..) => tlv(tag::INTEGER, &[&[0], bytes]),
        Some(_) => tlv(tag::INTEGER, &[bytes]),
    }
}

/// A NULL.
pub(in crate::trust) fn null() -> Vec<u8> {
    tlv(tag::NULL, &[])
}

#[cfg(test)]
mod tests {
    use super::super::check_strict;
    use super::*;

    #[test]
    fn what_is_written_is_strict_der() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let written = octets(&vec![7; length]);
            check_strict(&written, "octets").unwrap();
        }
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(
            set_of(tag::SET, vec![vec![5, 0], vec![2, 1, 9], vec![2, 1, 3]]),
            [0x31, 8, 2, 1, 3, 2, 1, 9, 5, 0]
        );
    }
}
