//! What hbsd-update and its like got wrong, tried with the programs themselves; each test is named after one.
//!
//! `tests/upgrade/hbsd.rs` tries the same with the library, where the moment matters.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::{AUTHORITY, Place, Run, SIBLING, SIGNER};

/// A place with trust, and a tree for images.
fn machine() -> Place {
    let place = Place::with_pki();
    place.write("image/etc/release", "some\n");
    place
}

/// Installs an image and runs it, committed.
fn installed(place: &Place, version: &str, counter: &str, more: &[&str]) {
    let file = place.image(version, counter, more);
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
    for command in [
        &["bootenv", "select"][..],
        &["bootenv", "check"],
        &["commit", "--force"],
    ] {
        place.upgrade(command).succeeded();
    }
}

/// A place that trusts who signed the test vectors.
struct Vectors {
    place: Place,
}

impl Vectors {
    const AT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/format-spec/vectors");

    fn new(trust: &str) -> Self {
        let place = Place::new();
        fs::create_dir(place.path("home")).unwrap();
        let trust = Path::new(Self::AT).join("trust").join(trust);
        let copied = place.run("cp", &["-r", trust.to_str().unwrap(), "home/trust"]);
        copied.succeeded();
        Self { place }
    }

    fn file(name: &str) -> String {
        format!("{}/bad/{name}", Self::AT)
    }

    /// Tries to install one of the bad ones.
    fn start(&self, name: &str) -> Run {
        self.place
            .upgrade(&["start", "--install-image-path", &Self::file(name)])
    }
}

/// 1.5: the signature binds nothing but bytes, so that signed parts of two updates can be mixed.
#[test]
fn parts_of_two_updates_are_mixed() {
    let place = machine();
    let old = place.image("1.0", "1", &[]);
    place.write("image/etc/release", "other\n");
    let new = place.image("2.0", "2", &[]);
    let signature = ["--package", &old, "--output", "old.p7s"];
    let export = [&["export-signature"], &signature[..]].concat();
    place.packager(&export).succeeded();
    let attach = [
        "attach-signature",
        "--package",
        &new,
        "--signature",
        "old.p7s",
    ];
    let attached = place.packager(&attach);
    assert_ne!(attached.code, Some(0), "{}", attached.text());
    place.catalog(&["verify", "--file", &new]).succeeded();
    // The payload of one in front of the manifest of the other.
    let (mut mixed, new) = (place.read(&old), place.read(&new));
    let end = mixed.len().min(new.len());
    mixed.truncate(end / 2);
    mixed.extend_from_slice(&new[end / 2..]);
    place.write("mixed.isi", mixed);
    let start = place.upgrade(&["start", "--install-image-path", "mixed.isi"]);
    assert_eq!(start.code, Some(4), "{}", start.text());
    assert!(!place.path("home/system").exists());
}

/// 1.5: `openssl verify` is called without a purpose, so any certificate below the root can sign.
#[test]
fn any_certificate_below_the_root_can_sign() {
    let place = machine();
    let file = place.image("1.0", "1", &SIBLING);
    let start = place.upgrade(&["start", "--install-image-path", &file]);
    assert_eq!(start.code, Some(4), "{}", start.text());
    let vectors = Vectors::new("hostile");
    vectors.start("E_EKU.isi").refused(4, "E_EKU");
    for place in [&place, &vectors.place] {
        assert!(!place.path("home/system").exists());
    }
}

/// 1.5: plain certificates in a directory are not found before `openssl rehash` renamed them.
#[test]
fn a_directory_of_plain_certificates_is_not_read() {
    let place = machine();
    let certs = place.path("home/trust/certs");
    fs::rename(certs.join("root.pem"), certs.join("of our vendor.crt")).unwrap();
    let file = place.image("1.0", "1", &[]);
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
}

/// 1.5: revocation compares the bytes of files, so one more comment in the certificate gets around it.
#[test]
fn revocation_is_by_file_bytes() {
    let place = machine();
    let plain = String::from_utf8(place.read("home/keys/signer.pem")).unwrap();
    place.write("commented.pem", format!("# nothing to see here\n{plain}"));
    fs::copy(
        place.path("home/keys/signer-revoked.crl"),
        place.path("home/trust/crls/issuing.crl"),
    )
    .unwrap();
    for cert in ["home/keys/signer.pem", "commented.pem"] {
        let file = place.image("1.0", "1", &["--cert", cert]);
        let start = place.upgrade(&["start", "--install-image-path", &file]);
        start.refused(4, "E_REVOKED");
        assert!(!place.path("home/system").exists(), "{cert}");
    }
}

/// 1.6: an environment whose name was taken was destroyed when making it failed.
#[test]
fn an_existing_environment_is_destroyed() {
    let place = machine();
    installed(&place, "1.0", "1", &[]);
    place.bootenv(&["create", "mine"]).succeeded();
    place.write("home/system/environments/mine/precious", "the only copy");
    let before = place.digests("home/system");
    let file = place.image("2.0", "2", &[]);
    let start = ["start", "--install-image-path", &file, "--bootenv", "mine"];
    place.upgrade(&start).refused(1, "E_ENVIRONMENT_EXISTS");
    let create = ["bootenv", "create", "mine", "--empty"];
    place.upgrade(&create).refused(1, "E_ENVIRONMENT_EXISTS");
    assert_eq!(place.digests("home/system"), before);
}

/// 1.6: what was given to work with is deleted, and something of a failed attempt stays behind.
#[test]
fn a_failed_attempt_deletes_what_it_was_given_and_leaves_its_own() {
    let place = machine();
    installed(&place, "1.0", "1", &[]);
    place.write("given/kernel", "generic");
    let file = place.image("2.0", "2", &["--kernel", "given/kernel"]);
    let before = place.digests("home/system");
    let start = ["start", "--install-image-path", &file, "--kernel", "none"];
    place.upgrade(&start).refused(1, "E_KERNEL_MISSING");
    assert_eq!(place.digests("home/system"), before);
    assert!(place.path(&file).exists());
    // What was begun and is taken back leaves nothing either, but its journal.
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
    place.upgrade(&["rollback", "--force"]).succeeded();
    place.upgrade(&["archive"]).succeeded();
    let strip = |digests: std::collections::BTreeMap<_, _>| {
        let own = |path: &std::path::PathBuf| {
            let text = path.to_string_lossy();
            text.contains("/upgrade") || text.ends_with("system.json")
        };
        let kept = digests.into_iter().filter(|(path, _)| !own(path));
        kept.collect::<Vec<_>>()
    };
    assert_eq!(strip(place.digests("home/system")), strip(before));
    assert!(place.path(&file).exists());
}

/// 1.3, 5: the configuration is sourced by a shell, and outweighs the command line.
#[test]
fn configuration_beats_flags() {
    let place = machine();
    place.write("kernels/generic", "1");
    place.write("kernels/debug", "2");
    let kernels = ["--kernel", "kernels/generic", "--kernel", "kernels/debug"];
    let file = place.image("1.0", "1", &kernels);
    let configure = |text: &str| {
        let file = place.write("home/upgrade.toml", text);
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    };
    let kernel_of = |root: &str, more: &[&str]| {
        let start = ["start", "--install-image-path", &file, "--root", root];
        place.upgrade(&[&start[..], more].concat()).succeeded();
        let record = place.read(&format!("{root}/records/OS-1.0.json"));
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["boot"]["kernel"].as_str().map(str::to_owned)
    };
    configure("[upgrade]\nkernel = 'debug'\n[catalog]\nlock_timeout = '0s'\n");
    assert_eq!(kernel_of("a", &[]).as_deref(), Some("debug"));
    let flag = ["--kernel", "generic"];
    assert_eq!(kernel_of("b", &flag).as_deref(), Some("generic"));
    assert_eq!(kernel_of("c", &["--no-kernel"]), None);
    // It is data: nothing in it is run, and what is no setting is refused.
    configure("[paths]\ncatalog = '$(touch ran)'\n");
    let catalog = ["--catalog", "other", "catalog", "import", &file];
    place.upgrade(&catalog).succeeded();
    assert!(place.path("other/artifacts").exists());
    configure("touch ran\nunsigned=1\n");
    assert_eq!(place.upgrade(&["view"]).code, Some(1));
    assert!(!place.path("ran").exists());
}

/// Issue 348: a second run in the directory of the first one stumbles over what that left.
#[test]
fn second_run_in_the_same_directory() {
    let place = machine();
    installed(&place, "1.0", "1", &[]);
    let file = place.image("2.0", "2", &[]);
    for _ in 0..3 {
        place
            .upgrade(&["start", "--install-image-path", &file])
            .succeeded();
        place.upgrade(&["rollback", "--force"]).succeeded();
        place.upgrade(&["archive"]).succeeded();
    }
    let start = ["start", "--install-image-path", &file, "--root", "new"];
    place.upgrade(&start).succeeded();
    place.upgrade(&start).refused(1, "E_UPGRADE_RUNNING");
    assert_eq!(place.names("new/environments"), ["OS-2.0"]);
}

/// Issue 312: a hard link to a file that is skipped, or was never there, stops it half-way.
#[test]
fn hard_link_to_a_skipped_file() {
    let place = machine();
    installed(&place, "1.0", "1", &[]);
    let old = place.path("home/system/environments/OS-1.0");
    fs::create_dir(old.join("boot")).unwrap();
    fs::write(old.join("boot/here"), "mine").unwrap();
    place.write("image/boot/here", "theirs");
    place.write("image/boot/nowhere", "theirs, too");
    for name in ["here", "nowhere"] {
        let (from, to) = (format!("image/boot/{name}"), format!("image/{name}"));
        fs::hard_link(place.path(&from), place.path(&to)).unwrap();
    }
    place.write("skip", "./boot\n");
    let file = place.image("2.0", "2", &["--skip-list", "skip"]);
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
    let new = "home/system/environments/OS-2.0";
    assert_eq!(place.names(&format!("{new}/boot")), ["here"]);
    assert_eq!(place.read(&format!("{new}/boot/here")), b"mine");
    assert_eq!(place.read(&format!("{new}/here")), b"theirs");
    assert_eq!(place.read(&format!("{new}/nowhere")), b"theirs, too");
}

/// Issue 365: `--no-kernel` in a new jail still wanted a kernel.
#[test]
fn no_kernel_still_wants_a_kernel() {
    let place = machine();
    let file = place.image("1.0", "1", &[]);
    place.write("home/upgrade.toml", "[jails]\nweb = 'web'\n");
    let config = place.path("home/upgrade.toml");
    fs::set_permissions(config, fs::Permissions::from_mode(0o644)).unwrap();
    let start = ["start", "--install-image-path", &file, "--no-kernel"];
    place
        .upgrade(&[&start[..], &["--jail", "web"]].concat())
        .succeeded();
    let list = place.bootenv(&["list", "--jail", "web"]).succeeded();
    assert!(list.stdout.contains("OS-1.0 good"), "{}", list.stdout);
}

/// Issue 180: where `/boot` is a link, what is written below it lands somewhere else.
#[test]
fn boot_is_a_link_that_leads_out() {
    let place = machine();
    installed(&place, "1.0", "1", &[]);
    let outside = place.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("loader"), "of somebody else").unwrap();
    let old = place.path("home/system/environments/OS-1.0/boot");
    symlink(&outside, &old).unwrap();
    place.write("image/boot/loader", "of the image");
    place.write("obsolete", "boot/old\n");
    let file = place.image("2.0", "2", &["--obsolete-list", "obsolete"]);
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
    let new = "home/system/environments/OS-2.0/boot";
    assert_eq!(place.read(&format!("{new}/loader")), b"of the image");
    assert_eq!(place.names("outside"), ["loader"]);
    assert_eq!(place.read("outside/loader"), b"of somebody else");
}

/// Issue 389: programs that are called in the middle of an update do not work any more by then.
#[test]
fn helper_programs_crash_in_the_middle() {
    let place = machine();
    let file = place.image("1.0", "1", &[]);
    for command in [
        &["start", "--install-image-path", &file][..],
        &["bootenv", "select"],
        &["bootenv", "check"],
        &["commit", "--force"],
        &["verify-installed"],
    ] {
        let arguments = [&["--home", "home", "upgrade"], command].concat();
        let mut tool = place.command("isi", &arguments);
        let output = tool.env("PATH", "/nowhere").output().unwrap();
        place.finished(&output).succeeded();
    }
}

/// 1.3: the archive is unpacked before its certificate is looked at.
#[test]
fn unpack_before_verify() {
    let place = machine();
    let file = place.image("1.0", "1", &[]);
    let whole = place.read(&file);
    // Every region, the manifest and the signatures: one changed byte each.
    for part in 1..8 {
        place.write(&file, &whole);
        place.flip(&file, whole.len() * part / 8);
        let start = ["start", "--install-image-path", &file, "--root", "new"];
        let run = place.upgrade(&start);
        assert_eq!(run.code, Some(4), "part {part}: {}", run.text());
        assert!(!place.path("new").exists(), "part {part}");
    }
    let unsigned = ["create", "image", "--output", "unsigned.isi"];
    let named = ["--type", "onefs", "--name", "OS", "--version", "1.0"];
    place
        .packager(&[&unsigned[..], &named].concat())
        .succeeded();
    let start = ["start", "--install-image-path", "unsigned.isi"];
    let run = place.upgrade(&[&start[..], &["--root", "new"]].concat());
    assert_eq!(run.code, Some(4), "{}", run.text());
    assert!(!place.path("new").exists());
}

/// 5: members that lead out by their name or through a link; the signature over them is good.
#[test]
fn evil_archive_members() {
    let evil = [
        "E_NAME-",
        "E_DEVICE",
        "E_FILE_TABLE-link",
        "E_FILE_TABLE-hard-link",
    ];
    let mut tried = 0;
    for entry in fs::read_dir(Path::new(Vectors::AT).join("bad")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_package = path.extension().is_some_and(|kind| kind == "isi");
        if !is_package || !evil.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        tried += 1;
        let code = name.split(['-', '.']).next().unwrap();
        let vectors = Vectors::new("default");
        let start = vectors.start(name);
        let early = start.stderr.contains("code: E_NOT_IMAGE\n");
        start.refused(1, if early { "E_NOT_IMAGE" } else { code });
        let (place, file) = (&vectors.place, Vectors::file(name));
        let extract = [
            "extract",
            "--home",
            "home",
            "--package",
            &file,
            "--files",
            "out",
        ];
        place.packager(&extract).refused(1, code);
        assert!(!place.path("home/system").exists(), "{name}");
        // Nothing beside the catalog and what was trusted before, and nothing in the target.
        let left = place.names(".");
        assert!(
            left == ["home"] || left == ["home", "out"],
            "{name}: {left:?}"
        );
        assert!(left.len() == 1 || place.names("out").is_empty(), "{name}");
    }
    assert!(tried > 20, "{tried}");
}

/// 5: as above, in an archive that somebody else made: such a payload is installed by nobody.
#[test]
fn evil_archive_members_of_a_foreign_archive() {
    let place = machine();
    place.write("evil/x", "evil");
    let tar = [
        "-cf",
        "evil.tar",
        "--transform",
        "s,x,../../x,",
        "-P",
        "-C",
        "evil",
        "x",
    ];
    place.run("tar", &tar).succeeded();
    let named = ["--type", "onefs", "--name", "OS", "--version", "1.0"];
    let create = ["create", "--payload", "evil.tar", "--output", "evil.isi"];
    let arguments = [&create[..], &named, &SIGNER, &AUTHORITY].concat();
    place.packager(&arguments).succeeded();
    let start = ["start", "--install-image-path", "evil.isi", "--root", "new"];
    place.upgrade(&start).refused(1, "E_NO_TREE");
    assert!(!place.path("new").exists());
}
