use super::*;
use crate::system::loader::found::files_of;

struct Place {
    home: tempfile::TempDir,
    loader: Loader,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let loader = Loader::open_or_create(Dir::open(home.path()).unwrap()).unwrap();
        Self { home, loader }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.home.path().join(name), text).unwrap();
    }

    /// The names of the files of entries.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.path().join(ENTRIES)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn name(text: &str) -> EnvName {
    text.parse().unwrap()
}

fn entry(text: &str) -> Entry {
    Entry {
        name: name(text),
        which: WhichKernel::Own,
        title: format!("Title of {text}"),
        version: "1".into(),
        kernel: Some(format!("/kernels/{text}/vmlinuz")),
        initrd: Vec::new(),
        options: "quiet".into(),
    }
}

#[test]
fn a_counter_lives_in_the_name_of_its_entry() {
    let place = Place::new();
    let loader = &place.loader;
    loader.put(&entry("a"), Some(Counter::new(3))).unwrap();
    assert_eq!(place.files(), ["isi-a+3.conf"]);
    loader.put(&entry("b"), None).unwrap();
    loader.activate(&name("a"), None).unwrap();
    assert_eq!(place.files(), ["isi-a+3.conf", "isi-b.conf"]);
    loader.mark_bad(&name("a")).unwrap();
    assert_eq!(place.files(), ["isi-a+0.conf", "isi-b.conf"]);
    loader.activate(&name("a"), Some(2)).unwrap();
    assert_eq!(place.files(), ["isi-a+2.conf", "isi-b.conf"]);
    loader.mark_good(&name("a")).unwrap();
    assert_eq!(place.files(), ["isi-a.conf", "isi-b.conf"]);
    assert!(loader.entry(&name("a")).unwrap().unwrap().is_good());
    loader
        .put(&entry("a"), Some(Counter { left: 1, done: 2 }))
        .unwrap();
    assert_eq!(place.files(), ["isi-a+1-2.conf", "isi-b.conf"]);
    loader.mark_bad(&name("a")).unwrap();
    assert_eq!(place.files(), ["isi-a+0-2.conf", "isi-b.conf"]);
    loader.remove(&name("a")).unwrap();
    loader.remove(&name("a")).unwrap();
    assert_eq!(place.files(), ["isi-b.conf"]);
    for refused in [
        loader.activate(&name("a"), None),
        loader.activate(&name("a"), Some(1)),
        loader.mark_good(&name("a")),
        loader.mark_bad(&name("a")),
        loader.set_next(&name("a"), WhichKernel::Own),
    ] {
        assert_eq!(refused.unwrap_err().code(), "E_NO_ENTRY");
    }
    assert_eq!(loader.default().unwrap(), Some(name("a")));
}

#[test]
fn tries_have_a_limit() {
    let place = Place::new();
    place.loader.put(&entry("a"), None).unwrap();
    for (tries, fine) in [
        (0, false),
        (1, true),
        (MAX_TRIES, true),
        (MAX_TRIES + 1, false),
    ] {
        let done = place.loader.activate(&name("a"), Some(tries));
        assert_eq!(done.is_ok(), fine, "{tries}");
    }
    let refused = place.loader.try_anew(&name("a"), 0).unwrap_err();
    assert_eq!(refused.code(), "E_TRIES");
}

#[test]
fn the_default_is_one_line_and_the_others_stay() {
    let place = Place::new();
    assert_eq!(place.loader.default().unwrap(), None);
    place.loader.put(&entry("a"), None).unwrap();
    place.write(
        CONFIGURATION,
        "# mine\ntimeout 3\ndefault  isi-b\ndefaults x\ndefault\n",
    );
    assert_eq!(place.loader.default().unwrap(), Some(name("b")));
    place.loader.set_default(&name("a")).unwrap();
    let text = std::fs::read_to_string(place.home.path().join(CONFIGURATION)).unwrap();
    assert_eq!(text, "default isi-a.conf\n# mine\ntimeout 3\ndefaults x\n");
    for (text, expected) in [
        ("default isi-a", Some("a")),
        ("default\tisi-a.conf  \n", Some("a")),
        ("default @saved", None),
        ("default isi-*", None),
        ("default isi-a+3.conf", None),
        ("", None),
        ("default isi-../x", None),
        ("default isi.old-a.conf", None),
    ] {
        place.write(CONFIGURATION, text);
        let found = place.loader.default().unwrap();
        assert_eq!(found, expected.map(name), "{text:?}");
    }
    place.write(CONFIGURATION, [0xff; 8]);
    assert_eq!(place.loader.default().unwrap(), None);
    let limit = usize::try_from(MAX_FILE).unwrap();
    let long = |length: usize| format!("default isi-a\n{}", "#".repeat(length - 14));
    place.write(CONFIGURATION, long(limit));
    assert_eq!(place.loader.default().unwrap(), Some(name("a")));
    place.write(CONFIGURATION, long(limit + 1));
    assert_eq!(place.loader.default().unwrap(), None);
}

#[test]
fn the_next_boot_is_asked_for_and_forgotten() {
    let place = Place::new();
    assert_eq!(place.loader.next().unwrap(), Next::Nothing);
    place.loader.put(&entry("a"), None).unwrap();
    let own = WhichKernel::Own;
    place.loader.set_next(&name("a"), own).unwrap();
    assert_eq!(place.loader.next().unwrap(), Next::Once(name("a"), own));
    place.loader.forget_next().unwrap();
    place.loader.forget_next().unwrap();
    assert_eq!(place.loader.next().unwrap(), Next::Nothing);
    for text in ["", "nonsense", "isi-../a.conf"] {
        place.write(NEXT, text);
        assert_eq!(place.loader.next().unwrap(), Next::Unreadable);
    }
}

#[test]
fn the_old_kernel_has_an_entry_of_its_own_that_counts_nothing() {
    let place = Place::new();
    let (loader, a, old) = (&place.loader, name("a"), WhichKernel::Old);
    loader.put(&entry("a"), Some(Counter::new(3))).unwrap();
    let none = loader.set_next(&a, old).unwrap_err();
    assert_eq!(none.code(), "E_NO_OLD_KERNEL");
    let mut kept = entry("a");
    (kept.which, kept.kernel) = (old, Some("/kernels/a/vmlinuz.old".into()));
    loader.put_old_kernel(&kept).unwrap();
    assert_eq!(place.files(), ["isi-a+3.conf", "isi.old-a.conf"]);
    assert_eq!(loader.old_kernel(&a).unwrap(), Some(kept));
    // It is neither another environment nor the entry of this one, whatever is done to that.
    let counted = || loader.entries().unwrap();
    assert_eq!(counted().len(), 1);
    loader.mark_bad(&a).unwrap();
    loader.mark_good(&a).unwrap();
    loader.activate(&a, None).unwrap();
    assert_eq!(place.files(), ["isi-a.conf", "isi.old-a.conf"]);
    assert_eq!(counted()[0].entry.which, WhichKernel::Own);
    loader.set_next(&a, old).unwrap();
    assert_eq!(loader.next().unwrap(), Next::Once(a.clone(), old));
    let next = std::fs::read_to_string(place.home.path().join(NEXT)).unwrap();
    assert_eq!(next, "isi.old-a.conf\n");
    // Without content it boots nothing, and still belongs to its environment.
    place.write(&format!("{ENTRIES}/isi.old-a.conf"), "");
    assert_eq!(loader.old_kernel(&a).unwrap(), None);
    assert_eq!(loader.names().unwrap(), [a.clone(), a.clone()]);
    loader.remove(&a).unwrap();
    assert_eq!(place.files(), [""; 0]);
    loader.remove_old_kernel(&a).unwrap();
}

#[test]
fn what_cannot_be_read_is_in_nobodys_way() {
    let place = Place::new();
    place.loader.put(&entry("a"), None).unwrap();
    let limit = usize::try_from(MAX_FILE).unwrap();
    place.write(&format!("{ENTRIES}/isi-a.conf"), vec![b'#'; limit + 1]);
    let found = place.loader.entry(&name("a")).unwrap().unwrap();
    assert_eq!((found.is_good(), found.entry.kernel), (true, None));
    let next = place.home.path().join(NEXT);
    std::os::unix::fs::symlink("/etc/passwd", &next).unwrap();
    assert_eq!(place.loader.next().unwrap(), Next::Unreadable);
    place.loader.forget_next().unwrap();
    std::fs::create_dir_all(next.join("more")).unwrap();
    assert_eq!(place.loader.next().unwrap(), Next::Unreadable);
    place.loader.forget_next().unwrap();
    assert!(!next.exists());
    std::os::unix::fs::symlink(&next, place.home.path().join(CONFIGURATION)).unwrap();
    assert_eq!(place.loader.default().unwrap(), None);
    place.loader.set_default(&name("a")).unwrap();
    assert_eq!(place.loader.default().unwrap(), Some(name("a")));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let place = Place::new();
    for file in ["arch.conf", "isi-a+x.conf", ".isi-a.conf.new", "isi-.conf"] {
        place.write(&format!("{ENTRIES}/{file}"), "title x\n");
    }
    std::fs::create_dir(place.home.path().join(ENTRIES).join("isi-d.conf")).unwrap();
    assert_eq!(place.loader.entries().unwrap(), []);
    place.loader.put(&entry("a"), None).unwrap();
    place.loader.remove(&name("a")).unwrap();
    let left = ["arch.conf", "isi-.conf", "isi-a+x.conf", "isi-d.conf"];
    let files = place.files();
    assert!(
        left.iter().all(|file| files.contains(&(*file).to_owned())),
        "{files:?}"
    );
}

#[test]
fn of_two_entries_of_one_environment_the_one_that_promises_least_counts() {
    let place = Place::new();
    for file in [
        "isi-a.conf",
        "isi-a+2-1.conf",
        "isi-a+1-2.conf",
        "isi-b.conf",
    ] {
        place.write(&format!("{ENTRIES}/{file}"), "title x\n");
    }
    let entries = place.loader.entries().unwrap();
    let files: Vec<_> = entries.iter().map(Found::file).collect();
    assert_eq!(files, ["isi-a+1-2.conf", "isi-b.conf"]);
    place.loader.mark_good(&name("a")).unwrap();
    assert_eq!(place.files(), ["isi-a.conf", "isi-b.conf"]);
    assert_eq!(
        files_of(&place.loader.entries, &name("a")).unwrap(),
        ["isi-a.conf"]
    );
}
