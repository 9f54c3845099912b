use std::collections::HashMap;

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::super::testing::{artifact, catalog, id, verdict};
use super::*;
use crate::catalog::Access;
use crate::catalog::database::insert_artifact;
use crate::progress::Silent;
use crate::release::PackageType;

fn short_ids(digits: &[&str]) -> Vec<String> {
    let artifacts: Vec<_> = digits.iter().map(|digits| artifact(digits)).collect();
    let (_home, mut catalog) = catalog(&artifacts);
    let page = catalog.list(&ListRequest::default()).unwrap();
    let listed: Vec<_> = page
        .items
        .iter()
        .map(|item| item.short_id.clone())
        .collect();
    // Three ways to the same answer.
    let ids: HashMap<_, _> = catalog.ids().unwrap().into_iter().collect();
    for item in &page.items {
        assert_eq!(ids[&item.artifact.id], item.short_id);
        assert_eq!(catalog.short_id(&item.artifact.id).unwrap(), item.short_id);
        assert_eq!(catalog.listed(&item.artifact.id).unwrap(), *item);
    }
    listed
}

#[test]
fn shown_ids_have_five_digits_or_as_many_as_it_takes() {
    assert_eq!(short_ids(&["cdb88"]), ["cdb88"]);
    assert_eq!(short_ids(&["cdb88", "cdb89"]), ["cdb88", "cdb89"]);
    assert_eq!(
        short_ids(&["abcde1", "abcde2", "abcde21", "b"]),
        ["abcde1", "abcde20", "abcde21", "b0000"]
    );
    let (left, right) = ("f".repeat(64), format!("{}e", "f".repeat(63)));
    assert_eq!(short_ids(&[&left, &right]), [left.clone(), right.clone()]);
}

#[test]
fn a_page_is_part_of_the_whole_and_knows_its_size() {
    let artifacts: Vec<_> = (10..35)
        .map(|number| artifact(&number.to_string()))
        .collect();
    let (_home, mut catalog) = catalog(&artifacts);
    let whole = catalog.list(&ListRequest::default()).unwrap();
    assert_eq!((whole.total, whole.items.len()), (25, 25));
    let mut pages = Vec::new();
    for offset in [0, 10, 20, 30] {
        let request = ListRequest {
            limit: Some(10),
            offset,
            ..ListRequest::default()
        };
        let page = catalog.list(&request).unwrap();
        assert_eq!(page.total, 25);
        pages.extend(page.items);
    }
    assert_eq!(pages, whole.items);
    let none = ListRequest {
        limit: Some(0),
        ..ListRequest::default()
    };
    assert_eq!(catalog.list(&none).unwrap().items, []);
    let past = ListRequest {
        offset: u64::MAX,
        limit: Some(u64::MAX),
        ..ListRequest::default()
    };
    assert_eq!(catalog.list(&past).unwrap().items, []);
}

#[test]
fn orders_are_total_and_can_be_turned_round() {
    let one = |digits, name: &str, version: &str, kind, size, second| Artifact {
        name: name.to_owned(),
        version: version.parse().unwrap(),
        package_type: kind,
        size,
        imported_at: Timestamp::from_second(second).unwrap(),
        ..artifact(digits)
    };
    let (_home, mut catalog) = catalog(&[
        one("a", "b", "9.10", PackageType::Patch, 3, 50),
        one("b", "b", "9.4", PackageType::Onefs, 2, 30),
        one("c", "a", "9.4-rc.1", PackageType::Dsp, 1, 40),
    ]);
    for (order, expected) in [
        (Order::Imported, "bca"),
        (Order::Name, "cba"),
        (Order::Type, "cba"),
        (Order::Version, "cba"),
        (Order::Id, "abc"),
        (Order::Size, "cba"),
    ] {
        let mut request = ListRequest {
            order,
            ..ListRequest::default()
        };
        let mut shown = |request: &ListRequest| -> String {
            let page = catalog.list(request).unwrap();
            page.items
                .iter()
                .map(|item| item.short_id.first_digit())
                .collect()
        };
        assert_eq!(shown(&request), expected, "{order:?}");
        request.descending = true;
        let turned: String = expected.chars().rev().collect();
        assert_eq!(shown(&request), turned, "{order:?}");
    }
}

#[test]
fn a_type_can_be_asked_for_and_the_signers_come_along() {
    let patch = Artifact {
        package_type: PackageType::Patch,
        ..artifact("a")
    };
    let (_home, mut catalog) = catalog(&[patch.clone(), artifact("b")]);
    let request = ListRequest {
        package_type: Some(PackageType::Patch),
        ..ListRequest::default()
    };
    let page = catalog.list(&request).unwrap();
    assert_eq!(page.total, 1);
    assert_eq!(page.items[0].artifact, patch);
    let names: Vec<_> = page.items[0]
        .signers
        .iter()
        .map(|signer| &*signer.subject)
        .collect();
    assert_eq!(names, ["CN=release", "CN=approval"]);
    let whole = catalog.list(&ListRequest::default()).unwrap();
    assert_eq!(whole.items[0].signers, page.items[0].signers);
    assert_eq!(whole.items[1].artifact.id, id("b"));
}

/// First letter of a short ID, to write orders as words.
trait First {
    fn first_digit(&self) -> char;
}

impl First for String {
    fn first_digit(&self) -> char {
        self.chars().next().unwrap()
    }
}

/// The first digits of what a request lets through, in its order.
fn shown(catalog: &mut Catalog, request: &ListRequest) -> String {
    let page = catalog.list(request).unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    let ids = page.items.iter();
    ids.map(|item| item.short_id.first_digit()).collect()
}

#[test]
fn a_small_part_and_the_whole_say_the_same_of_each_artifact() {
    let artifacts: Vec<_> = (100..180)
        .map(|number| artifact(&format!("abcde{number}")))
        .collect();
    let (_home, mut catalog) = catalog(&artifacts);
    let whole = catalog.list(&ListRequest::default()).unwrap().items;
    for (offset, expected) in (0..).zip(&whole) {
        let request = ListRequest {
            limit: Some(1),
            offset,
            ..ListRequest::default()
        };
        // One of eighty is looked up, all eighty are read in one pass.
        assert_eq!(
            catalog.list(&request).unwrap().items,
            std::slice::from_ref(expected)
        );
    }
}

#[test]
fn gaps_between_the_rows_change_nothing() {
    let (_home, mut catalog) = catalog(&["a", "b", "c", "d", "e", "f"].map(artifact));
    let removed = catalog.database.write("test", |transaction| {
        transaction.execute("DELETE FROM artifact WHERE rowid IN (1, 4)", [])
    });
    assert_eq!(removed.unwrap(), 2);
    let mut request = ListRequest::default();
    assert_eq!(shown(&mut catalog, &request), "bcef");
    request.descending = true;
    assert_eq!(shown(&mut catalog, &request), "fecb");
}

/// The answer of [`Catalog::stale`] for a trust whose fingerprint is 32 times 5, on a day that began at 1000.
fn stale(catalog: &mut Catalog, request: &ListRequest) -> String {
    let trust = Sha256Digest::from_bytes([5; 32]);
    let yesterday = Timestamp::from_second(1000).unwrap();
    let found = catalog.stale(request, &trust, yesterday).unwrap();
    let ids = found.iter().map(ToString::to_string);
    ids.map(|id| id.first_digit()).collect()
}

#[test]
fn what_was_judged_under_another_trust_or_too_long_ago_is_stale() {
    let (_home, mut catalog) = catalog(&["a", "b", "c"].map(artifact));
    let judged_under = |byte: &str| format!("trust_state = x'{}'", byte.repeat(32));
    let fresh = judged_under("05") + ", signed_at = 0, checked_at = 1000000000";
    let set = |catalog: &mut Catalog, assignments: &str| {
        let statement = format!("UPDATE artifact SET {assignments}");
        let changed = (catalog.database).write("test", |database| database.execute(&statement, []));
        changed.unwrap();
    };
    let whole = ListRequest::default();
    let page = ListRequest {
        limit: Some(1),
        offset: 1,
        ..ListRequest::default()
    };
    for (why, now) in [
        ("trust_state = NULL".to_owned(), "b"),
        (judged_under("04"), "b"),
        (judged_under("06"), "b"),
        ("signed_at = NULL, checked_at = 999999999".to_owned(), "b"),
        ("signed_at = NULL".to_owned(), ""),
        ("checked_at = 0".to_owned(), ""),
    ] {
        set(&mut catalog, &fresh);
        assert_eq!(stale(&mut catalog, &whole), "");
        set(&mut catalog, &format!("{why} WHERE rowid = 2"));
        assert_eq!(stale(&mut catalog, &whole), now, "{why}");
        assert_eq!(stale(&mut catalog, &page), now, "{why}");
        let other = ListRequest {
            offset: 2,
            ..page.clone()
        };
        assert_eq!(stale(&mut catalog, &other), "", "{why}");
    }
}

#[test]
fn whether_anything_is_stale_is_asked_of_indexes_alone() {
    let (_home, mut catalog) = catalog(&[]);
    let plan = catalog.database.read("test", |transaction| {
        let mut explained = transaction.prepare(&format!("EXPLAIN QUERY PLAN {}", any_stale()))?;
        let steps = explained.query_map([vec![0; 32], vec![]], |row| row.get("detail"))?;
        steps.collect::<rusqlite::Result<Vec<String>>>()
    });
    let plan = plan.unwrap();
    let rows = plan.iter().filter(|step| step.contains("artifact"));
    let searched = rows
        .clone()
        .filter(|step| step.starts_with("SEARCH artifact USING"));
    assert_eq!((rows.count(), searched.count()), (4, 4), "{plan:?}");
}

#[test]
fn a_listing_that_nobody_takes_keeps_nobody_from_writing() {
    let many: Vec<_> = (0..1500).map(|n| artifact(&format!("{n:04}"))).collect();
    let (home, mut catalog) = catalog(&many);
    let mut other = Catalog::open(
        &home.path().join("catalog"),
        Access::Write,
        Duration::ZERO,
        &Silent,
    )
    .unwrap();
    let mut taken = Vec::new();
    let mut listing = catalog.listing(&ListRequest::default()).unwrap();
    assert_eq!(listing.total(), 1500);
    while let Some(batch) = listing.next_batch().unwrap() {
        if taken.is_empty() {
            // The last one goes, and its row number is given to another one at once.
            let changed = other.database.write("test", |transaction| {
                transaction.execute("DELETE FROM artifact WHERE rowid = 1500", [])?;
                insert_artifact(transaction, &artifact("ffff"), &verdict(&artifact("ffff")))
            });
            changed.unwrap();
        }
        taken.extend(batch.into_iter().map(|listed| listed.artifact.id));
    }
    let expected: Vec<_> = many[..1499].iter().map(|one| one.id).collect();
    assert!(taken == expected, "{}", taken.len());
}

#[test]
fn filters_by_name_version_signer_and_reference() {
    let one = |digits, name: &str, version: &str| Artifact {
        name: name.to_owned(),
        version: version.parse().unwrap(),
        ..artifact(digits)
    };
    let (_home, mut catalog) = catalog(&[
        one("a", "OneFS", "9.4"),
        one("b", "OneFS-patch", "9.10.1"),
        one("c", "firmware", "9.10-rc.1"),
    ]);
    let requests = |change: &dyn Fn(&mut ListRequest)| {
        let mut request = ListRequest::default();
        change(&mut request);
        request
    };
    for (pattern, expected) in [
        ("OneFS", "a"),
        ("OneFS*", "ab"),
        ("onefs", ""),
        ("?irmware", "c"),
        ("[a-z]*", "c"),
        ("*", "abc"),
        ("'; DROP TABLE artifact; --", ""),
    ] {
        let request = requests(&|request| request.name = Some(pattern.to_owned()));
        assert_eq!(shown(&mut catalog, &request), expected, "{pattern}");
    }
    for (range, expected) in [
        ("=9.4.0", "a"),
        (">9.4", "bc"),
        (">=9.10", "b"),
        ("<9.10", "ac"),
        (">=9.4, <9.10.1, !=9.4", "c"),
        ("*", "abc"),
    ] {
        let request = requests(&|request| request.versions = range.parse().unwrap());
        assert_eq!(shown(&mut catalog, &request), expected, "{range}");
    }
    catalog
        .database
        .write("test", |transaction| {
            let mut insert = transaction.prepare("INSERT INTO reference VALUES (?, ?, ?, ?, 0)")?;
            for (digits, kind, holder) in [
                ("a", "pin", "alice"),
                ("a", "committed-image", "cluster"),
                ("b", "pin", "bob"),
            ] {
                insert.execute(params![blob(&id(digits).digest()), kind, holder, "why"])?;
            }
            let change = "UPDATE signer SET identity = 'Vendor-B' WHERE artifact = ?";
            transaction.execute(change, [blob(&id("c").digest())])
        })
        .unwrap();
    for (text, expected) in [("pin", "ab"), ("bob", "b"), ("cluster", "a"), ("bo", "")] {
        let request = requests(&|request| request.reference = Some(text.to_owned()));
        assert_eq!(shown(&mut catalog, &request), expected, "{text}");
    }
    for (text, expected) in [
        ("vendor-b", "c"),
        ("RELEASE", "abc"),
        ("cn=appro", "abc"),
        ("nobody", ""),
        ("%", ""),
    ] {
        let request = requests(&|request| request.signer = Some(text.to_owned()));
        assert_eq!(shown(&mut catalog, &request), expected, "{text}");
    }
    let both = requests(&|request| {
        request.reference = Some("pin".to_owned());
        request.name = Some("*-patch".to_owned());
    });
    assert_eq!(shown(&mut catalog, &both), "b");
    let references = catalog.listed(&id("a")).unwrap().references;
    let kinds: Vec<_> = references.iter().map(|found| &*found.kind).collect();
    assert_eq!(kinds, ["committed-image", "pin"]);
    let page = catalog.list(&ListRequest::default()).unwrap();
    assert_eq!(page.items[0].references, references);
    assert_eq!(page.items[2].references, []);
}
