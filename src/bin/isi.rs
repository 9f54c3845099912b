//! Keeps, shows and installs packages; see `isi --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    isi_catalog::cli::main::<isi_catalog::cli::isi::Isi>()
}
