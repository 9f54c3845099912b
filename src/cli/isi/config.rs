use std::time::Duration;

use serde_json::json;

use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::payload::lists::PathPattern;
use crate::service::config::{Key, Origin, Setting, Settings, show_duration};

/// Show what is configured
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  isi config show";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Show(ShowArgs),
}

/// Show every setting, and where it comes from
#[derive(clap::Args, Debug)]
#[command(after_help = SHOW_HELP)]
struct ShowArgs {
    #[command(flatten)]
    list: ListArgs,
}

const SHOW_HELP: &str = "\
Flags outweigh the environment, which outweighs the configuration file. Names with a dot are keys
of the file.

Examples:
  isi config show
  isi config show --home try --format json";

const COLUMNS: &[Column] = &[
    Column {
        title: "Setting",
        place: Place::Fixed,
    },
    Column {
        title: "Value",
        place: Place::GivesWay,
    },
    Column {
        title: "Origin",
        place: Place::GivesWay,
    },
];

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::Show(args) => args.run(context),
        }
    }
}

impl ShowArgs {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let settings = context.settings()?;
        let mut rows = Vec::new();
        if let Some(home) = &settings.home {
            rows.push(row("home", &path(home)));
        }
        let mut config = row("config", &path(&settings.config));
        if let serde_json::Value::Object(fields) = &mut config.json {
            fields.insert("exists".to_owned(), settings.config_exists.into());
        }
        rows.push(config);
        let keys = Key::ALL.into_iter();
        rows.extend(keys.map(|key| row(key.name(), &shown(&settings, key))));
        let jails = settings.jails.iter();
        rows.extend(jails.map(|(name, jail)| row(&format!("jails.{name}"), &path(jail))));
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        for Row { json, cells } in &rows {
            listing.item(json, |_| cells.clone(), &mut context.out)?;
        }
        listing.finish(&[("total", rows.len().into())], &mut context.out)?;
        if !settings.config_exists {
            let file = settings.config.value.display();
            context.out.note(&format!(
                "{file} does not exist: nothing is configured there"
            ));
        }
        Ok(Exit::Done)
    }
}

/// One setting, for programs and for people.
struct Row {
    json: serde_json::Value,
    cells: Vec<Cell>,
}

/// The value of a setting as text.
fn shown(settings: &Settings, key: Key) -> Setting<String> {
    match key {
        Key::Catalog => path(&settings.catalog),
        Key::Trust => path(&settings.trust),
        Key::Certs => path(&settings.certs),
        Key::TsaCerts => path(&settings.tsa_certs),
        Key::Crls => path(&settings.crls),
        Key::Identities => path(&settings.identities),
        Key::System => path(&settings.system),
        Key::LockTimeout => duration(&settings.lock_timeout),
        Key::HookTimeout => duration(&settings.hook_timeout),
        Key::HealthTimeout => duration(&settings.health_timeout),
        Key::Skip => patterns(&settings.skip),
        Key::Devices => patterns(&settings.devices),
        Key::Privileged => patterns(&settings.privileged),
        Key::Kernel => Setting {
            value: settings.kernel.value.clone().unwrap_or_default(),
            origin: settings.kernel.origin.clone(),
        },
    }
}

fn duration(setting: &Setting<Duration>) -> Setting<String> {
    Setting {
        value: show_duration(setting.value),
        origin: setting.origin.clone(),
    }
}

fn patterns(setting: &Setting<Vec<PathPattern>>) -> Setting<String> {
    let patterns: Vec<_> = setting.value.iter().map(ToString::to_string).collect();
    Setting {
        value: patterns.join(" "),
        origin: setting.origin.clone(),
    }
}

fn path(setting: &Setting<std::path::PathBuf>) -> Setting<String> {
    Setting {
        value: setting.value.display().to_string(),
        origin: setting.origin.clone(),
    }
}

fn row(name: &str, setting: &Setting<String>) -> Row {
    let value = setting.value.as_str();
    let (short, kind, place) = match &setting.origin {
        Origin::Flag(flag) => ((*flag).to_owned(), "flag", json!(flag)),
        Origin::Environment(variable) => ((*variable).to_owned(), "environment", json!(variable)),
        Origin::File { path, line } => {
            let place = format!("{}:{line}", path.display());
            (place.clone(), "file", json!(place))
        }
        Origin::Default => ("default".to_owned(), "default", json!(null)),
    };
    Row {
        cells: vec![name.into(), value.into(), Cell::from(short)],
        json: json!({"setting": name, "value": value, "origin": kind, "from": place}),
    }
}
