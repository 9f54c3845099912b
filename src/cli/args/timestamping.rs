use std::path::PathBuf;

/// Who timestamps.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Timestamp options")]
#[expect(clippy::struct_field_names, reason = "the flags begin so")]
pub(crate) struct TimestampingArgs {
    /// Ask the timestamp authority at URL (RFC 3161 over HTTP or HTTPS)
    #[arg(long, value_name = "URL", conflicts_with = "tsa_key")]
    pub(crate) tsa_url: Option<String>,

    /// Timestamp with the private key of an authority in FILE
    #[arg(long, value_name = "FILE", requires = "tsa_cert")]
    pub(crate) tsa_key: Option<PathBuf>,

    /// Certificate of the authority (PEM), optionally followed by its issuers
    #[arg(long, value_name = "FILE", requires = "tsa_key")]
    pub(crate) tsa_cert: Option<PathBuf>,

    /// Issuers of the authority's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tsa_cert")]
    pub(crate) tsa_chain: Option<PathBuf>,

    /// Read the passphrase of the authority's key from file descriptor N
    #[arg(long, value_name = "N", requires = "tsa_key")]
    pub(crate) tsa_passphrase_fd: Option<u32>,
}

impl TimestampingArgs {
    /// Whether somebody shall timestamp.
    pub(crate) fn is_given(&self) -> bool {
        self.tsa_url.is_some() || self.tsa_key.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use clap::error::ErrorKind;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        timestamping: TimestampingArgs,
    }

    fn parse(arguments: &[&str]) -> Result<TimestampingArgs, ErrorKind> {
        Command::try_parse_from([&["x"], arguments].concat())
            .map(|command| command.timestamping)
            .map_err(|error| error.kind())
    }

    #[test]
    fn one_authority_at_a_time() {
        assert!(parse(&["--tsa-url", "http://t"]).unwrap().is_given());
        let local = ["--tsa-key", "k", "--tsa-cert", "c"];
        assert!(parse(&local).unwrap().is_given());
        let both = [&local[..], &["--tsa-url", "http://t"]].concat();
        assert_eq!(parse(&both).unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(
            parse(&["--tsa-key", "k"]).unwrap_err(),
            ErrorKind::MissingRequiredArgument
        );
    }
}
