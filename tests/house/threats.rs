//! Every row of the threat model has a test that is named after it.

use std::collections::BTreeSet;

use crate::repository::{Problem, Source};

/// The rows: what a package can do to us (C), and what its certificates and signatures can (X).
const ROWS: [(char, u32); 2] = [('c', 16), ('x', 36)];

/// Finds rows without a test whose name begins with `c01_`, `x36_` and so on.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let named: BTreeSet<&str> = sources.iter().flat_map(tests).collect();
    let rows = ROWS
        .into_iter()
        .flat_map(|(letter, last)| (1..=last).map(move |row| format!("{letter}{row:02}")));
    rows.filter(|row| !named.contains(row.as_str()))
        .map(|row| Problem {
            path: "tests".to_owned(),
            line: 1,
            text: format!("no test is named after threat row {row}: expected `fn {row}_...`"),
        })
        .collect()
}

/// What the names of a source's tests begin with, up to the first underscore.
fn tests(source: &Source) -> Vec<&str> {
    let words: Vec<Option<&str>> = source.tokens.iter().map(|token| token.word()).collect();
    let mut found = Vec::new();
    for (index, pair) in words.windows(2).enumerate() {
        if let [Some("fn"), Some(name)] = pair
            && index >= 3
            && source.tokens[index - 1].is(']')
        {
            found.extend(name.split('_').next());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_test_is_found() {
        let rows = ROWS
            .into_iter()
            .flat_map(|(letter, last)| (1..=last).map(move |row| (letter, row)));
        let text: Vec<String> = rows
            .map(|(letter, row)| format!("#[test] fn {letter}{row:02}_is_refused() {{}}"))
            .collect();
        let text = text.join("\n");
        assert!(check(&[Source::new("tests/a.rs", &text)]).is_empty());
        let without = text.replace("#[test] fn x17_", "fn x17_");
        let found = check(&[Source::new("tests/a.rs", &without)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("x17"));
        let commented = text.replace("#[test] fn c03_", "// #[test] fn c03_");
        assert_eq!(check(&[Source::new("tests/a.rs", &commented)]).len(), 1);
    }
}
