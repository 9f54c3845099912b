//! Builds, signs and shows packages; see `isi_packager --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    isi_catalog::cli::main::<isi_catalog::cli::packager::IsiPackager>()
}
