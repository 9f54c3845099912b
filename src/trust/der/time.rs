//! `UTCTime` and `GeneralizedTime` as RFC 5280 (section 4.1.2.5) and RFC 3161 (section 2.4.2) write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{DerError, DerFault, Reader, tag};

/// Reads a certificate's time: `UTCTime` or `GeneralizedTime`, whole seconds, UTC.
pub(in crate::trust) fn validity(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<Timestamp, DerError> {
    let at = *reader;
    let value = reader.any(field)?;
    let time = match (value.tag, value.content.len()) {
        (tag::UTC_TIME, 13) => {
            let century: &[u8] = if value.content.first() >= Some(&b'5') {
                b"19"
            } else {
                b"20"
            };
            parse(&[century, value.content].concat())
        }
        (tag::GENERALIZED_TIME, 15) => parse(value.content),
        _ => None,
    };
    time.ok_or_else(|| at.error(DerFault::BadValue, field))
}

/// Reads a `GeneralizedTime` in UTC, with or without a fraction of a second.
pub(in crate::trust) fn generalized(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<Timestamp, DerError> {
    let at = *reader;
    let value = reader.expect(tag::GENERALIZED_TIME, field)?;
    parse(value.content).ok_or_else(|| at.error(DerFault::BadValue, field))
}

/// `YYYYMMDDhhmmss[.f...]Z`; a fraction has 1 to 9 digits and does not end in zero.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
        None => (text, 0),
    };
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize, to: usize| i8::try_from(part(from, to)?).ok();
    let time = DateTime::new(
        part(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        small(8, 10)?,
        small(10, 12)?,
        small(12, 14)?,
        fraction,
    );
    TimeZone::UTC.to_timestamp(time.ok()?).ok()
}

fn nanoseconds(digits: &str) -> Option<i32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || digits.is_empty() || digits.len() > 9 || digits.ends_with('0') {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

/// `YYYYMMDDhhmmssZ` of a time, in whole seconds.
pub(in crate::trust) fn to_generalized(time: Timestamp) -> String {
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_spelling() {
        let second = |text: &str| parse(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(
            second("20260102030405Z").as_deref(),
            Some("2026-01-02T03:04:05Z")
        );
        assert_eq!(
            second("20260102030405.25Z").as_deref(),
            Some("2026-01-02T03:04:05.25Z")
        );
        for text in [
            "20260102030405",
            "202601020304Z",
            "20260102030405.Z",
            "20260102030405.0Z",
            "20260102030405.250Z",
            "20260102030405+0100",
            "20261302030405Z",
            "20260230030405Z",
            "20260102240405Z",
            "20260102036005Z",
            "20260102030460Z",
            "2026010203040 Z",
            "+0260102030405Z",
            "20260102030405,5Z",
            "",
            "20260102030405.1234567891Z",
        ] {
            assert_eq!(second(text), None, "{text}");
        }
        let time = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(to_generalized(time), "20260102030405Z");
    }
}
