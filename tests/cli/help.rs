//! The whole reference of the command lines.

use crate::support::{Place, compare};

/// Help of a command and all below it, by asking the tool for its commands.
fn reference(place: &Place, tool: &str, command: &[&str], text: &mut String) {
    reference_at(None, place, tool, command, text);
}

/// The same on a terminal of so many columns.
fn reference_at(
    columns: Option<usize>,
    place: &Place,
    tool: &str,
    command: &[&str],
    text: &mut String,
) {
    let mut asked = place.command(tool, &[command, &["--help"]].concat());
    if let Some(columns) = columns {
        asked.env("COLUMNS", columns.to_string());
    }
    let run = place.finished(&asked.output().unwrap()).succeeded();
    assert_eq!(run.stderr, "");
    let title = command.join(" ");
    text.extend(["## ", tool, " ", &title, "\n\n", &run.stdout, "\n"]);
    let commands = run.stdout.lines().skip_while(|line| *line != "Commands:");
    for line in commands.skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
            reference_at(columns, place, tool, &[command, &[name]].concat(), text);
        }
    }
}

struct Text(String);

impl Text {
    fn text(&self) -> &str {
        &self.0
    }
}

#[test]
fn isi() {
    let mut text = String::new();
    reference(&Place::new(), "isi", &[], &mut text);
    compare!(Text(text));
}

#[test]
fn isi_packager() {
    let mut text = String::new();
    reference(&Place::new(), "isi_packager", &[], &mut text);
    compare!(Text(text));
}

#[test]
fn every_command_has_examples_and_fits_100_columns() {
    for tool in ["isi", "isi_packager"] {
        let mut text = String::new();
        reference(&Place::new(), tool, &[], &mut text);
        for section in text.split("\n## ") {
            let title = section.lines().next().unwrap();
            assert!(section.contains("\nExamples:\n"), "{title}");
            for line in section.lines() {
                assert!(line.chars().count() <= 100, "{title}: {line}");
            }
        }
    }
}

/// A line of a paragraph ends where the next word would not fit, and nowhere else.
#[test]
fn every_paragraph_is_wrapped_once_at_the_width_of_the_terminal() {
    for (tool, columns) in [
        ("isi", 100),
        ("isi", 80),
        ("isi_packager", 100),
        ("isi_packager", 80),
    ] {
        let mut text = String::new();
        reference_at(Some(columns), &Place::new(), tool, &[], &mut text);
        let lines: Vec<_> = text.lines().collect();
        let flows = |line: &str| !line.is_empty() && !line.starts_with([' ', '#']);
        let mut wrapped = 0;
        for pair in lines.windows(2) {
            let [line, next] = pair else { continue };
            if !flows(line) || !flows(next) {
                continue;
            }
            wrapped += 1;
            let word = next.split(' ').next().unwrap();
            let longer = line.chars().count() + 1 + word.chars().count();
            assert!(longer > columns, "{tool} at {columns}: {line:?} {next:?}");
        }
        assert!(wrapped > 5, "{tool} at {columns}: {wrapped}");
    }
}

#[test]
fn the_version_names_the_libraries_when_asked() {
    let place = Place::new();
    for tool in ["isi", "isi_packager"] {
        let short = place.run(tool, &["--version"]).succeeded();
        assert_eq!(
            short.stdout,
            format!("{tool} {}\n", env!("CARGO_PKG_VERSION"))
        );
        let long = place.run(tool, &["-vV"]).succeeded();
        assert!(
            long.stdout.contains("\nopenssl: OpenSSL 3."),
            "{}",
            long.stdout
        );
    }
}

#[test]
fn pages_and_completions_are_made_for_every_command() {
    let place = Place::new();
    for tool in ["isi", "isi_packager"] {
        place.run(tool, &["generate", "--man", "man"]).succeeded();
        for shell in ["bash", "zsh", "fish"] {
            let run = place
                .run(tool, &["generate", "--completion", shell])
                .succeeded();
            assert!(run.stdout.contains(tool), "{shell}");
        }
    }
    let pages = place.names("man");
    for page in ["isi.1", "isi_packager.1", "isi_packager-verify.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}: {pages:?}");
    }
    assert!(
        !pages.iter().any(|name| name.contains("generate")),
        "{pages:?}"
    );
}
