use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::fsio::Dir;
use crate::payload::lists::{ObsoleteList, SkipList};
use crate::payload::{
    Compression, FileTable, PayloadIndex, TreeOptions, UnpackOptions, build_tree, unpack,
};
use crate::progress::Silent;
use crate::system::{
    CarryReport, CarryRequest, EnvName, Lists, Record, StorageKind, System, TargetId, carry,
};

pub(super) struct World {
    pub(super) home: tempfile::TempDir,
    pub(super) system: System,
}

/// An image, ready to be unpacked.
pub(super) struct Image {
    payload: Vec<u8>,
    index: PayloadIndex,
    pub(super) table: FileTable,
}

impl World {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (root, id) = (home.path().join("system"), TargetId::from_bytes([7; 16]));
        let system = System::bootstrap(&root, Some(StorageKind::Dir), id).unwrap();
        Self { home, system }
    }

    /// A place in an environment.
    pub(super) fn path(&self, environment: &str, path: &str) -> PathBuf {
        let root = self.home.path().join("system/environments");
        root.join(environment).join(path)
    }

    pub(super) fn read(&self, environment: &str, path: &str) -> String {
        let path = self.path(environment, path);
        let text = fs::read_to_string(&path);
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(super) fn write(&self, environment: &str, path: &str, text: &str) {
        write(&self.path(environment, ""), path, text);
    }

    /// Every path below an environment that is no directory.
    pub(super) fn names(&self, environment: &str) -> Vec<String> {
        let root = self.path(environment, "");
        let mut names = Vec::new();
        let mut waiting = vec![root.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.path());
                } else {
                    let path = entry.path();
                    names.push(path.strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        names.sort();
        names
    }

    /// Installs an image beside the environment `from`, as an upgrade does it.
    pub(super) fn install(
        &self,
        environment: &str,
        from: Option<&str>,
        image: &Image,
        lists: &Lists,
    ) -> CarryReport {
        self.install_over(environment, from, image, None, lists)
    }

    /// As [`World::install`], with the image that `from` was made of.
    pub(super) fn install_over(
        &self,
        environment: &str,
        from: Option<&str>,
        image: &Image,
        previous: Option<&Image>,
        lists: &Lists,
    ) -> CarryReport {
        let to = name(environment);
        let from = from.map(name);
        let storage = self.system.storage();
        let root = storage.begin(&to, None, &Silent).unwrap();
        let options = UnpackOptions::default();
        unpack(
            &image.payload,
            &image.index,
            &image.table,
            &root,
            &options,
            &Silent,
        )
        .unwrap();
        let request = CarryRequest {
            from: from.as_ref(),
            to: &to,
            root: &root,
            image: &image.table,
            previous: previous.map(|image| &image.table),
            lists,
        };
        let report = carry(&self.system, &request, &Silent).unwrap();
        let mut record = Record::new(to.clone(), Timestamp::UNIX_EPOCH);
        record.carried.clone_from(&report.changed);
        self.system.store_record(&record).unwrap();
        storage.finish(&to).unwrap();
        report
    }
}

pub(super) fn name(text: &str) -> EnvName {
    text.parse().unwrap()
}

/// An image with these files; see [`write`].
pub(super) fn image(files: &[(&str, &str)]) -> Image {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(home.path(), path, text);
    }
    let options = TreeOptions {
        compression: Compression::None,
        clock: Some(Timestamp::from_second(1_000_000_000).unwrap()),
        ..TreeOptions::default()
    };
    let mut payload = Vec::new();
    let tree = Dir::open(home.path()).unwrap();
    let built = build_tree(&tree, &mut payload, &options, &Silent).unwrap();
    Image {
        payload,
        index: built.index,
        table: built.table,
    }
}

/// Makes a file; a directory of a name with a slash at its end, a link of `->TARGET`, another name of `=FILE`.
fn write(root: &Path, path: &str, text: &str) {
    let place = root.join(path);
    if path.ends_with('/') {
        fs::create_dir_all(place).unwrap();
        return;
    }
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    if let Some(target) = text.strip_prefix("->") {
        symlink(target, place).unwrap();
    } else if let Some(other) = text.strip_prefix('=') {
        fs::hard_link(root.join(other), place).unwrap();
    } else {
        fs::write(place, text).unwrap();
    }
}

pub(super) fn lists(skip: &str, obsolete: &str) -> Lists {
    Lists {
        skip: SkipList::parse(skip.as_bytes()).unwrap(),
        obsolete: ObsoleteList::parse(obsolete.as_bytes()).unwrap(),
    }
}
