//! The files beside a package: its SHA-256, and detached signatures over the whole file.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{credentials, open};
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context};
use crate::digest::{HashingReader, PackageId};
use crate::fsio::{Dir, FsError, OnExisting, OutputFile, ReadAt as _};
use crate::progress::Progress as _;
use crate::trust::{DetachedKey, cosign};

/// What is written beside the package.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Side file options")]
pub(super) struct SideFileArgs {
    /// Do not write FILE.sha256
    #[arg(long)]
    no_sha256: bool,

    /// Write FILE.sig and FILE.sigstore.json, too, signed with the P-256 key in KEY
    #[arg(long, value_name = "KEY")]
    cosign_key: Option<PathBuf>,

    /// Read that key's passphrase from file descriptor N
    #[arg(long, value_name = "N", requires = "cosign_key")]
    cosign_passphrase_fd: Option<u32>,
}

/// What will be written beside a package, keys at hand.
pub(super) struct SideFiles {
    package: PathBuf,
    sha256: bool,
    key: Option<DetachedKey>,
}

const SHA256: &str = ".sha256";
const SIGNATURE: &str = ".sig";
const BUNDLE: &str = ".sigstore.json";

impl SideFileArgs {
    /// Reads the key, before any work begins.
    pub(super) fn prepare(
        &self,
        package: &Path,
        context: &Context,
    ) -> Result<SideFiles, CommandError> {
        let key = self.cosign_key.as_deref();
        let descriptor = self.cosign_passphrase_fd;
        Ok(SideFiles {
            package: package.to_owned(),
            sha256: !self.no_sha256,
            key: key
                .map(|key| credentials::detached_key(key, descriptor, context))
                .transpose()?,
        })
    }
}

impl SideFiles {
    /// Refuses when a file that will be written is there already.
    pub(super) fn refuse_existing(&self) -> Result<(), CommandError> {
        for path in [SHA256, SIGNATURE, BUNDLE].map(|ending| self.beside(ending)) {
            if path.symlink_metadata().is_ok() {
                return Err(FsError::Exists { path }.into());
            }
        }
        Ok(())
    }

    /// Writes all that is wanted about the package with this ID, and removes what fits no longer.
    pub(super) fn write(&self, id: PackageId, context: &mut Context) -> Result<(), CommandError> {
        self.remove_stale(context)?;
        if self.sha256 {
            write(&self.beside(SHA256), &checksum_line(id, &self.package))?;
        }
        if let Some(key) = &self.key {
            let signature = cosign::sign_detached(key, &id.digest())?;
            write(&self.beside(SIGNATURE), signature.base64().as_bytes())?;
            write(&self.beside(BUNDLE), signature.bundle_json().as_bytes())?;
        }
        Ok(())
    }

    /// As [`SideFiles::write`], for a package that was sealed anew.
    pub(super) fn refresh(&self, context: &mut Context) -> Result<(), CommandError> {
        self.remove_stale(context)?;
        if !self.sha256 && self.key.is_none() {
            return Ok(());
        }
        let id = identify(&self.package, context)?;
        self.write(id, context)
    }

    /// A checksum or signature of other bytes is worse than none.
    fn remove_stale(&self, context: &mut Context) -> Result<(), CommandError> {
        let stale = [
            (SHA256, !self.sha256),
            (SIGNATURE, self.key.is_none()),
            (BUNDLE, self.key.is_none()),
        ];
        for (ending, _) in stale.iter().filter(|(_, unwanted)| *unwanted) {
            let path = self.beside(ending);
            let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let here = Path::new(".");
            let directory = Some(directory).filter(|path| !path.as_os_str().is_empty());
            match Dir::open(directory.unwrap_or(here))?.remove_file(name) {
                Ok(()) => {
                    let path = path.display();
                    context.out.note(&format!(
                        "removed {path}: it was over the package as it was"
                    ));
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = OsString::from(&self.package);
        path.push(ending);
        path.into()
    }
}

/// Hashes the whole file.
fn identify(path: &Path, context: &Context) -> Result<PackageId, CommandError> {
    let file = open::regular(path)?;
    let bar = Bar::new(&context.out, &context.interrupt);
    bar.begin(
        "hash",
        file.length().map_err(FsError::system("examine", path))?,
    );
    let mut reader = HashingReader::new(file);
    let mut buffer = vec![0; 1 << 18];
    loop {
        context.interrupt.check()?;
        let read = reader
            .read(&mut buffer)
            .map_err(FsError::system("read", path))?;
        if read == 0 {
            return Ok(PackageId::new(reader.finish().0));
        }
        bar.advance(u64::try_from(read).unwrap_or(0));
    }
}

/// One line as `sha256sum` writes and checks it; odd names are escaped as it does.
fn checksum_line(id: PackageId, package: &Path) -> Vec<u8> {
    let name = package.file_name().unwrap_or_default().as_bytes();
    let mut line = Vec::new();
    let mut escaped = Vec::new();
    for byte in name {
        match byte {
            b'\\' => escaped.extend(b"\\\\"),
            b'\n' => escaped.extend(b"\\n"),
            b'\r' => escaped.extend(b"\\r"),
            other => escaped.push(*other),
        }
    }
    if escaped != name {
        line.push(b'\\');
    }
    line.extend(id.to_string().bytes());
    line.extend(b"  ");
    line.extend(escaped);
    line.push(b'\n');
    line
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let mut file = OutputFile::create(path, 0o644, OnExisting::Replace)?;
    file.write_all(bytes)
        .map_err(FsError::system("write", path))?;
    drop(file.commit()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;

    #[test]
    fn the_line_is_what_sha256sum_writes() {
        let id = PackageId::new(Sha256Digest::of(b"abc"));
        let line = |name: &str| String::from_utf8(checksum_line(id, Path::new(name))).unwrap();
        assert_eq!(line("a/b c.isi"), format!("{id}  b c.isi\n"));
        assert_eq!(line("a\\b\n.isi"), format!("\\{id}  a\\\\b\\n.isi\n"));
    }
}
