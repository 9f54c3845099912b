use std::fs;
use std::path::Path;

use super::*;
use crate::fsio::Dir;
use crate::upgrade::testing::{a_plan, now};
use crate::upgrade::{Action, Step};

fn journals(path: &Path) -> Journals {
    Journals::new(Dir::open(path).unwrap())
}

fn begin(step: Step) -> Entry {
    let action = Action::Upgrade;
    Entry::Begin { action, step }
}

fn end() -> Entry {
    Entry::End {
        outcome: Outcome::Committed,
    }
}

#[test]
fn what_is_written_is_read_in_its_order() {
    let home = tempfile::tempdir().unwrap();
    let journals = journals(home.path());
    assert!(journals.read().unwrap().is_none());
    assert!(journals.open().unwrap().is_none());
    let mut journal = journals.begin(a_plan(), now(), "a").unwrap();
    journal.append(now(), "b", begin(Step::Hold)).unwrap();
    let mut again = journals.open().unwrap().unwrap();
    assert_eq!(again.records(), journal.records());
    again.append(now(), "c", end()).unwrap();
    let read = journals.read().unwrap().unwrap();
    assert_eq!(read, again.records());
    let actors: Vec<_> = read.iter().map(|record| record.actor.as_str()).collect();
    assert_eq!(actors, ["a", "b", "c"]);
}

#[test]
fn a_line_that_was_interrupted_counts_as_not_written_wherever_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.jsonl");
    let journals = journals(home.path());
    let mut journal = journals.begin(a_plan(), now(), "a").unwrap();
    journal.append(now(), "a", begin(Step::Hold)).unwrap();
    let sound = fs::read(&path).unwrap();
    journal.append(now(), "a", begin(Step::Create)).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut torn: Vec<Vec<u8>> = (sound.len()..whole.len())
        .map(|end| whole[..end].to_vec())
        .collect();
    // What a power cut may leave of a line whose length was on disk before its content.
    torn.push([&sound[..], &vec![0; whole.len() - sound.len()]].concat());
    torn.push([&sound[..], b"{\"record\":\"later\"}\n"].concat());
    for bytes in torn {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(journals.read().unwrap().unwrap().len(), 2);
        let mut opened = journals.open().unwrap().unwrap();
        assert_eq!(fs::read(&path).unwrap(), sound);
        opened.append(now(), "a", begin(Step::Create)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn damage_before_the_last_line_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.jsonl");
    let journals = journals(home.path());
    let mut journal = journals.begin(a_plan(), now(), "a").unwrap();
    journal.append(now(), "a", begin(Step::Hold)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    for bad in [
        format!("{first}\nx\n{second}"),
        format!("{second}{first}\n"),
        format!(
            "{}\n{second}",
            first.replace("\"schema\":1", "\"schema\":2")
        ),
        first.to_owned(),
        String::new(),
        "\n".to_owned(),
    ] {
        fs::write(&path, &bad).unwrap();
        for error in [
            journals.read().unwrap_err(),
            journals.open().unwrap_err(),
            journals.archive().unwrap_err(),
        ] {
            assert_eq!(error.code(), "E_JOURNAL", "{bad:?}");
            assert!(error.hint().is_some());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
}

#[test]
fn a_journal_is_bounded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.jsonl");
    let file = File::create(&path).unwrap();
    for (length, code) in [(MAX_JOURNAL, "E_JOURNAL"), (MAX_JOURNAL + 1, "E_TOO_LARGE")] {
        file.set_len(length).unwrap();
        let error = journals(home.path()).read().unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[test]
fn ended_journals_are_archived_and_counted() {
    let home = tempfile::tempdir().unwrap();
    let journals = journals(home.path());
    assert_eq!(journals.archive().unwrap(), None);
    for count in 1..=3 {
        let mut journal = journals.begin(a_plan(), now(), "a").unwrap();
        assert_eq!(number(journal.records()), Some(count));
        journal.append(now(), "a", end()).unwrap();
    }
    assert_eq!(journals.archive().unwrap(), Some(3));
    assert!(journals.read().unwrap().is_none());
    let archived = journals.archived().unwrap();
    let numbers: Vec<_> = archived.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(
        archived
            .iter()
            .all(|one| one.records.as_ref().unwrap().len() == 2)
    );
    let journal = journals.begin(a_plan(), now(), "a").unwrap();
    assert_eq!(number(journal.records()), Some(4));
}

#[test]
fn what_an_interrupted_begin_left_is_in_nobodys_way() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".journal.jsonl.new"), "{").unwrap();
    let journals = journals(home.path());
    assert!(journals.read().unwrap().is_none());
    journals.ask_pause().unwrap();
    journals.begin(a_plan(), now(), "a").unwrap();
    assert!(!journals.is_pause_asked().unwrap());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}
