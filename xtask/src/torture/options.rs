//! The flags of `cargo xtask torture`.

use std::path::PathBuf;

use crate::shell::{Outcome, failure};

/// The parts, in the order they run.
pub const PARTS: &[&str] = &["kill", "fault", "power", "damage"];

/// How much of what is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A few minutes instead of all points.
    pub short: bool,
    /// The only part to run.
    pub only: Option<String>,
    /// The only command to torture: part of its name.
    pub command: Option<String>,
    /// Where the programs are, if they are not to be built.
    pub programs: Option<PathBuf>,
    /// What random choices follow from.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            short: false,
            only: None,
            command: None,
            programs: None,
            seed: 1,
        }
    }
}

impl Options {
    /// Reads the flags.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            if flag == "--short" {
                options.short = true;
                continue;
            }
            let Some(value) = rest.next() else {
                return failure(format!("{flag} needs a value"));
            };
            match flag.as_str() {
                "--only" if PARTS.contains(&value.as_str()) => options.only = Some(value.clone()),
                "--only" => {
                    let parts = PARTS.join(", ");
                    return failure(format!("expected one of {parts}, found {value:?}"));
                }
                "--command" => options.command = Some(value.clone()),
                "--programs" => options.programs = Some(value.into()),
                "--seed" => options.seed = value.parse()?,
                _ => {
                    return failure(format!(
                        "expected --short, --only, --command, --programs or --seed, found {flag:?}"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// Whether a part is wanted.
    pub fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }

    /// Whether a command is wanted.
    pub fn wants_command(&self, name: &str) -> bool {
        self.command
            .as_deref()
            .is_none_or(|part| name.contains(part))
    }

    /// The most points of a row: `few` in the short version, else all.
    pub fn most(&self, few: usize) -> usize {
        if self.short { few } else { usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Outcome<Options> {
        let owned: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Options::parse(&owned)
    }

    #[test]
    fn flags_choose_part_command_and_seed() -> Outcome {
        let options = parse(&[
            "--only",
            "kill",
            "--short",
            "--seed",
            "7",
            "--command",
            "export",
        ])?;
        assert!(options.wants("kill") && !options.wants("power"));
        assert!(options.wants_command("export over a file") && !options.wants_command("import"));
        assert_eq!((options.seed, options.most(3)), (7, 3));
        let all = parse(&[])?;
        assert!(all.wants("kill") && all.wants("damage") && all.wants_command("import"));
        assert_eq!(all.most(3), usize::MAX);
        for bad in [
            &["--only"][..],
            &["--only", "x"],
            &["--seed", "x"],
            &["x", "y"],
            &["-x"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        Ok(())
    }
}
