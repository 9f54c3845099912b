//! Compares what a page says with what happened, wildcards included.

/// Whether `found` is what `expected` describes; white space at the end of lines does not count.
pub(crate) fn matches(expected: &str, found: &str) -> bool {
    let expected: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let found: Vec<&str> = found.lines().map(str::trim_end).collect();
    lines_match(&expected, &found)
}

fn lines_match(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"...", rest)) => (0..=found.len()).any(|skip| lines_match(rest, &found[skip..])),
        Some((line, rest)) => found
            .split_first()
            .is_some_and(|(first, others)| line_matches(line, first) && lines_match(rest, others)),
    }
}

fn line_matches(expected: &str, found: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == found,
        Some((before, after)) => found.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_have_to_be_equal() {
        assert!(matches("a\nb\n", "a\nb  \n"));
        for found in ["", "a\n", "a\nb\nc\n", "b\na\n", "a\n b\n"] {
            assert!(!matches("a\nb\n", found), "{found:?}");
        }
    }

    #[test]
    fn a_wildcard_stays_in_its_line() {
        assert!(matches("ID [..] of [..]\n", "ID 1 of 2\n"));
        assert!(matches("[..]\n", "\n"));
        assert!(!matches("ID [..] of\n", "ID 1\n of\n"));
        assert!(!matches("ID [..]\n", "Id 1\n"));
    }

    #[test]
    fn three_dots_are_any_lines() {
        assert!(matches("a\n...\nz\n", "a\nz\n"));
        assert!(matches("a\n...\nz\n", "a\nb\nc\nz\n"));
        assert!(!matches("a\n...\nz\n", "a\nb\n"));
    }
}
