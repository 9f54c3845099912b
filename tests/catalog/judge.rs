//! Trust changes reach the catalog: listing and verifying judge anew, and record what they find.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use isi_catalog::digest::PackageId;
use isi_catalog::progress::Progress;
use isi_catalog::service::{
    Call, Depth, Event, ImportRequest, Item, ListReply, ListRequest, Local, Management as _,
    Observer, OneOf, PackageFile, PackageSource, Paths, Selection, State, VerifiedItem,
    VerifyReply, VerifyRequest,
};
use isi_catalog::trust::dev_pki::Revoked;
use jiff::{Timestamp, ToSpan as _};
use openssl::x509::X509;

use crate::place::Mounted;
use crate::world::{Bench, Kit, World, now};

/// What a call told.
#[derive(Default)]
struct Told {
    steps: Mutex<Vec<String>>,
    listed: Mutex<Vec<Item>>,
    verified: Mutex<Vec<VerifiedItem>>,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Told {
    fn begin(&self, name: &str, _total: u64) {
        self.steps.lock().unwrap().push(name.to_owned());
    }

    fn advance(&self, _bytes: u64) {}
}

impl Observer for Told {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Listed(item) => self.listed.lock().unwrap().push((*item).clone()),
            Event::Verified(item) => self.verified.lock().unwrap().push((*item).clone()),
            Event::Warning { code, .. } => self.warnings.lock().unwrap().push((*code).to_owned()),
            _ => {}
        }
    }
}

/// A catalog under the trust of one vendor.
struct Scene<'a> {
    bench: &'a Bench,
    world: &'a World,
    service: Local,
    now: Timestamp,
}

impl<'a> Scene<'a> {
    fn new(bench: &'a Bench, world: &'a World) -> Self {
        let paths = Paths {
            catalog: bench.root(),
            trust: world.paths.clone(),
            system: bench.path("system"),
            jails: BTreeMap::new(),
        };
        Self {
            bench,
            world,
            service: Local::new(paths, Duration::from_secs(20)),
            now: now(),
        }
    }

    fn call<'b>(&self, told: &'b Told) -> Call<'b> {
        Call {
            now: self.now,
            actor: "operator",
            observer: told,
        }
    }

    fn import(&self, name: &str) -> PackageId {
        let path = self.bench.path(&format!("{name}.isi"));
        self.world.make(&path, Kit::named(name), Some("signer"));
        self.import_file(&path)
    }

    fn import_file(&self, path: &Path) -> PackageId {
        let request = ImportRequest {
            package: PackageSource::File(PackageFile::open(path).unwrap()),
            allow_unsigned: None,
        };
        let reply = self.service.import(request, &self.call(&Told::default()));
        reply.unwrap().item.id
    }

    fn list(&self) -> (ListReply, Told) {
        let told = Told::default();
        let request = ListRequest::default();
        let reply = self.service.list(&request, &self.call(&told)).unwrap();
        (reply, told)
    }

    fn verify(&self, depth: Depth) -> (VerifyReply, Told) {
        let told = Told::default();
        let request = VerifyRequest {
            selection: Selection::All,
            depth,
            allow_unsigned: None,
        };
        let reply = self.service.verify(&request, &self.call(&told)).unwrap();
        (reply, told)
    }

    /// The one state that everything listed has, and its code.
    fn listed(&self) -> (State, Option<String>) {
        let (_, told) = self.list();
        let items = told.listed.into_inner().unwrap();
        let first = (items[0].state, items[0].state_code.clone());
        assert!(items.iter().all(|item| item.state == first.0));
        first
    }

    /// The changes of state on record, as `from to code`.
    fn changes(&self) -> Vec<String> {
        let events = self.bench.open().events(None).unwrap();
        let changes = events.iter().filter(|event| event.kind == "state");
        changes
            .map(|event| {
                let word = |name: &str| event.details[name].as_str().unwrap_or("-").to_owned();
                assert_eq!(event.subject.len(), 64);
                format!("{} {} {}", word("from"), word("to"), word("code"))
            })
            .collect()
    }
}

#[test]
fn a_revocation_reaches_the_catalog_and_so_does_its_end() {
    let bench = Bench::new();
    let (world, issuing, signer) = World::revocable();
    let scene = Scene::new(&bench, &world);
    scene.import("first");
    scene.import("second");
    assert_eq!(scene.listed(), (State::Verified, None));
    let certificates = X509::stack_from_pem(signer.certificates.as_bytes()).unwrap();
    let revoked = Revoked {
        certificate: &certificates[0].to_der().unwrap(),
        time: now() - 1.hours(),
        reason: Some(1),
    };
    world.publish("issuing.crl", &issuing, &[revoked]);
    let expected = (State::Revoked, Some("E_REVOKED".to_owned()));
    assert_eq!(scene.listed(), expected);
    assert_eq!(scene.changes(), ["verified revoked E_REVOKED"; 2]);
    for depth in [Depth::Metadata, Depth::Full] {
        let (reply, told) = scene.verify(depth);
        assert_eq!((reply.total, reply.problems, reply.recorded), (2, 2, true));
        let items = told.verified.into_inner().unwrap();
        assert!(
            items
                .iter()
                .all(|item| (item.state, item.code.clone()) == expected)
        );
    }
    let (_, told) = scene.list();
    let signers = &told.listed.into_inner().unwrap()[0].signers;
    assert_eq!(signers[0].identity, None, "nobody answers for it now");
    world.publish("issuing.crl", &issuing, &[]);
    assert_eq!(scene.listed(), (State::Verified, None));
    let changes = scene.changes();
    assert_eq!(changes[2..], ["revoked verified -"; 2], "{changes:?}");
    let (_, told) = scene.list();
    let signers = &told.listed.into_inner().unwrap()[0].signers;
    assert_eq!(signers[0].identity.as_deref(), Some("vendor"));
}

#[test]
fn an_identity_that_is_gone_makes_untrusted_and_verdicts_are_made_once() {
    let bench = Bench::new();
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    scene.import("first");
    let (_, told) = scene.list();
    assert_eq!(
        told.steps.into_inner().unwrap(),
        [""; 0],
        "import judged it"
    );
    let text = fs::read_to_string(&world.paths.identities).unwrap();
    fs::write(
        &world.paths.identities,
        text.replace("\"release\"", "\"other\""),
    )
    .unwrap();
    assert_eq!(scene.listed(), (State::Verified, None));
    assert_eq!(
        scene.changes(),
        [""; 0],
        "another identity is no other state"
    );
    let only = text.replace("CN=Example Release Signing", "CN=Somebody Else");
    fs::write(&world.paths.identities, only).unwrap();
    let (_, told) = scene.list();
    assert_eq!(told.steps.into_inner().unwrap(), ["judge"]);
    assert_eq!(
        scene.listed(),
        (State::Untrusted, Some("E_IDENTITY".to_owned()))
    );
    let (_, told) = scene.list();
    assert_eq!(told.steps.into_inner().unwrap(), [""; 0], "judged once");
    fs::write(&world.paths.identities, text).unwrap();
    let (reply, _) = scene.verify(Depth::Metadata);
    assert_eq!((reply.total, reply.problems), (1, 0));
    let (_, told) = scene.list();
    assert_eq!(
        told.steps.into_inner().unwrap(),
        [""; 0],
        "verify judged it"
    );
}

#[test]
fn a_list_that_runs_out_changes_the_judgement_of_the_day() {
    let bench = Bench::new();
    let (world, ..) = World::revocable();
    let mut scene = Scene::new(&bench, &world);
    scene.import("first");
    scene.now = now() + (24 * 31).hours();
    assert_eq!(
        scene.listed(),
        (State::Untrusted, Some("E_CRL_STALE".to_owned()))
    );
    scene.now = now();
    assert_eq!(scene.listed(), (State::Verified, None));
}

#[test]
fn damage_stays_until_every_byte_was_read_again() {
    let bench = Bench::new();
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    let (damaged, missing) = (scene.import("damaged"), scene.import("missing"));
    let path = bench.artifact(&damaged);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[3] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bad).unwrap();
    let aside = bench.path("aside");
    fs::rename(bench.artifact(&missing), &aside).unwrap();
    let states = |told: Told| {
        let items = told.verified.into_inner().unwrap();
        let state = |id| items.iter().find(|item| item.id == Some(id)).unwrap().state;
        (state(damaged), state(missing))
    };
    let (_, told) = scene.verify(Depth::Metadata);
    assert_eq!(states(told), (State::Verified, State::Missing));
    let (_, told) = scene.verify(Depth::Full);
    assert_eq!(states(told), (State::Corrupt, State::Missing));
    // Both are as they were, but nobody has read that yet.
    fs::write(&path, &good).unwrap();
    fs::rename(&aside, bench.artifact(&missing)).unwrap();
    let text = fs::read_to_string(&world.paths.identities).unwrap();
    for change in ["", "# a change of trust\n"] {
        fs::write(&world.paths.identities, format!("{text}{change}")).unwrap();
        let (_, told) = scene.list();
        let items = told.listed.into_inner().unwrap();
        let listed: Vec<_> = items.iter().map(|item| item.state).collect();
        assert_eq!(listed, [State::Corrupt, State::Missing]);
        let (reply, told) = scene.verify(Depth::Metadata);
        assert_eq!(reply.problems, 2);
        assert_eq!(states(told), (State::Corrupt, State::Missing));
    }
    let (reply, told) = scene.verify(Depth::Full);
    assert_eq!(reply.problems, 0);
    assert_eq!(states(told), (State::Verified, State::Verified));
    assert_eq!(scene.listed(), (State::Verified, None));
}

#[test]
fn what_cannot_be_recorded_is_said_all_the_same() {
    let bench = Bench::new();
    let world = World::new();
    let mut scene = Scene::new(&bench, &world);
    scene.import("first");
    let text = fs::read_to_string(&world.paths.identities).unwrap();
    let only = text.replace("CN=Example Release Signing", "CN=Somebody Else");
    fs::write(&world.paths.identities, only).unwrap();
    // Another reader keeps every writer out.
    let lock = File::open(bench.root().join("lock")).unwrap();
    lock.lock_shared().unwrap();
    let paths = Paths {
        catalog: bench.root(),
        trust: world.paths.clone(),
        system: bench.path("system"),
        jails: BTreeMap::new(),
    };
    scene.service = Local::new(paths, Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(scene.listed().0, State::Untrusted);
    }
    let (reply, told) = scene.verify(Depth::Full);
    assert_eq!((reply.problems, reply.recorded), (1, false));
    assert_eq!(told.warnings.into_inner().unwrap(), ["E_LOCKED"]);
    assert_eq!(scene.changes(), [""; 0]);
    // Closing the file would not do: a process that another test is just starting has it open for a moment.
    lock.unlock().unwrap();
    let (reply, _) = scene.verify(Depth::Full);
    assert!(reply.recorded);
    assert_eq!(scene.changes(), ["verified untrusted E_IDENTITY"]);
}

#[test]
fn a_read_only_catalog_is_listed_and_verified_under_the_trust_of_now() {
    let bench = Bench::new();
    let root = bench.root();
    let Some(mounted) = Mounted::tmpfs(&root, "8m") else {
        return;
    };
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    scene.import("first");
    let text = fs::read_to_string(&world.paths.identities).unwrap();
    let only = text.replace("CN=Example Release Signing", "CN=Somebody Else");
    fs::write(&world.paths.identities, only).unwrap();
    mounted.remount("ro");
    for _ in 0..2 {
        assert_eq!(scene.listed().0, State::Untrusted);
    }
    let (reply, told) = scene.verify(Depth::Full);
    assert_eq!((reply.problems, reply.recorded), (1, false));
    assert_eq!(told.warnings.into_inner().unwrap().len(), 1);
    mounted.remount("rw");
    assert_eq!(scene.listed().0, State::Untrusted);
    assert_eq!(scene.changes(), ["verified untrusted E_IDENTITY"]);
}

#[test]
fn a_list_without_trust_is_the_record_with_a_warning() {
    let bench = Bench::new();
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    scene.import("first");
    fs::remove_file(&world.paths.identities).unwrap();
    let (reply, told) = scene.list();
    assert_eq!(reply.total, 1);
    assert_eq!(told.listed.into_inner().unwrap()[0].state, State::Verified);
    assert_eq!(told.warnings.into_inner().unwrap(), ["E_TRUST_MISSING"]);
}

#[test]
fn many_are_verified_side_by_side_and_told_of_in_the_order_of_their_ids() {
    let bench = Bench::new();
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    let mut ids: Vec<_> = (0..150).map(|n| scene.import(&format!("p{n}"))).collect();
    ids.sort();
    let bad = [ids[0], ids[77], ids[149]];
    for id in &bad {
        fs::remove_file(bench.artifact(id)).unwrap();
    }
    for depth in [Depth::Metadata, Depth::Full] {
        let (reply, told) = scene.verify(depth);
        assert_eq!((reply.total, reply.problems), (150, 3));
        let items = told.verified.into_inner().unwrap();
        assert!(
            items
                .iter()
                .map(|item| item.id.unwrap())
                .eq(ids.iter().copied())
        );
        for item in &items {
            let expected = if bad.contains(&item.id.unwrap()) {
                State::Missing
            } else {
                State::Verified
            };
            assert_eq!(item.state, expected);
            assert!(item.id.unwrap().to_string().starts_with(&item.item));
        }
    }
    assert_eq!(scene.changes(), ["verified missing E_ARTIFACT_MISSING"; 3]);
    // One by its ID says the same, at either depth.
    let told = Told::default();
    let request = VerifyRequest {
        selection: Selection::One(OneOf::Id(bad[1].into())),
        depth: Depth::Metadata,
        allow_unsigned: None,
    };
    let reply = scene.service.verify(&request, &scene.call(&told)).unwrap();
    assert_eq!((reply.total, reply.problems), (1, 1));
}

#[test]
fn a_file_can_be_judged_without_its_regions() {
    let bench = Bench::new();
    let world = World::new();
    let scene = Scene::new(&bench, &world);
    let path = world.make(&bench.path("x.isi"), Kit::default(), Some("signer"));
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    for (depth, accepted) in [(Depth::Metadata, true), (Depth::Full, false)] {
        let told = Told::default();
        let request = VerifyRequest {
            selection: Selection::One(OneOf::File(PackageFile::open(&path).unwrap())),
            depth,
            allow_unsigned: None,
        };
        scene.service.verify(&request, &scene.call(&told)).unwrap();
        let items = told.verified.into_inner().unwrap();
        assert_eq!(items[0].accepted, accepted);
        // What was not read is not called verified.
        assert!(!items[0].verdict.as_ref().unwrap().verified);
    }
}
