//! What boots, one start after the other, when nobody marks anything good or bad.

use std::path::Path;

use super::site::Site;
use crate::shell::Outcome;

/// Starts that are looked at: more than an environment on trial has tries.
pub const STARTS: usize = 5;

/// The names of the environments that are chosen in a row; this changes the site.
///
/// It ends early where nothing is left to boot.
pub fn boots(site: &Site) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for _ in 0..STARTS {
        let output = site.run("bootenv select")?;
        if !output.status.success() {
            break;
        }
        let path = String::from_utf8(output.stdout)?;
        let name = Path::new(path.trim()).file_name().unwrap_or_default();
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(names)
}
