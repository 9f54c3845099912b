use std::ffi::OsStr;

use jiff::Timestamp;

use crate::cli::CommandError;

/// Reads an instant as RFC 3339 writes it, offset included.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "expected a time with its offset as in RFC 3339, such as 2026-01-31T12:00:00Z".to_owned()
    })
}

/// Reads `SOURCE_DATE_EPOCH`: seconds since 1970, digits only.
pub(crate) fn source_date_epoch(value: &OsStr) -> Result<Timestamp, CommandError> {
    value
        .to_str()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or_else(|| {
            CommandError::usage(format!(
                "SOURCE_DATE_EPOCH is {:?}: expected the seconds since 1970 in digits",
                value.to_string_lossy()
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_offset() {
        let expected = Timestamp::from_second(1_769_860_800).unwrap();
        assert_eq!(parse_time("2026-01-31T12:00:00Z").unwrap(), expected);
        assert_eq!(parse_time("2026-01-31T14:00:00+02:00").unwrap(), expected);
        for text in ["", "now", "2026-01-31", "2026-01-31T12:00:00", "1769860800"] {
            assert!(parse_time(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_epoch_is_digits_only() {
        let read = |text: &str| source_date_epoch(OsStr::new(text));
        assert_eq!(read("0").unwrap(), Timestamp::UNIX_EPOCH);
        assert_eq!(read("1769860800").unwrap().as_second(), 1_769_860_800);
        for text in ["", "-1", "+1", " 1", "1.5", "x", "99999999999999999999"] {
            assert_eq!(read(text).unwrap_err().kind().number(), 2, "{text:?}");
        }
    }
}
