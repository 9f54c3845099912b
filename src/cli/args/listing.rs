/// How data is printed.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Format {
    // Columns for people.
    #[default]
    Table,
    // JSON with a schema number, IDs in full.
    Json,
    // Comma-separated values (RFC 4180), IDs in full.
    Csv,
    // One block of lines for each item, IDs in full.
    List,
}

/// Flags of every command that prints a list.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output options")]
pub(crate) struct ListArgs {
    /// How the list is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,

    /// Leave out the names of the columns
    #[arg(long, short = 'a')]
    pub(crate) no_header: bool,

    /// Leave out the line with the total
    #[arg(long, short = 'z')]
    pub(crate) no_footer: bool,

    /// Sort by this column
    #[arg(long, value_name = "COLUMN")]
    pub(crate) sort: Option<String>,

    /// Sort from the last to the first
    #[arg(long, short = 'd', requires = "sort")]
    pub(crate) descending: bool,

    /// Print at most N items
    #[arg(long, short = 'l', value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// Flags of every command that prints one thing.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output options")]
pub(crate) struct OutputArgs {
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: OutputFormat,
}

/// How one thing is printed.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum OutputFormat {
    // Text for people.
    #[default]
    #[value(alias = "table")]
    Text,
    // JSON with a schema number.
    Json,
}

impl OutputArgs {
    /// Whether a program reads it.
    pub(crate) fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        list: ListArgs,
    }

    fn parse(arguments: &[&str]) -> Result<ListArgs, clap::error::ErrorKind> {
        Command::try_parse_from([&["x"], arguments].concat())
            .map(|command| command.list)
            .map_err(|error| error.kind())
    }

    #[test]
    fn a_table_unless_asked_otherwise() {
        assert_eq!(parse(&[]).unwrap().format, Format::Table);
        for (word, format) in [
            ("table", Format::Table),
            ("json", Format::Json),
            ("csv", Format::Csv),
            ("list", Format::List),
        ] {
            assert_eq!(parse(&["--format", word]).unwrap().format, format);
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        use clap::error::ErrorKind;
        for (arguments, kind) in [
            (&["--format", "xml"][..], ErrorKind::InvalidValue),
            (&["--format", "JSON"], ErrorKind::InvalidValue),
            (&["--limit", "-1"], ErrorKind::UnknownArgument),
            (&["--limit", "many"], ErrorKind::ValueValidation),
            (&["--descending"], ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parse(arguments).unwrap_err(), kind, "{arguments:?}");
        }
    }
}
