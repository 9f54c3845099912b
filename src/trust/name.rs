//! Distinguished names: read from DER, written as openssl writes them, and compared without folding anything.
//!
//! # Threats met here
//!
//! - Two names that look alike to a lenient comparison: case, white space and Unicode forms are not folded.
//! - A value that holds what looks like structure (`/CN=`, a comma, a line break, NUL): names are
//!   compared by structure, never by joined text.
//! - A string type that some readers see differently (`BMPString`, T61String): it never equals a
//!   rule's text.

use super::der::{DerError, DerFault, Reader, oid, tag};
use super::name_text;

/// One attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attribute {
    /// OID, as content bytes.
    pub(super) kind: Vec<u8>,
    /// Tag of the value.
    pub(super) tag: u8,
    /// Content of the value.
    pub(super) value: Vec<u8>,
}

impl Attribute {
    /// The text of a value whose bytes are its characters: `UTF8String`, `PrintableString`, `IA5String`.
    pub(super) fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.value).ok()?;
        match self.tag {
            tag::UTF8_STRING => Some(text),
            tag::PRINTABLE_STRING | tag::IA5_STRING => text.is_ascii().then_some(text),
            _ => None,
        }
    }
}

/// A distinguished name (RFC 5280, section 4.1.2.4), in the order of its DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The name's own DER.
    pub(super) der: Vec<u8>,
    /// Sets of attributes.
    pub(super) parts: Vec<Vec<Attribute>>,
}

impl Name {
    pub(super) fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, DerError> {
        let at = *reader;
        let whole = reader.expect(tag::SEQUENCE, field)?;
        let mut inside = at.inside(whole);
        let mut parts = Vec::new();
        while !inside.is_empty() {
            let mut set = inside.enter(tag::SET, field)?;
            let mut part = Vec::new();
            while !set.is_empty() {
                let mut pair = set.sequence(field)?;
                let kind = pair.oid(field)?.to_vec();
                let value = pair.any(field)?;
                pair.finish(field)?;
                part.push(Attribute {
                    kind,
                    tag: value.tag,
                    value: value.content.to_vec(),
                });
            }
            if part.is_empty() {
                return Err(set.error(DerFault::BadValue, field));
            }
            parts.push(part);
        }
        Ok(Self {
            der: whole.whole.to_vec(),
            parts,
        })
    }

    /// The text of the last attribute of this kind, which is the most specific one.
    pub(super) fn attribute(&self, kind: &[u8]) -> Option<String> {
        self.parts
            .iter()
            .flatten()
            .rev()
            .find(|attribute| attribute.kind == kind)
            .map(name_text::display_value)
    }

    /// Short name and text of every attribute, in the order of the DER.
    pub(super) fn attributes(&self) -> Vec<(String, String)> {
        let pair = |attribute: &Attribute| {
            (
                name_text::keyword(&attribute.kind)
                    .map_or_else(|| oid::dotted(&attribute.kind), str::to_owned),
                name_text::display_value(attribute),
            )
        };
        self.parts.iter().flatten().map(pair).collect()
    }

    /// As `openssl x509 -nameopt RFC2253` prints it.
    pub(super) fn to_text(&self) -> String {
        name_text::write(&self.parts)
    }
}

/// A name as a rule writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamePattern {
    /// Sets of attributes in the order of DER, each set sorted.
    parts: Vec<Vec<PatternAttribute>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PatternAttribute {
    pub(super) kind: Vec<u8>,
    pub(super) value: PatternValue,
}

/// The value a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PatternValue {
    /// These characters, as `UTF8String`, `PrintableString` or `IA5String`.
    Text(String),
    /// This tag and this content.
    Der(u8, Vec<u8>),
}

impl NamePattern {
    pub(super) fn new(mut parts: Vec<Vec<PatternAttribute>>) -> Self {
        for part in &mut parts {
            part.sort();
        }
        Self { parts }
    }

    /// Whether the name has exactly these sets of attributes in this order.
    pub(super) fn matches(&self, name: &Name) -> bool {
        self.parts.len() == name.parts.len()
            && self
                .parts
                .iter()
                .zip(&name.parts)
                .all(|(pattern, part)| matches_part(pattern, part))
    }
}

/// Whether each attribute of the set is asked for once; both are small.
fn matches_part(pattern: &[PatternAttribute], part: &[Attribute]) -> bool {
    if pattern.len() != part.len() {
        return false;
    }
    let mut left: Vec<&Attribute> = part.iter().collect();
    pattern.iter().all(|wanted| {
        let found = left.iter().position(|attribute| {
            wanted.kind == attribute.kind
                && match &wanted.value {
                    PatternValue::Text(text) => attribute.text() == Some(text),
                    PatternValue::Der(tag, value) => {
                        *tag == attribute.tag && *value == attribute.value
                    }
                }
        });
        found.is_some_and(|index| {
            left.swap_remove(index);
            true
        })
    })
}
