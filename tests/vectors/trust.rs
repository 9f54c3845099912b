//! What a vector's reader trusts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use isi_catalog::trust::{TrustPaths, TrustStore};

/// The trust in a folder below `trust/`; lists and authorities of timestamps are used if they are there.
///
/// Loaded from a copy: a checkout may belong to another user or be writable for a group, and what is
/// trusted may not.
pub(crate) fn trust(name: &str) -> TrustStore {
    let from = super::folder().join("trust").join(name);
    let private = tempfile::tempdir().expect("a directory");
    let copy = private.path();
    let file = "identities.toml";
    copy_file(&from.join(file), &copy.join(file));
    let directory = |part: &str| {
        let to = copy.join(part);
        copy_files(&from.join(part), &to).then_some(to)
    };
    let paths = TrustPaths {
        directory: None,
        certs: directory("certs").unwrap_or_else(|| panic!("{}: no certs", from.display())),
        tsa_certs: directory("tsa-certs"),
        crls: directory("crls"),
        identities: copy.join(file),
    };
    TrustStore::load(&paths).unwrap_or_else(|error| panic!("{}: {error}", from.display()))
}

/// Copies the files of a directory, if there is one.
fn copy_files(from: &Path, to: &Path) -> bool {
    let Ok(entries) = fs::read_dir(from) else {
        return false;
    };
    fs::create_dir(to).expect("a directory");
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("its mode");
    for entry in entries {
        let name = entry.expect("an entry").file_name();
        copy_file(&from.join(&name), &to.join(&name));
    }
    true
}

fn copy_file(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).expect("its mode");
}
