use std::time::Duration;

/// Text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number and ms, s, m, h or d, such as 30s or 2m, of at most 1000d")]
pub struct DurationError;

/// The units, longest first, each with its milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Longest duration that may be written: more is a mistake.
const LONGEST: Duration = Duration::from_hours(1000 * 24);

/// Reads a duration such as `30s`: a whole number and its unit; only zero needs no unit.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(DurationError)?;
    let number: u64 = number.parse().map_err(|_| DurationError)?;
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, milliseconds)| number.checked_mul(*milliseconds))
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST)
        .ok_or(DurationError)
}

/// Writes a duration the way [`parse_duration`] reads it, in the longest unit that fits exactly.
pub fn show_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |unit: &&(&str, u64)| milliseconds >= unit.1 && milliseconds.is_multiple_of(unit.1);
    match UNITS.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", milliseconds.div_euclid(*unit)),
        None => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("090s", 90_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("30d", 2_592_000_000),
            ("1000d", 86_400_000_000),
        ] {
            let expected = Ok(Duration::from_millis(milliseconds));
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_else() {
        for text in [
            "",
            "s",
            "30",
            "-1s",
            "+1s",
            "1.5s",
            "1 s",
            " 1s",
            "1s ",
            "1m30s",
            "1S",
            "1min",
            "1001d",
            "86400001s",
            "99999999999999999999s",
            "1\u{b5}s",
            "\u{663}s",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError), "{text:?}");
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["0", "1ms", "1500ms", "30s", "90s", "2m", "25h", "30d"] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(show_duration(duration), text);
        }
        assert_eq!(show_duration(Duration::from_hours(1)), "1h");
    }
}
