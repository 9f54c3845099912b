//! The service: what front ends see.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use isi_catalog::digest::IdPrefix;
use isi_catalog::fsio::OnExisting;
use isi_catalog::progress::{Progress, Silent};
use isi_catalog::service::{
    Call, Depth, Event, ExportRequest, ExportTarget, ImportReply, ImportRequest, Item, ListRequest,
    Local, Management as _, Observer, OneOf, Outcome, PackageFile, Paths, PinRequest,
    RemoveRequest, RepairRequest, Selection, ServiceError, State, VerifiedItem, VerifyRequest,
};
use jiff::Timestamp;

use crate::world::{Bench, Kit, World, now, tree, world};

fn local(bench: &Bench, world: &World) -> Local {
    let paths = Paths {
        catalog: bench.root(),
        trust: world.paths.clone(),
        system: bench.path("system"),
        jails: BTreeMap::new(),
    };
    Local::new(paths, Duration::from_secs(20))
}

fn call() -> Call<'static> {
    Call {
        now: now(),
        actor: "operator",
        observer: &Silent,
    }
}

fn import(local: &Local, path: &Path) -> Result<ImportReply, ServiceError> {
    let request = ImportRequest {
        package: PackageFile::open(path)?.into(),
        allow_unsigned: None,
    };
    local.import(request, &call())
}

/// A reply with the items that were told of.
struct Checked {
    total: u64,
    problems: u64,
    items: Vec<VerifiedItem>,
}

fn verify(local: &Local, selection: Selection) -> Result<Checked, ServiceError> {
    let request = VerifyRequest {
        selection,
        depth: Depth::Full,
        allow_unsigned: None,
    };
    let listener = Listener::default();
    let watched = Call {
        observer: &listener,
        ..call()
    };
    let reply = local.verify(&request, &watched)?;
    Ok(Checked {
        total: reply.total,
        problems: reply.problems,
        items: listener.verified.into_inner().unwrap(),
    })
}

fn file(path: &Path) -> OneOf {
    OneOf::File(PackageFile::open(path).unwrap())
}

#[test]
fn files_are_verified_and_read_without_a_catalog() {
    let bench = Bench::new();
    let path = bench.package(Kit::default());
    let local = local(&bench, world());
    let reply = verify(&local, Selection::One(file(&path))).unwrap();
    assert_eq!((reply.total, reply.problems), (1, 0));
    let item = &reply.items[0];
    assert_eq!(item.item, path.display().to_string());
    assert_eq!((item.accepted, item.state), (true, State::Verified));
    assert!(item.verdict.as_ref().unwrap().verified);
    let readme = local.readme(&file(&path), &call()).unwrap();
    assert_eq!(readme.readme.as_deref(), Some("Read me.\n"));
    assert!(!bench.root().exists());
}

#[test]
fn a_file_that_is_not_accepted_is_a_finding_and_its_readme_is_refused() {
    let bench = Bench::new();
    let sibling = world().make(&bench.path("s.isi"), Kit::default(), Some("sibling"));
    let damaged = bench.package(Kit::default());
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let text = bench.path("text");
    std::fs::write(&text, b"no package").unwrap();
    let local = local(&bench, world());
    for (path, state) in [
        (&sibling, State::Untrusted),
        (&damaged, State::Corrupt),
        (&text, State::Corrupt),
    ] {
        let reply = verify(&local, Selection::One(file(path))).unwrap();
        assert_eq!((reply.total, reply.problems), (1, 1));
        let item = &reply.items[0];
        assert_eq!((item.accepted, item.state), (false, state), "{item:?}");
        assert!(item.code.is_some() && item.detail.is_some() && item.verdict.is_some());
        let error = local.readme(&file(path), &call()).unwrap_err();
        assert_eq!(Some(error.code()), item.code.as_deref());
        assert!(error.verdict().is_some());
    }
    let error = PackageFile::open(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.code(), "E_NOT_REGULAR");
}

/// Remembers what it was told.
#[derive(Default)]
struct Listener {
    verified: Mutex<Vec<VerifiedItem>>,
    listed: Mutex<Vec<Item>>,
    /// Codes of the warnings.
    warnings: Mutex<Vec<String>>,
    /// Stops the work when this many items were listed.
    enough: Option<usize>,
}

impl Progress for Listener {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {}

    fn cancelled(&self) -> bool {
        let listed = self.listed.lock().unwrap().len();
        self.enough.is_some_and(|enough| listed >= enough)
    }
}

impl Observer for Listener {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Verified(item) => self.verified.lock().unwrap().push((*item).clone()),
            Event::Listed(item) => self.listed.lock().unwrap().push((*item).clone()),
            Event::Warning { code, .. } => self.warnings.lock().unwrap().push((*code).to_owned()),
            _ => {}
        }
    }
}

#[test]
fn the_main_job_goes_through_the_service() {
    let bench = Bench::new();
    let service = local(&bench, world());
    let first = bench.package(Kit::named("first"));
    let second = bench.package(Kit::named("second"));
    let imported = import(&service, &first).unwrap();
    assert_eq!((imported.schema, imported.outcome), (1, Outcome::Added));
    assert!(imported.verdict.verified);
    import(&service, &second).unwrap();
    assert_eq!(
        import(&service, &first).unwrap().outcome,
        Outcome::AlreadyPresent
    );

    let listener = Listener::default();
    let watched = Call {
        observer: &listener,
        ..call()
    };
    let list = service.list(&ListRequest::default(), &watched).unwrap();
    assert_eq!((list.schema, list.total, list.listed), (1, 2, 2));
    let items = listener.listed.into_inner().unwrap();
    assert_eq!((items.len(), &items[0]), (2, &imported.item));

    let verified = verify(&service, Selection::All).unwrap();
    assert_eq!((verified.total, verified.problems), (2, 0));
    let mut ids: Vec<_> = items.iter().map(|item| Some(item.id)).collect();
    ids.sort();
    assert!(verified.items.iter().map(|item| item.id).eq(ids));

    let prefix = imported.item.short_id.parse().unwrap();
    let one = verify(&service, Selection::One(OneOf::Id(prefix))).unwrap();
    assert_eq!(one.items[0].item, imported.item.short_id);
    assert_eq!(one.items[0].id, Some(imported.item.id));
    // As short as it may be and still name one of the two.
    let [id, other] = [0, 1].map(|index| items[index].id.to_string());
    let length = (3..64).find(|&length| id[..length] != other[..length]);
    let prefix = id[..length.unwrap()].parse().unwrap();
    let readme = service.readme(&OneOf::Id(prefix), &call()).unwrap();
    assert_eq!(readme.readme.as_deref(), Some("Read me.\n"));
    assert_eq!(readme.item, imported.item.short_id);

    let target = bench.path("out.isi");
    let request = ExportRequest {
        id: imported.item.id.to_string().parse().unwrap(),
        target: ExportTarget::File(target.clone()),
        on_existing: OnExisting::Refuse,
        side_file: true,
        override_reason: None,
    };
    let exported = service.export(&request, &call()).unwrap();
    assert_eq!(exported.side_file, Some(bench.path("out.isi.sha256")));
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(&first).unwrap()
    );
    let error = service.export(&request, &call()).unwrap_err();
    assert_eq!(error.code(), "E_EXISTS");
}

#[test]
fn a_listing_can_be_stopped() {
    let bench = Bench::new();
    let service = local(&bench, world());
    for name in ["first", "second"] {
        import(&service, &bench.package(Kit::named(name))).unwrap();
    }
    let listener = Listener {
        enough: Some(1),
        ..Listener::default()
    };
    let watched = Call {
        observer: &listener,
        ..call()
    };
    let error = service.list(&ListRequest::default(), &watched).unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(listener.listed.into_inner().unwrap().len(), 1);
}

#[test]
fn damage_in_the_catalog_is_a_finding_among_others() {
    let bench = Bench::new();
    let service = local(&bench, world());
    let good = import(&service, &bench.package(Kit::named("good"))).unwrap();
    let bad = import(&service, &bench.package(Kit::named("bad"))).unwrap();
    std::fs::remove_file(bench.artifact(&bad.item.id)).unwrap();
    let reply = verify(&service, Selection::All).unwrap();
    assert_eq!((reply.total, reply.problems), (2, 1));
    for item in reply.items {
        let expected = if item.id == Some(good.item.id) {
            State::Verified
        } else {
            State::Missing
        };
        assert_eq!(item.state, expected);
    }
}

#[test]
fn refusals_carry_codes_hints_and_verdicts_and_change_nothing() {
    let bench = Bench::new();
    let service = local(&bench, world());
    let error = service.list(&ListRequest::default(), &call()).unwrap_err();
    assert_eq!(error.code(), "E_NO_CATALOG");
    assert!(error.hint().unwrap().contains("import"));
    let imported = import(&service, &bench.package(Kit::default())).unwrap();
    let before = tree(&bench.root());
    let id = imported.item.id.to_string();
    let unknown = if id.starts_with("fff") { "eee" } else { "fff" };
    let unknown = OneOf::Id(unknown.parse().unwrap());
    let error = service.readme(&unknown, &call()).unwrap_err();
    assert_eq!(error.code(), "E_UNKNOWN_ID");
    let bare = world().make(&bench.path("bare.isi"), Kit::named("bare"), None);
    let error = import(&service, &bare).unwrap_err();
    assert_eq!(error.code(), "E_UNSIGNED");
    assert!(error.verdict().is_some() && !error.is_cancelled());
    let after = tree(&bench.root());
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let nowhere = Paths {
        catalog: bench.root(),
        trust: isi_catalog::trust::TrustPaths {
            certs: bench.path("nothing"),
            ..world().paths.clone()
        },
        system: bench.path("system"),
        jails: BTreeMap::new(),
    };
    let nowhere = Local::new(nowhere, Duration::ZERO);
    let error = import(&nowhere, &bare).unwrap_err();
    assert!(matches!(error, ServiceError::Trust(_)), "{error}");
}

#[test]
fn a_clock_that_cannot_be_right_neither_judges_nor_dates_anything() {
    let bench = Bench::new();
    let service = local(&bench, world());
    let imported = import(&service, &bench.package(Kit::default())).unwrap();
    let id: IdPrefix = imported.item.id.to_string().parse().unwrap();
    let before = tree(&bench.root());
    let listener = Listener::default();
    let early = Call {
        now: Timestamp::from_second(1_577_836_799).unwrap(),
        observer: &listener,
        ..call()
    };
    let reason = "why".to_owned();
    let refused = [
        service
            .verify(
                &VerifyRequest {
                    selection: Selection::All,
                    depth: Depth::Metadata,
                    allow_unsigned: None,
                },
                &early,
            )
            .map(drop),
        service
            .remove(
                &RemoveRequest {
                    ids: vec![id.clone()],
                    dry_run: false,
                },
                &early,
            )
            .map(drop),
        service
            .pin(
                &PinRequest {
                    id: id.clone(),
                    reason,
                },
                &early,
            )
            .map(drop),
        service.repair(&RepairRequest::default(), &early).map(drop),
        service
            .export(
                &ExportRequest {
                    id,
                    target: ExportTarget::File(bench.path("out.isi")),
                    on_existing: OnExisting::Refuse,
                    side_file: true,
                    override_reason: None,
                },
                &early,
            )
            .map(drop),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().code(), "E_CLOCK");
    }
    // A list is of use all the same, with the states on record and a word about it.
    service.list(&ListRequest::default(), &early).unwrap();
    let listed = listener.listed.into_inner().unwrap();
    assert_eq!(listed[0].state, State::Verified);
    assert_eq!(*listener.warnings.lock().unwrap(), ["E_CLOCK"]);
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn replies_are_json_with_stable_names() {
    let bench = Bench::new();
    let service = local(&bench, world());
    let imported = import(&service, &bench.package(Kit::default())).unwrap();
    let json = serde_json::to_value(&imported).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["outcome"], "added");
    assert_eq!(json["item"]["type"], "onefs");
    assert_eq!(json["item"]["state"], "verified");
    assert_eq!(json["item"]["imported_at"], "2026-11-01T12:00:00Z");
    assert_eq!(json["item"]["signers"][0]["identity"], "release");
    assert_eq!(json["verdict"]["schema"], 1);
    let again: ImportReply = serde_json::from_value(json).unwrap();
    assert_eq!(again, imported);
    let names: Vec<_> = serde_json::to_value(&imported.item)
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names.len(), 23, "{names:?}");
}
