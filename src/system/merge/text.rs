use diffy::{ConflictStyle, MergeOptions};

/// Longest text that is merged by lines, in bytes: the time grows with the square of what differs.
pub(in crate::system) const MAX_TEXT: u64 = 1 << 20;

/// What came of merging texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::system) enum Text {
    /// Everything went together.
    Clean(Vec<u8>),
    /// Somebody has to look at what is between the markers.
    Marked(Vec<u8>),
}

/// Merges line by line, as `diff3 -m -E` does.
pub(in crate::system) fn merge_texts(base: &[u8], ours: &[u8], theirs: &[u8]) -> Text {
    let mut options = MergeOptions::new();
    options.set_conflict_style(ConflictStyle::Diff3);
    match options.merge_bytes(base, ours, theirs) {
        Ok(text) => Text::Clean(text),
        Err(text) => Text::Marked(text),
    }
}

/// Whether bytes are lines of text.
pub(in crate::system) fn is_text(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_TEXT) && !bytes.contains(&0)
}

/// The first line, counted from 1, that is a marker of a conflict.
pub(in crate::system) fn marker(text: &[u8]) -> Option<usize> {
    let lines = text.split(|byte| *byte == b'\n');
    let marks = [&b"<<<<<<< "[..], b"||||||| ", b">>>>>>> "];
    let is_marker = |line: &[u8]| marks.iter().any(|mark| line.starts_with(mark));
    lines
        .enumerate()
        .find(|(_, line)| is_marker(line))
        .map(|(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What GNU diff3 makes of it; `None` for the text where it finds a conflict.
    fn diff3(home: &std::path::Path, base: &str, ours: &str, theirs: &str) -> Option<Vec<u8>> {
        for (name, text) in [("base", base), ("ours", ours), ("theirs", theirs)] {
            std::fs::write(home.join(name), text).unwrap();
        }
        let output = std::process::Command::new("diff3")
            .args(["-m", "-E", "ours", "base", "theirs"])
            .current_dir(home)
            .output()
            .expect("diff3, which `cargo xtask setup` installs");
        assert!(output.status.code() < Some(2), "{output:?}");
        output.status.success().then_some(output.stdout)
    }

    /// A text of lines that differ, and two ways of changing it.
    fn edits() -> impl Strategy<Value = (String, String, String)> {
        let edit = || proptest::collection::vec((0..3_u8, 0..20_usize), 0..4);
        (1..14_usize, edit(), edit(), "[ot]").prop_map(|(count, ours, theirs, tag)| {
            let base: Vec<_> = (0..count).map(|n| format!("line {n}\n")).collect();
            let changed = |edits: &[(u8, usize)], tag: &str| {
                let mut lines = base.clone();
                for (number, (what, at)) in edits.iter().enumerate() {
                    let line = format!("{tag}{number}\n");
                    let at = at % (lines.len() + 1);
                    match what {
                        0 if at < lines.len() => drop(lines.remove(at)),
                        1 if at < lines.len() => lines[at] = line,
                        _ => lines.insert(at, line),
                    }
                }
                lines.concat()
            };
            (base.concat(), changed(&ours, "o"), changed(&theirs, &tag))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn texts_are_merged_as_diff3_does((base, ours, theirs) in edits()) {
            let home = tempfile::tempdir().unwrap();
            let expected = diff3(home.path(), &base, &ours, &theirs);
            let merged = merge_texts(base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
            match (merged, expected) {
                (Text::Clean(merged), Some(expected)) => prop_assert_eq!(merged, expected),
                (Text::Marked(text), None) => prop_assert!(marker(&text).is_some()),
                (merged, expected) => prop_assert!(false, "{:?} {:?}", merged, expected),
            }
        }

        #[test]
        fn a_side_that_changed_nothing_has_no_say((base, ours, _) in edits()) {
            let (base, ours) = (base.as_bytes(), ours.as_bytes());
            let clean = Text::Clean(ours.to_vec());
            prop_assert_eq!(merge_texts(base, ours, base), clean.clone());
            prop_assert_eq!(merge_texts(base, base, ours), clean.clone());
            prop_assert_eq!(merge_texts(base, ours, ours), clean);
        }
    }

    #[test]
    fn a_conflict_shows_all_three() {
        let merged = merge_texts(b"a\nport 1\n", b"a\nport 2\n", b"a\nport 3\n");
        let Text::Marked(text) = merged else {
            panic!("{merged:?}");
        };
        let text = String::from_utf8(text).unwrap();
        for part in [
            "<<<<<<< ", "port 2", "||||||| ", "port 1", "=======", "port 3", ">>>>>>> ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(marker(text.as_bytes()), Some(2));
        assert_eq!(marker(b"a\n=======\n<<<<<<<x\n"), None);
    }

    #[test]
    fn what_has_no_lines_is_no_text() {
        assert!(is_text(b"caf\xe9\r\n\x1b"));
        assert!(!is_text(b"a\0b"));
        let longest = vec![b'x'; usize::try_from(MAX_TEXT).unwrap()];
        assert!(is_text(&longest));
        assert!(!is_text(&[longest, vec![b'x']].concat()));
    }

    #[test]
    fn the_longest_texts_that_differ_everywhere_are_merged_in_time() {
        let lines = |tag: &str| -> String {
            let lines: Vec<_> = (0..20_000)
                .map(|n| format!("{tag} {n} of many\n"))
                .collect();
            lines.concat()
        };
        let (base, ours, theirs) = (lines("base"), lines("ours"), lines("theirs"));
        let begun = std::time::Instant::now();
        let merged = merge_texts(base.as_bytes(), ours.as_bytes(), theirs.as_bytes());
        assert!(matches!(merged, Text::Marked(_)));
        assert!(
            begun.elapsed() < std::time::Duration::from_mins(10),
            "{:?}",
            begun.elapsed()
        );
    }
}
