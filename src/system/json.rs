//! The JSON files of a system: read as what they should be, or refused; written whole.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{SYSTEM_SCHEMA, SystemError};
use crate::fsio::Dir;

/// Most bytes of such a file.
const MAX_FILE: u64 = 16 << 20;

/// The part of a file that is looked at before the rest is believed.
#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

/// Reads a file; nothing if there is none. One that a newer version made is refused, whatever is in it.
pub(super) fn read<T: DeserializeOwned>(
    root: &Dir,
    name: impl AsRef<Path>,
) -> Result<Option<T>, SystemError> {
    let name = name.as_ref();
    let bytes = match root.read_bounded(name, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let path = || root.path().join(name);
    let damaged = |error: serde_json::Error| SystemError::Damaged {
        path: path(),
        detail: error.to_string(),
    };
    let Schema { schema } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if schema > SYSTEM_SCHEMA {
        return Err(SystemError::Newer {
            path: path(),
            found: schema,
            supported: SYSTEM_SCHEMA,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Replaces a file, or makes it, with these permissions.
pub(super) fn write<T: Serialize>(
    root: &Dir,
    name: impl AsRef<Path>,
    value: &T,
    mode: u32,
) -> Result<(), SystemError> {
    let name = name.as_ref();
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| SystemError::Damaged {
        path: root.path().join(name),
        detail: error.to_string(),
    })?;
    text.push(b'\n');
    Ok(root.replace_file(name, &text, mode)?)
}
