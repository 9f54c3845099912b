//! The third part: a machine gets the image, keeps it, meets a bad one, and goes back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{DONE, Demo, PROBLEMS, expect};
use crate::shell::{self, Outcome, failure};

/// The system below `home`, and the environments that the images become.
const ENVIRONMENTS: &str = "home/system/environments";
const FIRST: &str = "Example_OS-9.5.0.0";
const SECOND: &str = "Example_OS-9.6.0.0";
const BAD: &str = "Example_OS-9.7.0.0";

/// A health check of the vendor: the shell is that of the image.
const HEALTH: &str = "#!/bin/sh\ntest \"$(cat /etc/healthy)\" = yes\n";

impl Demo {
    /// What a system has to have so that programs run in it, in the tree that becomes the image.
    pub(super) fn make_bootable(&self) -> Outcome {
        let tree = self.directory.join("tree");
        for directory in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
            fs::create_dir_all(tree.join(directory))?;
        }
        let Some(busybox) = shell::found("busybox") else {
            return failure("busybox is not there");
        };
        fs::copy(busybox, tree.join("bin/busybox"))?;
        std::os::unix::fs::symlink("busybox", tree.join("bin/sh"))?;
        std::os::unix::fs::symlink("busybox", tree.join("bin/cat"))?;
        fs::write(tree.join("etc/healthy"), "yes\n")?;
        fs::write(tree.join("etc/motd"), "Example OS 9.5\n")?;
        Ok(())
    }

    /// Installs, upgrades, breaks and repairs a system.
    pub(super) fn machine(&mut self) -> Outcome {
        println!("\n== the machine");
        let id = self.id("install.isi")?;
        self.show(
            "What installing the image would do",
            &format!("isi upgrade start --install-image-id {id} --home home --dry-run"),
        )?;
        self.show(
            "Install it into a fresh system",
            &format!("isi upgrade start --install-image-id {id} --home home"),
        )?;
        self.boots(FIRST, "It starts", DONE)?;
        self.show(
            "Make it permanent",
            "isi upgrade commit --home home --force",
        )?;

        self.next_image("9.6.0.0", "yes")?;
        self.show(
            "Upgrade by path: verified, imported, installed beside the old one",
            "isi upgrade start --install-image-path 9.6.0.0.isi --home home",
        )?;
        self.boots(
            SECOND,
            "It starts, and its vendor's check finds it well",
            DONE,
        )?;
        self.show(
            "Make it permanent",
            "isi upgrade commit --home home --force",
        )?;

        self.next_image("9.7.0.0", "no")?;
        self.show(
            "Upgrade to an image that will not be well",
            "isi upgrade start --install-image-path 9.7.0.0.isi --home home",
        )?;
        self.boots(BAD, "It starts, and its vendor's check fails", PROBLEMS)?;
        self.boots(SECOND, "The next start finds the way back", DONE)?;
        self.show("What became of it", "isi upgrade view --home home")?;
        self.show("All upgrades", "isi upgrade history --home home")?;
        self.repair()
    }

    /// A damaged file is found and put right.
    fn repair(&mut self) -> Outcome {
        let shell = self
            .directory
            .join(ENVIRONMENTS)
            .join(SECOND)
            .join("bin/busybox");
        let mut bytes = fs::read(&shell)?;
        if let Some(byte) = bytes.get_mut(4_000) {
            *byte ^= 1;
        }
        fs::write(&shell, bytes)?;
        let verify = "isi upgrade verify-installed --home home";
        self.show_exit("One flipped bit in an installed file", verify, PROBLEMS)?;
        self.show(
            "Repair it from the catalog",
            "isi upgrade verify-installed --home home --fix --force",
        )?;
        self.show("Everything is as it was signed", verify)
    }

    /// Plays a start of the machine: its selector chooses, and what was chosen looks at itself.
    fn boots(&mut self, environment: &str, title: &str, code: i32) -> Outcome {
        self.show(
            &format!("{environment} is selected"),
            "isi upgrade bootenv select --home home",
        )?;
        self.show_exit(title, "isi upgrade bootenv check --home home", code)
    }

    /// Builds, signs and timestamps the next image, quietly: how that is done was seen.
    fn next_image(&mut self, version: &str, healthy: &str) -> Outcome {
        let title = format!("The vendor makes version {version}");
        self.step(&title, |demo| {
            fs::write(demo.directory.join("tree/etc/healthy"), format!("{healthy}\n"))?;
            let check = demo.directory.join("health");
            fs::write(&check, HEALTH)?;
            fs::set_permissions(&check, fs::Permissions::from_mode(0o755))?;
            let package = format!("{version}.isi");
            for line in [
                format!(
                    "isi_packager create --tree tree --output {package} --type onefs --name Example_OS \
                     --version {version} --description 'Example OS {version}' \
                     --health-check well=health"
                ),
                format!(
                    "isi_packager sign --package {package} \
                     --key home/keys/signer.key --cert home/keys/signer.pem"
                ),
                format!(
                    "isi_packager timestamp --package {package} \
                     --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem"
                ),
            ] {
                let output = demo.command(&line).output()?;
                expect(&output, DONE)?;
            }
            Ok(())
        })
    }
}
