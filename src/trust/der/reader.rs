use nom::bytes::complete::take;
use nom::number::complete::be_u8;
use nom::{IResult, Offset as _, Parser as _};

use super::{DerError, DerFault, MAX_NESTING, tag};

/// One tag, length and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust) struct Tlv<'a> {
    pub(in crate::trust) tag: u8,
    /// The value.
    pub(in crate::trust) content: &'a [u8],
    /// Tag, length and value.
    pub(in crate::trust) whole: &'a [u8],
}

/// Reads values from front to back; errors carry the field and the offset from the first byte of all.
#[derive(Debug, Clone, Copy)]
pub(in crate::trust) struct Reader<'a> {
    base: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `input`.
    pub(in crate::trust) fn new(input: &'a [u8]) -> Self {
        Self {
            base: input,
            rest: input,
        }
    }

    /// Reads what is inside `value`, which came out of this reader.
    pub(in crate::trust) fn inside(&self, value: Tlv<'a>) -> Self {
        Self {
            base: self.base,
            rest: value.content,
        }
    }

    /// Whether everything has been read.
    pub(in crate::trust) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag that comes next.
    pub(in crate::trust) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next value whatever it is.
    pub(in crate::trust) fn any(&mut self, field: &'static str) -> Result<Tlv<'a>, DerError> {
        match tlv(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(fault) => Err(self.error(fault, field)),
        }
    }

    /// Reads the next value, which must have this tag.
    pub(in crate::trust) fn expect(
        &mut self,
        tag: u8,
        field: &'static str,
    ) -> Result<Tlv<'a>, DerError> {
        match self.peek() {
            Some(found) if found != tag => Err(self.error(DerFault::WrongType, field)),
            _ => self.any(field),
        }
    }

    /// Reads the next value if it has this tag.
    pub(in crate::trust) fn optional(
        &mut self,
        tag: u8,
        field: &'static str,
    ) -> Result<Option<Tlv<'a>>, DerError> {
        if self.peek() == Some(tag) {
            self.any(field).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Enters the next value, which must have this tag.
    pub(in crate::trust) fn enter(
        &mut self,
        tag: u8,
        field: &'static str,
    ) -> Result<Self, DerError> {
        let value = self.expect(tag, field)?;
        Ok(self.inside(value))
    }

    /// Enters the next value, a SEQUENCE.
    pub(in crate::trust) fn sequence(&mut self, field: &'static str) -> Result<Self, DerError> {
        self.enter(tag::SEQUENCE, field)
    }

    /// Reads an OBJECT IDENTIFIER, as its content bytes.
    pub(in crate::trust) fn oid(&mut self, field: &'static str) -> Result<&'a [u8], DerError> {
        self.primitive(tag::OID, field)
    }

    /// Reads an INTEGER, as its content bytes: two's complement, shortest form.
    pub(in crate::trust) fn integer(&mut self, field: &'static str) -> Result<&'a [u8], DerError> {
        self.primitive(tag::INTEGER, field)
    }

    /// Reads an INTEGER from 0 to 127.
    pub(in crate::trust) fn small(&mut self, field: &'static str) -> Result<u8, DerError> {
        match self.integer(field)? {
            [value @ 0..=127] => Ok(*value),
            _ => Err(self.error(DerFault::BadValue, field)),
        }
    }

    /// Reads a BOOLEAN.
    pub(in crate::trust) fn boolean(&mut self, field: &'static str) -> Result<bool, DerError> {
        Ok(self.primitive(tag::BOOLEAN, field)? == [0xff])
    }

    /// Reads an OCTET STRING.
    pub(in crate::trust) fn octets(&mut self, field: &'static str) -> Result<&'a [u8], DerError> {
        self.primitive(tag::OCTET_STRING, field)
    }

    /// Reads a BIT STRING of whole bytes.
    pub(in crate::trust) fn bits(&mut self, field: &'static str) -> Result<&'a [u8], DerError> {
        match self.primitive(tag::BIT_STRING, field)?.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(self.error(DerFault::BadValue, field)),
        }
    }

    /// Fails unless everything has been read.
    pub(in crate::trust) fn finish(&self, field: &'static str) -> Result<(), DerError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(DerFault::Trailing, field))
        }
    }

    /// An error at the place reached.
    pub(in crate::trust) fn error(&self, fault: DerFault, field: &'static str) -> DerError {
        DerError {
            fault,
            field,
            offset: self.base.offset(self.rest),
        }
    }

    fn primitive(&mut self, tag: u8, field: &'static str) -> Result<&'a [u8], DerError> {
        let at = *self;
        let value = self.expect(tag, field)?;
        check_primitive(value).map_err(|fault| at.error(fault, field))?;
        Ok(value.content)
    }
}

/// Fails unless `input` is exactly one value, strict DER all the way down.
///
/// The inside of OCTET STRING and BIT STRING is left alone: it may be anything.
pub(in crate::trust) fn check_strict(input: &[u8], field: &'static str) -> Result<(), DerError> {
    let mut reader = Reader::new(input);
    check_value(&mut reader, field, MAX_NESTING)?;
    reader.finish(field)
}

fn check_value(reader: &mut Reader<'_>, field: &'static str, depth: usize) -> Result<(), DerError> {
    const CONSTRUCTED: u8 = 0x20;
    const CLASS: u8 = 0xc0;
    let at = *reader;
    let value = reader.any(field)?;
    if value.tag & CONSTRUCTED == 0 {
        return check_primitive(value).map_err(|fault| at.error(fault, field));
    }
    let universal = value.tag & CLASS == 0;
    if universal && value.tag != tag::SEQUENCE && value.tag != tag::SET {
        return Err(at.error(DerFault::NotCanonical, field));
    }
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| at.error(DerFault::TooDeep, field))?;
    let mut inside = reader.inside(value);
    while !inside.is_empty() {
        check_value(&mut inside, field, depth)?;
    }
    Ok(())
}

fn check_primitive(value: Tlv<'_>) -> Result<(), DerFault> {
    match (value.tag, value.content) {
        (tag::SEQUENCE | tag::SET, _) => Err(DerFault::WrongType),
        (tag::BOOLEAN, [0x00 | 0xff]) | (tag::NULL, []) => Ok(()),
        (tag::BOOLEAN | tag::NULL, _) | (tag::INTEGER, []) => Err(DerFault::BadValue),
        (tag::INTEGER, [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) => {
            Err(DerFault::NotMinimal)
        }
        (tag::OID, content) => check_oid(content),
        _ => Ok(()),
    }
}

/// Every number of an OID ends, and none begins with padding.
fn check_oid(content: &[u8]) -> Result<(), DerFault> {
    let mut begins = true;
    for byte in content {
        if begins && *byte == 0x80 {
            return Err(DerFault::NotMinimal);
        }
        begins = byte & 0x80 == 0;
    }
    match content {
        [.., last] if last & 0x80 == 0 => Ok(()),
        _ => Err(DerFault::BadValue),
    }
}

fn tlv(input: &[u8]) -> Result<(&[u8], Tlv<'_>), DerFault> {
    let truncated = |()| DerFault::Truncated;
    let (rest, (tag, first)) = (be_u8, be_u8)
        .parse(input)
        .map_err(discard)
        .map_err(truncated)?;
    if tag & 0x1f == 0x1f {
        return Err(DerFault::WrongType);
    }
    let (rest, length) = match first {
        0..=0x7f => (rest, usize::from(first)),
        0x80 => return Err(DerFault::Indefinite),
        0x81..=0x84 => long_length(rest, first & 0x7f)?,
        _ => return Err(DerFault::Truncated),
    };
    let taken: IResult<&[u8], &[u8], ()> = take(length)(rest);
    let (after, content) = taken.map_err(discard).map_err(truncated)?;
    let whole = input
        .get(..input.offset(after))
        .ok_or(DerFault::Truncated)?;
    Ok((
        after,
        Tlv {
            tag,
            content,
            whole,
        },
    ))
}

fn long_length(input: &[u8], count: u8) -> Result<(&[u8], usize), DerFault> {
    let taken: IResult<&[u8], &[u8], ()> = take(usize::from(count))(input);
    let (rest, bytes) = taken.map_err(|_| DerFault::Truncated)?;
    let length = bytes
        .iter()
        .try_fold(0_usize, |length, byte| {
            length.checked_mul(256)?.checked_add(usize::from(*byte))
        })
        .ok_or(DerFault::Truncated)?;
    if length < 0x80 || bytes.first() == Some(&0) {
        return Err(DerFault::NotMinimal);
    }
    Ok((rest, length))
}

/// The only error of a complete parser over too few bytes says nothing more than that.
fn discard(_: nom::Err<()>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(input: &[u8]) -> Option<DerFault> {
        check_strict(input, "test").err().map(|error| error.fault)
    }

    #[test]
    fn x35_only_the_shortest_definite_form_is_der() {
        assert_eq!(fault(&[0x30, 3, 0x02, 1, 5]), None);
        assert_eq!(
            fault(&[0x30, 0x80, 0x02, 1, 5, 0, 0]),
            Some(DerFault::Indefinite)
        );
        assert_eq!(
            fault(&[0x30, 0x81, 3, 0x02, 1, 5]),
            Some(DerFault::NotMinimal)
        );
        assert_eq!(
            fault(&[0x30, 0x82, 0, 3, 0x02, 1, 5]),
            Some(DerFault::NotMinimal)
        );
        assert_eq!(fault(&[0x30, 3, 0x02, 1, 5, 0]), Some(DerFault::Trailing));
        assert_eq!(fault(&[0x30, 4, 0x02, 1, 5]), Some(DerFault::Truncated));
        assert_eq!(fault(&[0x30]), Some(DerFault::Truncated));
        assert_eq!(fault(&[]), Some(DerFault::Truncated));
        assert_eq!(
            fault(&[0x30, 0x85, 0, 0, 0, 0, 0]),
            Some(DerFault::Truncated)
        );
        assert_eq!(fault(&[0x1f, 0x81, 1, 0]), Some(DerFault::WrongType));
        assert_eq!(fault(&[0x02, 2, 0, 5]), Some(DerFault::NotMinimal));
        assert_eq!(fault(&[0x02, 2, 0xff, 0x80]), Some(DerFault::NotMinimal));
        assert_eq!(fault(&[0x02, 0]), Some(DerFault::BadValue));
        assert_eq!(fault(&[0x01, 1, 1]), Some(DerFault::BadValue));
        assert_eq!(fault(&[0x05, 1, 0]), Some(DerFault::BadValue));
        assert_eq!(fault(&[0x06, 2, 0x80, 1]), Some(DerFault::NotMinimal));
        assert_eq!(fault(&[0x06, 1, 0x81]), Some(DerFault::BadValue));
        assert_eq!(fault(&[0x24, 3, 0x04, 1, 5]), Some(DerFault::NotCanonical));
    }

    #[test]
    fn nesting_is_followed_to_its_limit_and_no_further() {
        let nested = |levels: usize| {
            (0..levels).fold(vec![0x05, 0], |inner, _| {
                super::super::write::sequence(&[&inner])
            })
        };
        assert_eq!(fault(&nested(MAX_NESTING)), None);
        assert_eq!(fault(&nested(MAX_NESTING + 1)), Some(DerFault::TooDeep));
    }

    #[test]
    fn errors_name_the_byte() {
        let input = [0x30, 5, 0x02, 1, 5, 0x04, 0];
        let mut reader = Reader::new(&input);
        let mut inside = reader.sequence("outer").unwrap();
        assert_eq!(inside.small("first").unwrap(), 5);
        let error = inside.integer("second").unwrap_err();
        assert_eq!((error.offset, error.field), (5, "second"));
        reader.finish("outer").unwrap();
    }
}
