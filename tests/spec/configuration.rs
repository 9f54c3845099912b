//! The page of the configuration against the code.

use std::path::Path;

use isi_catalog::service::config::{ConfigFile, Key, MAX_CONFIG_FILE, ValueKind};

use crate::markdown::{between, page, rows};

#[test]
fn every_key_is_as_written() {
    let text = page("configuration.md");
    let written = rows(&between(&text, "keys:CONFIGURATION"));
    let written: Vec<_> = written.iter().map(|cells| cells[..4].to_vec()).collect();
    let coded: Vec<_> = Key::ALL
        .iter()
        .map(|key| {
            let kind = match key.kind() {
                ValueKind::Path => "path",
                ValueKind::Duration => "duration",
                ValueKind::Patterns => "patterns",
                ValueKind::Name => "name",
            };
            let cells = [
                key.name(),
                kind,
                key.flag().unwrap_or_default(),
                key.variable().unwrap_or_default(),
            ];
            cells.map(str::to_owned).to_vec()
        })
        .collect();
    assert_eq!(written, coded);
}

#[test]
fn the_example_is_accepted_and_shows_every_table() {
    let text = page("configuration.md");
    let example = text.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    ConfigFile::parse(example, Path::new("/etc/isi/upgrade.toml")).unwrap();
    for key in Key::ALL {
        let table = key.name().split('.').next().unwrap();
        assert!(example.contains(&format!("[{table}]")), "{table}");
    }
}

#[test]
fn the_limit_of_the_file_is_as_written() {
    assert_eq!(MAX_CONFIG_FILE, 65_536);
    assert_eq!(page("configuration.md").matches("65,536").count(), 2);
}
