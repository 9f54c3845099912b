//! The text form of names: RFC 2253 as `openssl x509 -nameopt RFC2253` prints it.

use std::fmt::Write as _;

use data_encoding::{HEXLOWER_PERMISSIVE, HEXUPPER};

use super::der::{Reader, oid, tag, write as der};
use super::limits;
use super::name::{Attribute, NamePattern, PatternAttribute, PatternValue};

/// Keywords and their OIDs, as `format-spec/identities.md` lists them.
const KEYWORDS: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("street", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("description", "2.5.4.13"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("name", "2.5.4.41"),
    ("GN", "2.5.4.42"),
    ("initials", "2.5.4.43"),
    ("generationQualifier", "2.5.4.44"),
    ("dnQualifier", "2.5.4.46"),
    ("pseudonym", "2.5.4.65"),
    ("organizationIdentifier", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("jurisdictionL", "1.3.6.1.4.1.311.60.2.1.1"),
    ("jurisdictionST", "1.3.6.1.4.1.311.60.2.1.2"),
    ("jurisdictionC", "1.3.6.1.4.1.311.60.2.1.3"),
];

/// The keywords that names are written with, and their OIDs, dotted.
pub fn name_keywords() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYWORDS.iter().copied()
}

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is longer than a subject may be.
    #[error("name of {0} bytes: expected at most 1024")]
    TooLong(usize),
    /// There is nothing.
    #[error("empty name")]
    Empty,
    /// A part has no `=`.
    #[error("{0:?} is no attribute: expected for example CN=Release Signing")]
    NoEquals(String),
    /// The word before `=` is neither a known keyword nor a dotted OID.
    #[error("unknown attribute {0:?}: expected CN, O, OU, C, ... or a dotted object identifier")]
    UnknownKeyword(String),
    /// The value after `=` breaks a rule.
    #[error("value of {attribute}: {fault}")]
    Value {
        /// The attribute's word as written.
        attribute: String,
        /// The rule that is broken.
        fault: &'static str,
    },
}

/// The keyword of an OID.
pub(super) fn keyword(kind: &[u8]) -> Option<&'static str> {
    let dotted = oid::dotted(kind);
    KEYWORDS
        .iter()
        .find(|(_, oid)| *oid == dotted)
        .map(|(word, _)| *word)
}

/// Writes the sets of a name, last first.
pub(super) fn write(parts: &[Vec<Attribute>]) -> String {
    let mut out = String::new();
    for (index, part) in parts.iter().rev().enumerate() {
        for (place, attribute) in part.iter().rev().enumerate() {
            match (index, place) {
                (0, 0) => {}
                (_, 0) => out.push(','),
                _ => out.push('+'),
            }
            match (keyword(&attribute.kind), characters(attribute)) {
                (Some(word), Some(text)) => {
                    out.push_str(word);
                    out.push('=');
                    escape(&mut out, &text);
                }
                (word, _) => {
                    let kind = word.map_or_else(|| oid::dotted(&attribute.kind), str::to_owned);
                    let value = der::tlv(attribute.tag, &[&attribute.value]);
                    out.push_str(&kind);
                    out.push_str("=#");
                    out.push_str(&HEXUPPER.encode(&value));
                }
            }
        }
    }
    out
}

/// The value for a person: its characters, or the hex of its DER.
pub(super) fn display_value(attribute: &Attribute) -> String {
    characters(attribute).unwrap_or_else(|| {
        let value = der::tlv(attribute.tag, &[&attribute.value]);
        format!("#{}", HEXUPPER.encode(&value))
    })
}

/// The characters of any string type; for showing, never for comparing.
fn characters(attribute: &Attribute) -> Option<String> {
    match attribute.tag {
        tag::T61_STRING => Some(attribute.value.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let (pairs, rest) = attribute.value.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            rest.is_empty()
                .then(|| String::from_utf16(&units).ok())
                .flatten()
        }
        _ => attribute.text().map(str::to_owned),
    }
}

const SPECIAL: &[char] = &[',', '+', '"', '\\', '<', '>', ';'];

fn escape(out: &mut String, text: &str) {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        let edge_space = character == ' ' && (index == 0 || index == last);
        if SPECIAL.contains(&character) || edge_space || (character == '#' && index == 0) {
            out.push('\\');
            out.push(character);
        } else if character.is_ascii() && !character.is_ascii_control() {
            out.push(character);
        } else {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                // Writing to a String cannot fail.
                write!(out, "\\{byte:02X}").unwrap_or_default();
            }
        }
    }
}

/// Reads a rule's subject.
pub(super) fn parse(text: &str) -> Result<NamePattern, NameError> {
    if text.len() > limits::MAX_SUBJECT_LENGTH {
        return Err(NameError::TooLong(text.len()));
    }
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let mut parts = split(text, ',')
        .into_iter()
        .map(|part| split(part, '+').into_iter().map(attribute).collect())
        .collect::<Result<Vec<Vec<_>>, _>>()?;
    parts.reverse();
    Ok(NamePattern::new(parts))
}

/// Cuts at every separator that is not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    text.split(|character| {
        let cuts = character == separator && !escaped;
        escaped = character == '\\' && !escaped;
        cuts
    })
    .collect()
}

fn attribute(text: &str) -> Result<PatternAttribute, NameError> {
    let short = || text.chars().take(64).collect::<String>();
    let (word, value) = text
        .split_once('=')
        .ok_or_else(|| NameError::NoEquals(short()))?;
    let known = KEYWORDS
        .iter()
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case(word))
        .map_or(word, |(_, dotted)| dotted);
    let kind = oid::from_dotted(known)
        .ok_or_else(|| NameError::UnknownKeyword(word.chars().take(64).collect()))?;
    let value = match value.strip_prefix('#') {
        Some(hex) => der_value(hex),
        None => text_value(value).map(PatternValue::Text),
    };
    let value = value.map_err(|fault| NameError::Value {
        attribute: word.to_owned(),
        fault,
    })?;
    Ok(PatternAttribute { kind, value })
}

fn der_value(hex: &str) -> Result<PatternValue, &'static str> {
    const FAULT: &str = "expected # and the hex of one DER value";
    let bytes = HEXLOWER_PERMISSIVE
        .decode(hex.as_bytes())
        .map_err(|_| FAULT)?;
    let mut reader = Reader::new(&bytes);
    let value = reader.any("value").map_err(|_| FAULT)?;
    reader.finish("value").map_err(|_| FAULT)?;
    Ok(PatternValue::Der(value.tag, value.content.to_vec()))
}

fn text_value(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    let mut ends_in_space = false;
    while let Some(character) = rest.next() {
        ends_in_space = false;
        match character {
            '\\' => bytes.extend(escaped(&mut rest)?),
            ' ' if bytes.is_empty() => {
                return Err("a space at the start is written with a backslash");
            }
            '"' | '<' | '>' | ';' => return Err("quotes, < > and ; are written with a backslash"),
            control if control.is_control() => {
                return Err("control characters are written as a backslash and two hex digits");
            }
            plain => {
                ends_in_space = plain == ' ';
                let mut buffer = [0; 4];
                bytes.extend_from_slice(plain.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    if ends_in_space {
        return Err("a space at the end is written with a backslash");
    }
    if bytes.is_empty() {
        return Err("nothing there");
    }
    String::from_utf8(bytes).map_err(|_| "the escaped bytes are not UTF-8")
}

/// What follows a backslash: a special character, or two hex digits of one byte.
fn escaped(rest: &mut std::str::Chars<'_>) -> Result<Vec<u8>, &'static str> {
    const FAULT: &str =
        "a backslash is followed by one of , + \" \\ < > ; # = space or two hex digits";
    let first = rest.next().ok_or(FAULT)?;
    if SPECIAL.contains(&first) || matches!(first, '#' | ' ' | '=') {
        let mut buffer = [0; 4];
        return Ok(first.encode_utf8(&mut buffer).as_bytes().to_vec());
    }
    let pair: String = [first, rest.next().ok_or(FAULT)?].iter().collect();
    HEXLOWER_PERMISSIVE
        .decode(pair.as_bytes())
        .map_err(|_| FAULT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::name::Name;
    use super::*;

    /// A name of `UTF8Strings`, one attribute in each set.
    fn name(attributes: &[(&str, u8, &[u8])]) -> Name {
        let parts: Vec<Vec<u8>> = attributes
            .iter()
            .map(|(kind, tag, value)| {
                let kind = oid::from_dotted(kind).unwrap();
                let pair = der::sequence(&[&der::oid(&kind), &der::tlv(*tag, &[value])]);
                der::tlv(tag::SET, &[&pair])
            })
            .collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let der = der::sequence(&parts);
        Name::read(&mut Reader::new(&der), "name").unwrap()
    }

    fn one(value: &[u8]) -> Name {
        name(&[("2.5.4.3", tag::UTF8_STRING, value)])
    }

    #[test]
    fn x30_nothing_is_folded() {
        let pattern = parse("CN=Release Signing,O=Acme").unwrap();
        let utf8 = tag::UTF8_STRING;
        let (cn, o) = ("2.5.4.3", "2.5.4.10");
        assert!(pattern.matches(&name(&[(o, utf8, b"Acme"), (cn, utf8, b"Release Signing")])));
        assert!(pattern.matches(&name(&[
            (o, tag::PRINTABLE_STRING, b"Acme"),
            (cn, tag::IA5_STRING, b"Release Signing")
        ])));
        for other in [
            name(&[(o, utf8, b"ACME"), (cn, utf8, b"Release Signing")]),
            name(&[(o, utf8, b"Acme"), (cn, utf8, b"Release  Signing")]),
            name(&[(o, utf8, b"Acme"), (cn, utf8, b"Release\tSigning")]),
            name(&[(o, utf8, b"Acme"), (cn, utf8, b"Release Signing ")]),
            name(&[(cn, utf8, b"Release Signing"), (o, utf8, b"Acme")]),
            name(&[
                (o, utf8, b"Acme"),
                (o, utf8, b"Acme"),
                (cn, utf8, b"Release Signing"),
            ]),
            name(&[(cn, utf8, b"Release Signing")]),
            name(&[
                (o, utf8, "\u{0410}cme".as_bytes()),
                (cn, utf8, b"Release Signing"),
            ]),
        ] {
            assert!(!pattern.matches(&other), "{}", other.to_text());
        }
    }

    #[test]
    fn x31_structure_is_never_read_out_of_a_value() {
        let pattern = parse("CN=Signer,O=A").unwrap();
        assert!(!pattern.matches(&name(&[("2.5.4.10", tag::UTF8_STRING, b"A/CN=Signer")])));
        assert!(!pattern.matches(&one(b"Signer,O=A")));
        let hostile = one(b"a,b+c\"d\\e<f>g;h\n\0#");
        assert_eq!(hostile.to_text(), r#"CN=a\,b\+c\"d\\e\<f\>g\;h\0A\00#"#);
        assert!(parse(&hostile.to_text()).unwrap().matches(&hostile));
        let wide = name(&[("2.5.4.3", tag::BMP_STRING, b"\0S\0i")]);
        assert_eq!(wide.to_text(), "CN=Si");
        assert!(!parse("CN=Si").unwrap().matches(&wide));
        assert!(parse("CN=#1E0400530069").unwrap().matches(&wide));
        let unknown = name(&[("1.2.3.4", tag::UTF8_STRING, b"ab")]);
        assert_eq!(unknown.to_text(), "1.2.3.4=#0C026162");
        assert!(parse("1.2.3.4=#0c026162").unwrap().matches(&unknown));
        assert!(parse("1.2.3.4=ab").unwrap().matches(&unknown));
    }

    #[test]
    fn sets_of_several_attributes_have_no_order() {
        let pair = |kind: &str, value: &[u8]| {
            let kind = oid::from_dotted(kind).unwrap();
            der::sequence(&[&der::oid(&kind), &der::tlv(tag::UTF8_STRING, &[value])])
        };
        let set = der::set_of(
            tag::SET,
            vec![pair("2.5.4.3", b"a"), pair("2.5.4.11", b"b")],
        );
        let whole = der::sequence(&[&set]);
        let name = Name::read(&mut Reader::new(&whole), "name").unwrap();
        assert_eq!(name.to_text(), "OU=b+CN=a");
        for text in ["OU=b+CN=a", "CN=a+OU=b", "cn=a+2.5.4.11=b"] {
            assert!(parse(text).unwrap().matches(&name), "{text}");
        }
        for text in [
            "CN=a,OU=b",
            "OU=b,CN=a",
            "CN=a",
            "CN=a+CN=a",
            "CN=a+OU=b+CN=a",
        ] {
            assert!(!parse(text).unwrap().matches(&name), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("CN={}", "a".repeat(1022));
        for text in [
            "",
            "CN",
            "=a",
            "CN=",
            "CN=a,",
            ",CN=a",
            "CN=a,,O=b",
            "XX=a",
            "CN= a",
            "CN=a ",
            "CN=\"a\"",
            "CN=a;O=b",
            "CN=a\n",
            "CN=\\",
            "CN=\\g0",
            "CN=\\C3",
            "CN=#",
            "CN=#zz",
            "CN=#0C",
            "CN=#0C0161FF",
            " CN=a",
            "CN =a",
            "1.2.=a",
            &long,
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&long[..1024]).is_ok());
        assert!(parse("CN=a=b").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_an_error(text in ".{0,200}") {
            drop(parse(&text));
        }

        #[test]
        fn every_name_is_matched_by_its_own_text(values in proptest::collection::vec(".{1,20}", 1..4)) {
            let attributes: Vec<_> = values
                .iter()
                .map(|value| ("2.5.4.11", tag::UTF8_STRING, value.as_bytes()))
                .collect();
            let name = name(&attributes);
            prop_assert!(parse(&name.to_text()).unwrap().matches(&name));
        }
    }
}
