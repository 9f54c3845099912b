//! Finds fenced blocks in a page, and what is typed in them.

/// One command and what it prints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Line of the page, counted from 1.
    pub(crate) line: usize,
    /// What follows `$ `, with the `> ` lines that continue it.
    pub(crate) typed: String,
    /// The lines up to the next command or the end of the block.
    pub(crate) expected: String,
}

/// The fenced blocks marked `mark`: line of the fence, and the text inside.
pub(crate) fn blocks(page: &str, mark: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside: Option<(usize, bool, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(word)) => inside = Some((index + 1, word.trim() == mark, String::new())),
            (Some((start, wanted, text)), Some(_)) => {
                if *wanted {
                    found.push((*start, std::mem::take(text)));
                }
                inside = None;
            }
            (Some((_, _, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Everything typed in the page's `console` blocks.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (start, block) in blocks(page, "console") {
        let first = steps.len();
        for (index, text) in block.lines().enumerate() {
            if let Some(typed) = text.strip_prefix("$ ") {
                steps.push(Step {
                    line: start + index + 1,
                    typed: typed.to_owned(),
                    expected: String::new(),
                });
                continue;
            }
            let in_block = steps.len() > first;
            let step = steps.last_mut().filter(|_| in_block);
            let step = step.expect("a console block begins with `$ `");
            match text.strip_prefix("> ") {
                Some(more) if step.typed.ends_with('\\') && step.expected.is_empty() => {
                    step.typed.push('\n');
                    step.typed.push_str(more);
                }
                _ => {
                    step.expected.push_str(text);
                    step.expected.push('\n');
                }
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "text\n```console\n$ a \\\n>   b\nx\n\ny\n$ c\n```\n```sh\n$ d\n```\n";

    #[test]
    fn steps_have_their_line_and_their_output() {
        let expected = [
            Step {
                line: 3,
                typed: "a \\\n  b".into(),
                expected: "x\n\ny\n".into(),
            },
            Step {
                line: 8,
                typed: "c".into(),
                expected: String::new(),
            },
        ];
        assert_eq!(steps(PAGE), expected);
    }

    #[test]
    fn blocks_are_told_apart_by_their_mark() {
        assert_eq!(blocks(PAGE, "sh"), [(10, "$ d\n".to_owned())]);
        assert!(blocks(PAGE, "").is_empty());
    }
}
