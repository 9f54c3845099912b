//! Row X14 and everything about directories; rows X22 and X34 for the file.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use isi_catalog::trust::{CheckName, Outcome, TrustStore, limits};

use crate::pki::{MANIFEST, Owner, Shape, World, accepted, now, refused, verdict};

fn code(world: &World) -> &'static str {
    TrustStore::load(&world.paths()).unwrap_err().code()
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn x14_each_unusable_directory_is_its_own_error() {
    let world = World::new();
    let certs = world.path("certs");
    std::fs::remove_file(certs.join("root.pem")).unwrap();
    assert_eq!(code(&world), "E_TRUST_DIR_EMPTY");
    world.write("certs/README.md", b"no certificate");
    world.write("certs/.hidden.pem~", b"no certificate");
    std::fs::create_dir(certs.join("directory.pem")).unwrap();
    assert_eq!(code(&world), "E_TRUST_DIR_EMPTY");
    std::fs::remove_dir_all(&certs).unwrap();
    assert_eq!(code(&world), "E_TRUST_MISSING");
    world.write("certs", b"");
    assert_eq!(code(&world), "E_TRUST_NOT_DIRECTORY");
    let world = World::new();
    symlink("nowhere.pem", world.path("certs/broken.pem")).unwrap();
    assert_eq!(code(&world), "E_TRUST_UNREADABLE");
    std::fs::remove_file(world.path("certs/broken.pem")).unwrap();
    for (mode, expected) in [
        (0o757, "E_TRUST_WORLD_WRITABLE"),
        (0o775, "E_TRUST_GROUP_WRITABLE"),
    ] {
        for path in [
            "",
            "certs",
            "certs/root.pem",
            "tsa-certs",
            "identities.toml",
        ] {
            let path = world.path(path);
            chmod(&path, mode);
            assert_eq!(code(&world), expected, "{}", path.display());
            chmod(&path, 0o755);
        }
    }
    world.store();
    std::fs::remove_file(world.path("identities.toml")).unwrap();
    assert_eq!(code(&world), "E_TRUST_MISSING");
}

#[test]
fn x14_what_belongs_to_another_user_is_refused_with_the_command_that_helps() {
    let world = World::new();
    let hint = |code: &str, command: &str| {
        let error = TrustStore::load(&world.paths()).unwrap_err();
        assert_eq!(error.code(), code);
        let hint = error.hint().unwrap();
        assert!(hint.contains(command), "{hint}");
    };
    let root = world.path("certs/root.pem");
    chmod(&root, 0o664);
    let command = format!("`chmod go-w {}`", root.display());
    hint("E_TRUST_GROUP_WRITABLE", &command);
    chmod(&root, 0o644);
    if !is_root(&root) {
        eprintln!("skipped: trust that belongs to another user: only root can give files away");
        return;
    }
    for path in [
        "certs",
        "certs/root.pem",
        "tsa-certs",
        "tsa-certs/root.pem",
        "identities.toml",
    ] {
        let path = world.path(path);
        chown(&path, Some(1), None).unwrap();
        hint(
            "E_TRUST_NOT_OWNER",
            &format!("`chown 0 {}`", path.display()),
        );
        chown(&path, Some(0), None).unwrap();
    }
    world.store();
    // A link is the administrator's; what counts is the file behind it.
    let elsewhere = world.path("elsewhere");
    std::fs::rename(&root, &elsewhere).unwrap();
    symlink("../elsewhere", &root).unwrap();
    world.store();
    chown(&elsewhere, Some(1), None).unwrap();
    assert_eq!(code(&world), "E_TRUST_NOT_OWNER");
}

/// Whether this process is root's: it owns what it just made.
fn is_root(made: &Path) -> bool {
    std::fs::metadata(made).unwrap().uid() == 0
}

#[test]
fn x14_an_empty_directory_of_lists_or_authorities_is_an_error_too() {
    let world = World::new();
    let mut paths = world.paths();
    paths.crls = Some(world.path("crls"));
    assert_eq!(
        TrustStore::load(&paths).unwrap_err().code(),
        "E_TRUST_DIR_EMPTY"
    );
    std::fs::remove_file(world.path("tsa-certs/root.pem")).unwrap();
    assert_eq!(code(&world), "E_TRUST_DIR_EMPTY");
}

#[test]
fn x14_files_are_read_hashed_or_not() {
    for name in ["a.pem", "a.crt", "a.cer", "0a1b2c3d.0", "0a1b2c3d.17"] {
        let world = World::new();
        let from = world.path("certs/root.pem");
        std::fs::rename(from, world.path("certs").join(name)).unwrap();
        accepted(&world.verify(&world.signer.detached(&[&world.issuing.cert])));
    }
    let world = World::new();
    std::fs::rename(world.path("certs/root.pem"), world.path("elsewhere")).unwrap();
    symlink("../elsewhere", world.path("certs/0a1b2c3d.0")).unwrap();
    accepted(&world.verify(&world.signer.detached(&[&world.issuing.cert])));
}

#[test]
fn what_does_not_belong_into_a_directory_is_refused() {
    let world = World::new();
    let key = world.signer.key.private_key_to_pem_pkcs8().unwrap();
    let locked = world
        .signer
        .key
        .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"secret")
        .unwrap();
    let root = world.root.pem();
    let broken = String::from_utf8(root.clone())
        .unwrap()
        .replace("-----END", "----END");
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (content, expected) in [
        ([root.clone(), key].concat(), "E_TRUST_PRIVATE_KEY"),
        (locked, "E_TRUST_PRIVATE_KEY"),
        (broken.into_bytes(), "E_TRUST_NOT_PEM"),
        (request.as_bytes().to_vec(), "E_TRUST_WRONG_BLOCK"),
        (empty.as_bytes().to_vec(), "E_TRUST_CERTIFICATE"),
        (world.root.der(), "E_TRUST_WRONG_BLOCK"),
        (Vec::new(), "E_TRUST_WRONG_BLOCK"),
        (
            vec![b' '; 1 + limits::MAX_CERTIFICATE_FILE as usize],
            "E_TRUST_TOO_LARGE",
        ),
    ] {
        world.write("certs/more.pem", &content);
        assert_eq!(code(&world), expected);
    }
    world.write("certs/more.pem", &root);
    world.store();
    world.write("crls/not.crl", &root);
    assert_eq!(code(&world), "E_TRUST_WRONG_BLOCK");
    world.write(
        "crls/not.crl",
        b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
    );
    assert_eq!(code(&world), "E_TRUST_CRL");
}

#[test]
fn a_directory_of_too_many_names_is_refused() {
    let world = World::new();
    for number in 1..limits::MAX_TRUST_FILES {
        world.write(&format!("certs/{number}.txt"), b"");
    }
    world.store();
    world.write("certs/one-more.txt", b"");
    assert_eq!(code(&world), "E_TRUST_TOO_MANY");
}

#[test]
fn x34_the_identities_file_is_strict() {
    let world = World::new();
    for (text, expected) in [
        (&b"[polciy]"[..], "E_IDENTITIES_SYNTAX"),
        (b"\xff", "E_IDENTITIES_SYNTAX"),
        (
            b"[[identity]]\nname=\"a\"\nsubject=\"CN=a\"\nissuer_spki_sha256=\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"",
            "E_IDENTITIES_HASH",
        ),
    ] {
        world.write("identities.toml", text);
        assert_eq!(code(&world), expected);
    }
    world.write(
        "identities.toml",
        &vec![b'#'; 1 + limits::MAX_IDENTITIES_FILE as usize],
    );
    assert_eq!(code(&world), "E_TRUST_TOO_LARGE");
    world.write(
        "identities.toml",
        &vec![b'#'; limits::MAX_IDENTITIES_FILE as usize],
    );
    world.store();
}

/// Set for the process that [`x14_the_environment_has_no_say`] starts.
const CHILD: &str = "TRUST_TEST_CHILD";

#[test]
fn x14_the_environment_has_no_say() {
    if std::env::var_os(CHILD).is_some() {
        // The system's anchors are the rogue's, and the configuration would refuse every algorithm.
        // In a program the first use of openssl is the library's; here the test makes its keys by itself.
        assert!(isi_catalog::trust::PublicKey::from_der(&[]).is_err());
        let world = World::new();
        accepted(&world.verify(&world.signer.detached(&[&world.issuing.cert])));
        let directory = std::env::var_os("SSL_CERT_DIR").unwrap();
        let key = std::fs::read(Path::new(&directory).join("rogue.key")).unwrap();
        let cert = std::fs::read(Path::new(&directory).join("rogue.pem")).unwrap();
        let rogue = Owner {
            key: openssl::pkey::PKey::private_key_from_pem(&key).unwrap(),
            cert: openssl::x509::X509::from_pem(&cert).unwrap(),
        };
        let signer = rogue.issue(&Shape::signer("Signer"));
        let verdict = world.verify(&signer.detached(&[&rogue.cert]));
        assert_eq!(refused(&verdict), (CheckName::Chain, "E_UNTRUSTED"));
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let rogue = Owner::root("Rogue");
    let write = |name: &str, content: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    write("rogue.key", &rogue.key.private_key_to_pem_pkcs8().unwrap());
    let anchor = write("rogue.pem", &rogue.pem());
    let hash = crate::pki::openssl(
        home.path(),
        &["x509", "-noout", "-hash", "-in", "rogue.pem"],
    );
    write(
        &format!("{}.0", String::from_utf8(hash).unwrap().trim()),
        &rogue.pem(),
    );
    let configuration = write(
        "openssl.cnf",
        b"openssl_conf = init\n[init]\nalg_section = evp\n[evp]\ndefault_properties = fips=yes\n",
    );
    let blocked = Command::new("openssl")
        .args(["dgst", "-sha256", "rogue.pem"])
        .current_dir(home.path())
        .env("OPENSSL_CONF", &configuration)
        .output()
        .unwrap();
    assert!(
        !blocked.status.success(),
        "the configuration must be harmful where it is read"
    );
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stores::x14_the_environment_has_no_say"])
        .env(CHILD, "1")
        .env("OPENSSL_CONF", &configuration)
        .env("SSL_CERT_DIR", home.path())
        .env("SSL_CERT_FILE", &anchor)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn unsigned_packages_need_the_policy_and_a_reason() {
    use isi_catalog::release::PackageType;
    use isi_catalog::trust::{Claims, Sealed};
    let world = World::new();
    let judge = |reason: Option<&str>, timestamp: &[u8]| {
        let store = world.store();
        let sealed = Sealed {
            manifest: MANIFEST,
            signature: &[],
            timestamp,
        };
        let version = "1".parse().unwrap();
        let claims = Claims {
            package_type: PackageType::Patch,
            product: "x",
            version: &version,
        };
        let authentication = store.authenticate(&sealed, now());
        assert!(!authentication.is_signed());
        let authorization = store.authorize(&authentication, &claims, reason);
        let policy = authorization
            .checks
            .iter()
            .find(|check| check.name == CheckName::Policy);
        let policy = policy.unwrap();
        (policy.outcome, policy.code.as_deref().map(str::to_owned))
    };
    let unsigned = (Outcome::Failed, Some("E_UNSIGNED".to_owned()));
    assert_eq!(judge(None, b""), unsigned);
    assert_eq!(judge(Some("reason"), b""), unsigned);
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\nunsigned = \"ask\"",
    );
    assert_eq!(judge(None, b""), unsigned);
    assert_eq!(judge(Some(" "), b""), unsigned);
    assert_eq!(judge(Some("reason"), b""), (Outcome::Passed, None));
    assert_eq!(judge(Some("reason"), b"token"), unsigned);
    // Consent to unsigned packages is none to badly signed ones.
    let rogue = Owner::root("Rogue")
        .issue(&Shape::signer("Signer"))
        .detached(&[]);
    assert!(!world.verify(&rogue).verified);
    let verdict = verdict(&world.store(), MANIFEST, &[], &[]);
    assert_eq!(refused(&verdict), (CheckName::Policy, "E_UNSIGNED"));
}
