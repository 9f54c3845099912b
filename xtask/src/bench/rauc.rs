//! RAUC beside us, on machines where it is installed.

use std::fs;
use std::path::Path;

use super::subjects::Subject;
use crate::shell::{self, Outcome};

/// A bundle of the same payload: built, and checked byte for byte.
pub fn subjects(directory: &Path) -> Outcome<Vec<Subject>> {
    if !(shell::installed("rauc") && shell::installed("mksquashfs")) {
        println!("rauc or squashfs-tools is not installed: left out");
        return Ok(Vec::new());
    }
    let content = directory.join("rauc");
    fs::create_dir_all(&content)?;
    fs::write(
        content.join("manifest.raucm"),
        "[update]\ncompatible=bench\nversion=1\n\n[image.rootfs]\nfilename=payload.img\n",
    )?;
    shell::run(&mut shell::typed(directory, "cp payload rauc/payload.img"))?;
    keys(directory)?;
    let bundle = "rauc --cert rauc.pem --key rauc.key bundle '--mksquashfs-args=-noI -noD -noF -noX' rauc bundle.raucb";
    let check = "rauc --keyring rauc.pem info bundle.raucb";
    Ok(vec![
        Subject {
            name: "rauc bundle",
            line: bundle.into(),
            before: &["bundle.raucb"],
        },
        Subject {
            name: "rauc info",
            line: check.into(),
            before: &[],
        },
    ])
}

/// A key and a certificate to sign bundles with.
pub fn keys(directory: &Path) -> Outcome {
    let line = "openssl req -x509 -newkey rsa:3072 -nodes -keyout rauc.key -out rauc.pem -days 2 -subj /CN=bench";
    let mut command = shell::typed(directory, line);
    if shell::succeeds(&mut command) {
        Ok(())
    } else {
        shell::failure(format!("{} failed", shell::show(&command)))
    }
}
