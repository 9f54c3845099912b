//! Reads what `cargo test` prints: how many tests passed, failed, were left out, and why.

use std::ops::AddAssign;

/// Line by which a test says that it could not check something on this machine.
const SKIPPED: &str = "skipped: ";

/// Counts over any number of test binaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Parts that were left out, with the reason.
    pub skipped: Vec<String>,
}

impl Results {
    /// The closing line.
    pub fn line(&self) -> String {
        let skipped = match self.skipped.len() {
            0 => String::new(),
            count => format!(", {count} skipped"),
        };
        format!("{} passed, {} failed{skipped}", self.passed, self.failed)
    }
}

impl AddAssign for Results {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

/// Reads the output of `cargo test -- --show-output` line by line.
#[derive(Debug, Default)]
pub struct Reader {
    results: Results,
    in_successes: bool,
}

impl Reader {
    /// Takes one line; gives it back if a person should see it.
    ///
    /// What successful tests printed is only looked through for `skipped:` lines.
    pub fn take<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.in_successes = false;
            self.results.passed += count(counts, " passed");
            self.results.failed += count(counts, " failed");
            return Some(line);
        }
        match line {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            _ => {}
        }
        if let Some(reason) = line.trim_start().strip_prefix(SKIPPED) {
            self.results.skipped.push(reason.to_owned());
        } else if let Some((name, reason)) = ignored(line) {
            self.results.skipped.push(format!("{name}{reason}"));
        }
        (!self.in_successes).then_some(line)
    }

    /// The sum of all that was read.
    pub fn finish(self) -> Results {
        self.results
    }
}

/// The number before `label` in `ok. 3 passed; 0 failed; ...`.
fn count(counts: &str, label: &str) -> u64 {
    let before = counts.split(label).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    let found = counts.contains(label).then_some(digits).flatten();
    found.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Name and reason of an ignored test.
fn ignored(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("test ")?;
    let (name, outcome) = rest.split_once(" ... ")?;
    let reason = outcome.strip_prefix("ignored")?;
    Some((name, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 3 tests
test a::b ... ok
test c ... ignored, needs a kernel
test d ... FAILED

successes:

---- a::b stdout ----
skipped: bsdtar is not installed
some talk

successes:
    a::b

failures:

---- d stdout ----
why it failed

failures:
    d

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

running 12 tests
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn counts_are_summed_and_reasons_kept() {
        let mut reader = Reader::default();
        let shown: Vec<&str> = OUTPUT
            .lines()
            .filter_map(|line| reader.take(line))
            .collect();
        let results = reader.finish();
        assert_eq!((results.passed, results.failed), (13, 1));
        assert_eq!(
            results.skipped,
            ["c, needs a kernel", "bsdtar is not installed"]
        );
        assert_eq!(results.line(), "13 passed, 1 failed, 2 skipped");
        assert!(shown.contains(&"why it failed"));
        assert!(!shown.contains(&"some talk"));
    }

    #[test]
    fn nothing_skipped_is_not_mentioned() {
        let mut results = Results {
            passed: 2,
            ..Results::default()
        };
        results += Results {
            passed: 1,
            failed: 1,
            ..Results::default()
        };
        assert_eq!(results.line(), "3 passed, 1 failed");
    }

    #[test]
    fn a_line_that_only_looks_like_a_result_counts_nothing() {
        let mut reader = Reader::default();
        for line in [
            "test result: ",
            "test result: many passed",
            "12 passed; 3 failed",
        ] {
            let _shown = reader.take(line);
        }
        assert_eq!(reader.finish(), Results::default());
    }
}
