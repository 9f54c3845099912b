//! The flags of `cargo xtask bench`.

use crate::shell::{Outcome, failure};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Size of the payload file in bytes.
    pub size: u64,
    /// Files in the tree.
    pub files: u64,
    /// Runs of each command.
    pub runs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: 1 << 30,
            files: 5_000,
            runs: 3,
        }
    }
}

impl Options {
    /// Reads the flags.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let Some(value) = rest.next() else {
                return failure(format!("{flag} needs a value"));
            };
            match flag.as_str() {
                "--size" => options.size = size(value)?,
                "--files" => options.files = value.parse()?,
                "--runs" => options.runs = value.parse()?,
                _ => {
                    return failure(format!(
                        "expected --size, --files or --runs, found {flag:?}"
                    ));
                }
            }
        }
        if options.runs == 0 || options.size == 0 {
            return failure("nothing to measure: --size and --runs have to be at least 1");
        }
        Ok(options)
    }
}

/// A number of bytes such as `64MiB` or `1GiB`.
pub fn size(text: &str) -> Outcome<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (digits, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
        .unwrap_or((text, 0));
    match digits.parse::<u64>() {
        Ok(number) if number <= u64::MAX >> shift => Ok(number << shift),
        _ => failure(format!("expected a size such as 1GiB, found {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Outcome<Options> {
        let owned: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Options::parse(&owned)
    }

    #[test]
    fn sizes_have_binary_units() -> Outcome {
        assert_eq!(parse(&[])?, Options::default());
        assert_eq!(parse(&["--size", "64MiB"])?.size, 64 << 20);
        assert_eq!(parse(&["--size", "123", "--runs", "5"])?.size, 123);
        for bad in ["", "1GB", "x", "-1", "18446744073709551615GiB", "0"] {
            assert!(parse(&["--size", bad]).is_err(), "{bad}");
        }
        Ok(())
    }

    #[test]
    fn unknown_flags_and_missing_values_are_errors() {
        for bad in [&["--sise", "1"][..], &["--size"], &["--runs", "0"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
