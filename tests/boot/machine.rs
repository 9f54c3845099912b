//! A machine with a medium that it boots from.

use std::fs;
use std::path::PathBuf;

use crate::image::text;
use crate::medium::{Kind, Medium};
use crate::uml;
use crate::vendor::vendor;

/// A machine that is off.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) medium: Medium,
}

impl Machine {
    /// A new one that trusts the vendor of the tests; `None`, and said, where there can be none.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let skip = |reason: &str| {
            eprintln!("skipped: boots from {}: {reason}", kind.name());
        };
        if let Some(reason) = uml::missing() {
            skip(&reason);
            return None;
        }
        match Medium::new(kind) {
            Ok(medium) => {
                let trust = medium.top().join("trust");
                crate::image::run("cp", &["-a", text(&vendor().trust()), text(&trust)]);
                Some(Self { medium })
            }
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    /// A path below the top of its medium.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.medium.top().join(name)
    }

    /// Leaves `script` for the next system that gets as far as having time for it.
    pub(crate) fn to_do(&self, script: &str) {
        fs::write(self.path("todo"), script).unwrap();
    }
}
