//! `isi upgrade catalog` `remove`, `clean`, `pin`, `unpin` and `history`.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Place, Run};

fn with_one() -> (Place, String) {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.catalog(&["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    (place, id)
}

/// Answers the question of a command on a terminal.
fn answered(place: &Place, arguments: &str, answer: &str) -> Run {
    let command = format!(
        "{} --home home upgrade catalog {arguments}",
        env!("CARGO_BIN_EXE_isi")
    );
    // What is typed would be shown wherever the output is just then.
    let arguments = ["--echo", "never", "-qec", &command, "/dev/null"];
    let mut command = place.command("script", &arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    place.finished(&output)
}

#[test]
fn remove_asks_on_a_terminal_and_only_a_yes_removes() {
    let (place, id) = with_one();
    let remove = format!("remove --id {}", &id[..5]);
    let question = "This will remove the specified artifact and all related metadata.\r\n\
        Are you sure? (yes/[no]): ";
    for (answer, code) in [("no\n", 1), ("\n", 1), ("y\n", 1), ("yes\n", 0)] {
        let run = answered(&place, &remove, answer);
        assert_eq!(run.code, Some(code), "{}", run.text());
        assert!(run.stdout.contains(question), "{:?}", run.stdout);
        assert_eq!(run.stdout.contains("E_CONFIRM"), code == 1);
        let total = place
            .catalog(&["list", "--format", "json"])
            .succeeded()
            .json();
        assert_eq!(total["total"], u64::from(code == 1), "{answer:?}");
    }
    // What cannot be removed is not asked about.
    let again = answered(&place, &remove, "yes\n");
    assert!(!again.stdout.contains("Are you sure"), "{}", again.text());
    assert!(again.stdout.contains("E_UNKNOWN_ID"), "{}", again.text());
}

#[test]
fn off_a_terminal_force_answers_and_a_dry_run_says_what_it_then_does() {
    let (place, id) = with_one();
    std::fs::write(place.path("home/catalog/incoming/stray"), b"x").unwrap();
    for (command, path) in [
        (vec!["remove", "--id", &id[..5]], "home/catalog/artifacts"),
        (vec!["clean"], "home/catalog/incoming"),
    ] {
        let run = |more: &[&str]| place.catalog(&[&command[..], more].concat());
        let refused = run(&[]);
        assert_eq!(refused.code, Some(1));
        for part in ["code: E_CONFIRM", "--force", "question: This will remove"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
        let mut plan = run(&["--dry-run", "--format", "json"]).succeeded().json();
        assert_eq!(place.names(path).len(), 1);
        let done = run(&["--force", "--format", "json"]).succeeded().json();
        assert_eq!(place.names(path).len(), 0);
        assert_eq!(
            (&plan["dry_run"], &done["dry_run"]),
            (&true.into(), &false.into())
        );
        plan["dry_run"] = false.into();
        assert_eq!(plan, done);
        assert_eq!(done["total"], 1);
    }
}

#[test]
fn a_pinned_package_stays_whatever_force_says() {
    let (place, id) = with_one();
    let short = &id[..5];
    let pin = ["pin", "--id", short, "--reason", "rack 2"];
    place.catalog(&pin).succeeded();
    let again = place
        .catalog(&[&pin[..], &["--format", "json"]].concat())
        .succeeded()
        .json();
    assert_eq!(again["changed"], false);
    assert_eq!(again["references"][0]["kind"], "pin");
    for more in [&["--force"][..], &["--dry-run"]] {
        let refused = place.catalog(&[&["remove", "--id", short], more].concat());
        assert_eq!(refused.code, Some(1));
        for part in ["pin of uid ", ": rack 2", "E_REFERENCED", "catalog unpin"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
    }
    let nobody = ["unpin", "--id", short, "--holder", "x", "--reason", "y"];
    let refused = place.catalog(&nobody);
    assert!(
        refused.stderr.contains("E_NOT_REFERENCED"),
        "{}",
        refused.stderr
    );
    place
        .catalog(&["unpin", "--id", short, "--reason", "done"])
        .succeeded();
    place
        .catalog(&["remove", "--id", short, "--force"])
        .succeeded();
}

#[test]
fn history_tells_everything_and_follows_its_chain() {
    let (place, id) = with_one();
    let short = &id[..5];
    for change in [
        &["pin", "--id", short, "--reason", "\u{1b}[2J"][..],
        &["unpin", "--id", short, "--reason", "done"],
        &["remove", "--id", short, "--force"],
    ] {
        place.catalog(change).succeeded();
    }
    let kinds = |more: &[&str]| {
        let arguments = [&["history", "--format", "json"], more].concat();
        let json = place.catalog(&arguments).succeeded().json();
        assert_eq!(json["total"], 4);
        let items = json["items"].as_array().unwrap().iter();
        let kinds: Vec<_> = items
            .map(|item| item["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.join(" ")
    };
    assert_eq!(kinds(&[]), "import pin unpin remove");
    assert_eq!(kinds(&["--limit", "2"]), "unpin remove");
    assert_eq!(kinds(&["--kind", "pin"]), "pin");
    let refused = place.catalog(&["history", "--kind", "pinned"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("similar value exists: 'pin'"),
        "{}",
        refused.stderr
    );
    assert_eq!(kinds(&["--id", short]), "import pin unpin remove");
    let unknown = if id.starts_with("000") { "fff" } else { "000" };
    assert_eq!(kinds(&["--id", unknown]), "");
    assert_eq!(
        kinds(&["--since", "2001-01-01T00:00:00Z", "--limit", "1"]),
        "remove"
    );
    assert_eq!(kinds(&["--since", "2200-01-01T00:00:00Z"]), "");
    let table = place.catalog(&["history", "--verify"]).succeeded();
    assert!(table.stdout.contains("Total: 4"), "{}", table.stdout);
    assert!(
        table.stdout.contains("uid 0 \\u{1b}[2J"),
        "{}",
        table.stdout
    );
    assert!(table.stderr.contains("4 events"), "{}", table.stderr);
    let whole = place.read("home/catalog/events.jsonl");
    let mirror = whole.clone();
    let mirror = String::from_utf8(mirror).unwrap().replace("done", "gone");
    place.write("home/catalog/events.jsonl", mirror);
    let found = place.catalog(&["history", "--verify"]);
    assert_eq!(found.code, Some(3), "{}", found.text());
    assert!(
        found.stderr.contains("line 3 of events.jsonl"),
        "{}",
        found.stderr
    );
    // The remedy it names.
    assert!(
        found.stderr.contains("hint: `isi upgrade catalog repair`"),
        "{}",
        found.stderr
    );
    std::fs::remove_file(place.path("home/catalog/events.jsonl")).unwrap();
    place.signed("y.isi");
    place.catalog(&["import", "y.isi"]).succeeded();
    place.catalog(&["history", "--verify"]).succeeded();
    assert!(place.read("home/catalog/events.jsonl").starts_with(&whole));
}
