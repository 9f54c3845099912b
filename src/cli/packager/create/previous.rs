use std::path::Path;

use crate::cli::args::TrustArgs;
use crate::cli::packager::open;
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context};
use crate::payload::FileTable;

/// What the package at `path` holds, which has to be trusted: what it says is deleted on machines.
pub(super) fn files_of(
    path: &Path,
    trust: &TrustArgs,
    context: &Context,
) -> Result<FileTable, CommandError> {
    let bar = Bar::new(&context.out, &context.interrupt);
    let package = open::verified(path, trust, &bar, context)?;
    drop(bar);
    let attempting = |error: CommandError| error.attempting(open::attempt("read", path));
    match package.tree() {
        Ok(Some(tree)) => Ok(tree.table),
        Ok(None) => Err(attempting(
            CommandError::failed("it has no file table: nobody can tell what it held")
                .code("E_NOT_FOUND")
                .hint("name a package that was built from a directory, or give --obsolete-list"),
        )),
        Err(error) => Err(attempting(error.into())),
    }
}
