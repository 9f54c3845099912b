//! Two images of one small system, old and new.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::boot;
use super::site::Site;
use crate::shell::{self, Outcome, failure};
use crate::torture::place::{program, remove, told};
use crate::torture::world::World;

/// An image to be made.
struct Kit {
    /// Name of the package's file.
    name: &'static str,
    version: &'static str,
    counter: &'static str,
    fill: fn(&Path) -> Outcome,
    /// What is in the kernel that it brings, if it does.
    kernel: Option<&'static str>,
    /// Whether a health check comes with it that fails.
    ill: bool,
}

const KITS: &[Kit] = &[
    Kit {
        name: "old",
        version: "1.0",
        counter: "1",
        fill: old,
        kernel: None,
        ill: false,
    },
    Kit {
        name: "new",
        version: "2.0",
        counter: "2",
        fill: new,
        kernel: None,
        ill: false,
    },
    Kit {
        name: "old-with-kernel",
        version: "1.0",
        counter: "1",
        fill: old,
        kernel: Some("the old kernel\n"),
        ill: false,
    },
    Kit {
        name: "new-with-kernel",
        version: "2.0",
        counter: "2",
        fill: new,
        kernel: Some("the new kernel\n"),
        ill: false,
    },
    Kit {
        name: "ill",
        version: "2.1",
        counter: "3",
        fill: new,
        kernel: None,
        ill: true,
    },
];

/// Makes all packages below `packages`, signed with a key of `world`.
pub fn create(world: &World, packages: &Path) -> Outcome {
    for kit in KITS {
        make(world, kit, packages)?;
    }
    Ok(())
}

fn make(world: &World, kit: &Kit, packages: &Path) -> Outcome {
    let tree = packages.join("tree");
    remove(&tree)?;
    fs::create_dir(&tree)?;
    fs::set_permissions(&tree, Permissions::from_mode(0o755))?;
    (kit.fill)(&tree)?;
    age(&tree)?;
    let output = packages.join(format!("{}.isi", kit.name));
    let mut create = shell::command(program("isi_packager"));
    create
        .args([
            "create",
            "--type",
            "onefs",
            "--name",
            "Torture_OS",
            "--product",
            "Torture_OS",
        ])
        .args(["--version", kit.version, "--release-counter", kit.counter])
        .args([
            "--description",
            "A system to torture",
            "--rollback",
            "true",
            "--restart",
            "reboot",
        ])
        .arg("--tree")
        .arg(&tree)
        .arg("--output")
        .arg(&output);
    for (flag, name) in [
        ("--key", "signer.key"),
        ("--cert", "signer.pem"),
        ("--tsa-key", "tsa.key"),
        ("--tsa-cert", "tsa.pem"),
    ] {
        create.arg(flag).arg(world.keys().join(name));
    }
    for (kind, name, script) in scripts(kit) {
        let file = packages.join(name);
        fs::write(&file, script)?;
        let region = format!("kind={kind},name={name},file={}", file.display());
        create.arg("--region").arg(region);
    }
    let output = create.output()?;
    if output.status.success() {
        Ok(())
    } else {
        failure(told(&output))
    }
}

/// What is run in the root: the hook leaves a file there that says so.
fn scripts(kit: &Kit) -> Vec<(&'static str, &'static str, &'static str)> {
    let health = if kit.ill {
        "#!/bin/sh\nexit 1\n"
    } else {
        "#!/bin/sh\ntest -e /etc/hosts\n"
    };
    let kernel = kit.kernel.map(|kernel| ("kernel", "generic", kernel));
    let others = [
        ("hook", "post-install", "#!/bin/sh\necho done > /etc/hook\n"),
        ("health-check", "hosts", health),
        ("obsolete-list", "obsolete", "/usr/lib/obsolete\n"),
    ];
    others.into_iter().chain(kernel).collect()
}

/// Fills a root with the old system.
pub fn old(root: &Path) -> Outcome {
    common(root)?;
    file(root, "etc/motd", "Torture OS 1\n")?;
    file(
        root,
        "etc/service.conf",
        "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n",
    )?;
    file(root, "usr/bin/tool", &"tool of the old system\n".repeat(40))?;
    file(root, "usr/lib/obsolete", "old\n")
}

fn new(root: &Path) -> Outcome {
    common(root)?;
    file(root, "etc/motd", "Torture OS 2\n")?;
    file(
        root,
        "etc/service.conf",
        "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 6\n",
    )?;
    file(
        root,
        "usr/bin/tool",
        &"tool of the new system\n".repeat(400),
    )?;
    file(root, "usr/lib/added/deep/file", "new\n")
}

/// What both have: programs to run hooks with, and one of each kind of file.
fn common(root: &Path) -> Outcome {
    for directory in ["bin", "dev", "proc", "tmp", "var/empty"] {
        fs::create_dir_all(root.join(directory))?;
    }
    fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777))?;
    let busybox = ["/usr/bin/busybox", "/bin/busybox"].map(PathBuf::from);
    if let Some(busybox) = busybox.iter().find(|path| path.is_file()) {
        fs::copy(busybox, root.join("bin/busybox"))?;
    }
    for applet in ["sh", "test", "echo", "cat", "poweroff"] {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    file(root, "sbin/init", boot::INIT)?;
    fs::set_permissions(root.join("sbin/init"), Permissions::from_mode(0o755))?;
    file(root, "etc/hosts", "127.0.0.1 localhost\n")?;
    file(root, "etc/shadow", "root:*:1::::::\n")?;
    fs::set_permissions(root.join("etc/shadow"), Permissions::from_mode(0o640))?;
    chown(root.join("etc/shadow"), Some(0), Some(42))?;
    file(root, "usr/share/name with space", "x")?;
    file(root, "usr/bin/one", "the same file\n")?;
    fs::hard_link(root.join("usr/bin/one"), root.join("usr/bin/two"))?;
    symlink("../share/name with space", root.join("usr/bin/link"))?;
    Ok(())
}

/// What the operator of the old system does: hosts of his own, and one line that the vendor leaves alone.
pub fn operate(site: &Site) -> Outcome {
    each(site, |root| {
        fs::write(
            root.join("etc/hosts"),
            "127.0.0.1 localhost\n10.0.0.1 rack4\n",
        )?;
        fs::write(
            root.join("etc/service.conf"),
            "one = 9\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n",
        )?;
        file(root, "etc/local.conf", "local\n")
    })
}

/// One of everything that a repair puts right: content, permissions, owner, a file and a link that are gone.
pub fn damage(site: &Site) -> Outcome {
    each(site, |root| {
        fs::write(root.join("usr/bin/tool"), "worm\n")?;
        let space = root.join("usr/share/name with space");
        fs::set_permissions(&space, Permissions::from_mode(0o666))?;
        chown(&space, Some(4711), None)?;
        fs::remove_file(root.join("usr/bin/one"))?;
        fs::remove_file(root.join("usr/bin/link"))?;
        fs::remove_dir_all(root.join("var"))?;
        fs::remove_file(root.join("bin/test"))?;
        symlink("sh", root.join("bin/test")).map_err(Into::into)
    })
}

fn each(site: &Site, work: impl Fn(&Path) -> Outcome) -> Outcome {
    for entry in fs::read_dir(site.environments())? {
        work(&entry?.path())?;
    }
    Ok(())
}

fn file(root: &Path, name: &str, content: &str) -> Outcome {
    let path = root.join(name);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    Ok(fs::write(path, content)?)
}

/// Gives every file a time of long ago, as those of a real package have.
fn age(directory: &Path) -> Outcome {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            age(&entry.path())?;
        }
        if !kind.is_symlink() {
            File::open(entry.path())?.set_modified(long_ago)?;
        }
    }
    Ok(())
}
