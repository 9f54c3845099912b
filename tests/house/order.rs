//! Imports point one way: a module uses lower modules and itself, nothing beside it and nothing above.

use crate::paths::{self, Base};
use crate::repository::{Problem, Source};

/// The modules, lowest level first; modules on one level do not use each other.
const LEVELS: [&[&str]; 8] = [
    &["digest", "limits", "release", "progress"],
    &["fsio"],
    &["isi_file", "manifest", "trust", "payload"],
    &["package"],
    &["catalog", "system"],
    &["upgrade"],
    &["service"],
    &["cli"],
];

/// The name under which binaries and tests see the library.
const LIBRARY: &str = "isi_catalog";

/// Finds every path that points up or sideways, and every module without a level.
///
/// Code under `#[cfg(test)]` is held to it as well: a module whose tests need a higher one could not
/// be cut out. `src/lib.rs` names all modules and is not looked at, nor are the binaries above them.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        let Some(module) = source.module() else {
            continue;
        };
        let Some(own) = module.first() else {
            continue;
        };
        let Some(own_level) = level(own) else {
            problems.push(source.problem(
                1,
                format!(
                    "module `{own}` has no place in the order: give it one in tests/house/order.rs"
                ),
            ));
            continue;
        };
        for named in paths::named(source) {
            let root = match named.base {
                Base::Crate => named.parts.as_slice(),
                Base::Outside if named.parts.first().is_some_and(|part| part == LIBRARY) => {
                    named.parts.get(1..).unwrap_or_default()
                }
                Base::Outside => continue,
            };
            let Some(other) = root.first() else {
                continue;
            };
            if let Some(text) = complaint(own, own_level, other) {
                problems.push(source.problem(named.line, text));
            }
        }
    }
    problems
}

fn complaint(own: &str, own_level: usize, other: &str) -> Option<String> {
    match level(other) {
        _ if own == other => None,
        Some(level) if level < own_level => None,
        Some(level) if level == own_level => Some(format!(
            "`{own}` uses `{other}` beside it: modules on one level do not use each other"
        )),
        Some(_) => Some(format!(
            "`{own}` uses `{other}` above it: imports point down"
        )),
        None => Some(format!(
            "`{own}` names `crate::{other}`, which is no module: name things by their module"
        )),
    }
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)])
            .into_iter()
            .map(|problem| format!("{}: {}", problem.line, problem.text))
            .collect()
    }

    #[test]
    fn down_and_inside_is_fine() {
        let text = "use crate::{digest::PackageId, fsio}; use super::cms; use self::x::Y;";
        assert!(texts("src/trust/chain.rs", text).is_empty());
        assert!(texts("src/lib.rs", "use crate::cli::x;").is_empty());
        assert!(texts("src/bin/isi.rs", "fn main() { isi_catalog::cli::main() }").is_empty());
        assert!(texts("tests/cli/main.rs", "use isi_catalog::cli;").is_empty());
    }

    #[test]
    fn up_is_found_however_it_is_written() {
        let up = [
            "use crate::catalog::Catalog;",
            "use crate::{digest::PackageId, catalog::{self, Catalog}};",
            "fn f() { crate::catalog::open() }",
            "fn f() -> super::super::catalog::Catalog {}",
            "mod tests { use super::super::super::catalog; }",
            "#[cfg(test)] mod tests { use crate::catalog; }",
            "pub(crate) use crate::catalog as trust;",
            "use isi_catalog::catalog;",
            "fn f<T: crate::catalog::Store>() {}",
        ];
        for text in up {
            let found = texts("src/trust/chain.rs", text);
            assert!(!found.is_empty(), "{text}");
            assert!(found[0].contains("`catalog` above it"), "{text}: {found:?}");
        }
    }

    #[test]
    fn sideways_is_found() {
        let found = texts("src/trust/chain.rs", "\nuse crate::isi_file::Envelope;");
        assert_eq!(
            found,
            ["2: `trust` uses `isi_file` beside it: modules on one level do not use each other"]
        );
        assert_eq!(
            texts("src/digest.rs", "use super::progress::Silent;").len(),
            1
        );
    }

    #[test]
    fn the_root_is_no_way_round() {
        for text in ["use crate::Catalog;", "use crate::*;", "use crate as all;"] {
            let found = texts("src/trust/chain.rs", text);
            assert!(found[0].contains("is no module"), "{text}: {found:?}");
        }
        assert_eq!(texts("src/trust.rs", "use super::*;").len(), 1);
    }

    #[test]
    fn a_new_module_needs_a_place() {
        let found = texts("src/delta/mod.rs", "");
        assert!(found[0].contains("no place in the order"), "{found:?}");
    }
}
