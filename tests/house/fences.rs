//! Which code may be used where: crates, corners of the standard library, `unsafe`.

use crate::lexer::{Kind, Token};
use crate::paths::{self, Base};
use crate::repository::{Problem, Source};

/// What is fenced, by the first parts of its path or the last, and the modules that may use it.
const FENCES: &[(&str, &[&str])] = &[
    ("openssl", &["trust"]),
    ("openssl_sys", &["trust"]),
    ("foreign_types", &["trust"]),
    ("ureq", &["trust"]),
    ("rusqlite", &["catalog"]),
    ("diffy", &["system"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["cli"]),
    ("csv", &["cli"]),
    ("dialoguer", &["cli"]),
    ("indicatif", &["cli"]),
    ("signal_hook", &["cli"]),
    ("tracing_subscriber", &["cli"]),
    ("nom", &["isi_file", "manifest", "payload", "trust"]),
    ("byteorder", &["isi_file", "manifest", "payload"]),
    ("crc", &["isi_file"]),
    ("zstd", &["payload"]),
    ("tar", &["payload"]),
    ("sha2", &["digest", "trust"]),
    ("rustix", &["fsio", "cli"]),
    ("std::fs", &["fsio"]),
    ("std::os::unix::fs", &["fsio"]),
    ("std::os::linux::fs", &["fsio"]),
    ("File::open", &["fsio"]),
    ("File::create", &["fsio"]),
    ("File::create_new", &["fsio"]),
    ("File::options", &["fsio"]),
    ("OpenOptions::new", &["fsio"]),
    ("std::env", &["cli"]),
    ("std::process", &["cli", "fsio", "trust"]),
    ("std::net", &[]),
    ("std::io::stdin", &["cli"]),
    ("std::io::stdout", &["cli"]),
    ("std::io::stderr", &["cli"]),
    ("io::stdin", &["cli"]),
    ("io::stdout", &["cli"]),
    ("io::stderr", &["cli"]),
    ("Timestamp::now", &["cli"]),
    ("SystemTime::now", &["cli"]),
    ("Instant::now", &["fsio", "cli"]),
];

/// Inside a fenced path, but fine everywhere: they work on an open file, or only tell a number.
const ANYWHERE: [&str; 4] = [
    "std::fs::File",
    "std::os::unix::fs::FileExt",
    "std::os::unix::fs::MetadataExt",
    "std::process::id",
];

/// Macros that print; only the front end speaks.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Crates that every module may use: they touch nothing outside the process.
const FREE: [&str; 9] = [
    "data_encoding",
    "jiff",
    "semver",
    "serde",
    "serde_json",
    "thiserror",
    "toml",
    "tracing",
    "isi_catalog",
];

/// The files that may hold `unsafe`: calls into libcrypto, and calls of the kernel, that no crate offers.
const UNSAFE: [&str; 2] = ["src/trust/ffi.rs", "src/fsio/subvolume.rs"];

/// Finds every use of something fenced outside its fence, in code that is not only for tests.
pub(crate) fn check(sources: &[Source]) -> Vec<Problem> {
    let test_modules = test_modules(sources);
    let mut problems = Vec::new();
    for source in sources {
        let Some(module) = source.module() else {
            continue;
        };
        if test_modules.iter().any(|tests| module.starts_with(tests)) {
            continue;
        }
        let own = module.first().map_or("the crate root", String::as_str);
        let code = Source {
            path: source.path.clone(),
            text: String::new(),
            tokens: without_tests(&source.tokens),
        };
        for named in paths::named(&code) {
            if named.base == Base::Crate {
                continue;
            }
            let path = named.parts.join("::");
            if let Some((fenced, allowed)) = fence(&path)
                && !allowed.contains(&own)
            {
                problems.push(source.problem(named.line, outside(own, fenced, allowed)));
            }
        }
        for pair in code.tokens.windows(2) {
            let printing = pair[0].word().filter(|word| PRINTING.contains(word));
            if let Some(name) = printing.filter(|_| pair[1].is('!') && own != "cli") {
                problems.push(
                    source.problem(pair[0].line, outside(own, &format!("{name}!"), &["cli"])),
                );
            }
        }
    }
    problems
}

/// Finds `unsafe` anywhere but in those files, tests and tools included.
pub(crate) fn check_unsafe(sources: &[Source]) -> Vec<Problem> {
    sources
        .iter()
        .filter(|source| !UNSAFE.contains(&source.path.as_str()))
        .flat_map(|source| {
            source
                .tokens
                .iter()
                .filter(|token| token.word() == Some("unsafe"))
                .map(|token| {
                    let text = format!("`unsafe` outside {}", UNSAFE.join(" and "));
                    source.problem(token.line, text)
                })
        })
        .collect()
}

/// Finds dependencies that are neither fenced nor declared free for all.
pub(crate) fn check_dependencies(cargo_toml: &str) -> Vec<Problem> {
    let manifest: toml::Table = cargo_toml.parse().expect("Cargo.toml");
    let names = manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.replace('-', "_"));
    names
        .filter(|name| !FREE.contains(&name.as_str()))
        .filter(|name| !FENCES.iter().any(|(fenced, _)| fenced == name))
        .map(|name| Problem {
            path: "Cargo.toml".to_owned(),
            line: 1,
            text: format!("crate `{name}` has no fence: give it one in tests/house/fences.rs"),
        })
        .collect()
}

fn outside(own: &str, fenced: &str, allowed: &[&str]) -> String {
    let place = match allowed {
        [] => "nowhere".to_owned(),
        allowed => format!("only in {}", allowed.join(", ")),
    };
    format!("`{own}` uses `{fenced}`, which is allowed {place}")
}

fn fence(path: &str) -> Option<(&'static str, &'static [&'static str])> {
    let covers = |fenced: &str| {
        let begins = path.strip_prefix(fenced);
        let ends = path.strip_suffix(fenced);
        begins.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            || ends.is_some_and(|rest| rest.ends_with("::"))
    };
    if ANYWHERE.contains(&path) {
        return None;
    }
    FENCES.iter().copied().find(|(fenced, _)| covers(fenced))
}

/// Modules declared as `#[cfg(test)] mod name;`, whose files are tests from end to end.
fn test_modules(sources: &[Source]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for source in sources {
        let Some(module) = source.module() else {
            continue;
        };
        let mut at = 0;
        while at < source.tokens.len() {
            let Some(item) = test_item(&source.tokens, at) else {
                at += 1;
                continue;
            };
            let words: Vec<&str> = source.tokens[item.start..item.end]
                .iter()
                .filter_map(Token::word)
                .collect();
            if let Some(index) = words.iter().position(|word| *word == "mod")
                && source.tokens[item.end - 1].is(';')
                && let Some(name) = words.get(index + 1)
            {
                let mut path = module.clone();
                path.push((*name).to_owned());
                found.push(path);
            }
            at = item.end;
        }
    }
    found
}

/// `tokens` without the items under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(item) = test_item(tokens, at) {
            at = item.end;
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

/// The item after a `#[cfg(test)]` or `#[cfg(all(test, ...))]` at `at`, attribute left out.
fn test_item(tokens: &[Token], at: usize) -> Option<std::ops::Range<usize>> {
    let is = |offset: usize, text: &str| tokens.get(at + offset)?.word().map(|word| word == text);
    let mark = |offset: usize, c| tokens.get(at + offset).is_some_and(|token| token.is(c));
    let plain = is(4, "test") == Some(true) && mark(5, ')');
    let all = is(4, "all") == Some(true) && mark(5, '(') && is(6, "test") == Some(true);
    let attribute = mark(0, '#') && mark(1, '[') && is(2, "cfg") == Some(true) && mark(3, '(');
    if !(attribute && (plain || all)) {
        return None;
    }
    let mut start = end_of_group(tokens, at + 1);
    while tokens.get(start).is_some_and(|token| token.is('#')) {
        start = end_of_group(tokens, start + 1);
    }
    let to_semicolon = tokens[start..]
        .iter()
        .map_while(Token::word)
        .any(|word| matches!(word, "use" | "const" | "static" | "type"));
    let mut end = start;
    while let Some(token) = tokens.get(end) {
        match token.kind {
            Kind::Mark(';') => return Some(start..end + 1),
            Kind::Mark('{') if !to_semicolon => return Some(start..end_of_group(tokens, end)),
            Kind::Mark('(' | '[' | '{') => end = end_of_group(tokens, end),
            _ => end += 1,
        }
    }
    Some(start..end)
}

/// Where the bracket that opens at `at` is closed, plus one.
fn end_of_group(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)])
            .into_iter()
            .map(|problem| problem.text)
            .collect()
    }

    #[test]
    fn a_crate_is_fine_inside_its_fence() {
        assert!(texts("src/trust/cms.rs", "use openssl::x509::X509;").is_empty());
        assert!(texts("src/catalog/mod.rs", "fn f(c: &rusqlite::Connection) {}").is_empty());
        assert!(texts("src/cli/args.rs", "#[derive(clap::Args)] struct A;").is_empty());
    }

    #[test]
    fn a_crate_outside_its_fence_is_found_however_it_is_named() {
        let planted = [
            ("src/package/mod.rs", "use openssl::x509::X509;"),
            ("src/package/mod.rs", "use {openssl::x509::X509, std::io};"),
            ("src/package/mod.rs", "fn f() { openssl::init() }"),
            ("src/package/mod.rs", "use ::openssl::x509;"),
            ("src/package/mod.rs", "use openssl as o;"),
            ("src/service/mod.rs", "#[derive(clap::Args)] struct A;"),
            ("src/trust/store.rs", "use std::fs;"),
            ("src/trust/store.rs", "use std::fs::{File, OpenOptions};"),
            ("src/trust/store.rs", "fn f() { std::fs::read(p) }"),
            ("src/trust/store.rs", "fn f() { File::open(p) }"),
            ("src/trust/store.rs", "fn f() { std::fs::File::open(p) }"),
            ("src/fsio/dir.rs", "use zstd::Decoder;"),
            ("src/catalog/mod.rs", "fn f() { jiff::Timestamp::now() }"),
            ("src/catalog/mod.rs", "fn f() { Timestamp::now() }"),
            ("src/catalog/mod.rs", "use std::env;"),
            ("src/catalog/mod.rs", "fn f() { println!() }"),
            ("src/catalog/mod.rs", "fn f() { io::stdout().write_all(b) }"),
            ("src/lib.rs", "use rusqlite::Connection;"),
        ];
        for (path, text) in planted {
            assert!(!texts(path, text).is_empty(), "{path}: {text}");
        }
    }

    #[test]
    fn an_open_file_may_go_anywhere() {
        let text = "use std::fs::File; use std::os::unix::fs::FileExt as _;";
        assert!(texts("src/package/mod.rs", text).is_empty());
    }

    #[test]
    fn tests_may_use_what_they_need() {
        let text = "#[cfg(test)] mod tests { use std::fs; fn f() { std::fs::read(p) } }";
        assert!(texts("src/package/mod.rs", text).is_empty());
        let text = "#[cfg(test)] #[path = \"x.rs\"] mod tests; #[cfg(test)] use std::fs;";
        assert!(texts("src/package/mod.rs", text).is_empty());
        let text = "#[cfg(test)] fn f() {} use std::fs;";
        assert_eq!(texts("src/package/mod.rs", text).len(), 1);
        let text = "#[cfg(not(test))] mod x { use std::fs; }";
        assert_eq!(texts("src/package/mod.rs", text).len(), 1);
    }

    #[test]
    fn a_file_declared_under_cfg_test_is_a_test() {
        let sources = [
            Source::new("src/package/mod.rs", "mod a; #[cfg(test)] mod tests;"),
            Source::new("src/package/tests.rs", "use std::fs;"),
            Source::new("src/package/tests/more.rs", "use std::fs;"),
            Source::new("src/package/a.rs", "use std::fs;"),
        ];
        let problems = check(&sources);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, "src/package/a.rs");
    }

    #[test]
    fn unsafe_is_found_everywhere_but_where_it_may_be() {
        let text = "// unsafe\nfn f() { let unsafe_name = \"unsafe\"; unsafe { g() } }";
        for path in ["src/trust/cms.rs", "tests/cli/main.rs", "xtask/src/main.rs"] {
            let problems = check_unsafe(&[Source::new(path, text)]);
            assert_eq!(problems.len(), 1, "{path}");
            assert_eq!(problems[0].line, 2);
        }
        assert!(check_unsafe(&UNSAFE.map(|path| Source::new(path, text))).is_empty());
    }

    #[test]
    fn a_new_dependency_needs_a_fence() {
        let text = "[dependencies]\nserde = \"1\"\nclap = { version = \"4\" }\nreqwest = \"1\"";
        let problems = check_dependencies(text);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].text.contains("`reqwest` has no fence"));
    }
}
