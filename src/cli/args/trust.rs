use std::path::PathBuf;

use jiff::Timestamp;

use super::parse_time;
use crate::cli::{CommandError, Context};
use crate::service::config::{Given, Settings};
use crate::trust::{TrustPaths, TrustStore};

/// What is trusted, as of when.
///
/// With `--certs` nothing comes from the configuration: what is not named is not there. Without it every
/// store is the one that is configured unless it is named.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Trust options")]
pub(crate) struct TrustArgs {
    /// Where everything trusted is.
    #[arg(long, value_name = "DIR", conflicts_with = "certs")]
    #[arg(help = "Trust what DIR holds [default: trust in the home] [env: ISI_TRUST]")]
    trust: Option<PathBuf>,

    /// Trust the issuers whose certificates are in DIR, and nothing of the home's trust
    #[arg(long, value_name = "DIR", requires = "identities")]
    pub(crate) certs: Option<PathBuf>,

    /// Accept the signers that FILE (TOML) names
    #[arg(long, value_name = "FILE")]
    pub(crate) identities: Option<PathBuf>,

    /// Trust the timestamp authorities whose certificates are in DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) tsa_certs: Option<PathBuf>,

    /// Refuse what the revocation lists in DIR revoke
    #[arg(long, value_name = "DIR")]
    pub(crate) crls: Option<PathBuf>,

    /// Judge as of TIME (RFC 3339) instead of now
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<Timestamp>,

    /// Accept an unsigned package for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON")]
    pub(crate) allow_unsigned: Option<String>,
}

impl TrustArgs {
    /// Reads everything that is trusted.
    pub(crate) fn load(&self, context: &Context) -> Result<TrustStore, CommandError> {
        TrustStore::load(&self.paths(context)?).map_err(CommandError::from)
    }

    /// The time to judge as of.
    pub(crate) fn time(&self, context: &Context) -> Timestamp {
        self.at.unwrap_or(context.now)
    }

    /// Where everything that is trusted lies; the configuration is read where something is not named.
    fn paths(&self, context: &Context) -> Result<TrustPaths, CommandError> {
        if let (Some(certs), Some(identities)) = (&self.certs, &self.identities) {
            return Ok(TrustPaths {
                directory: None,
                certs: certs.clone(),
                tsa_certs: self.tsa_certs.clone(),
                crls: self.crls.clone(),
                identities: identities.clone(),
            });
        }
        let flags = Given {
            trust: self.trust.clone(),
            ..context.flags.clone()
        };
        Ok(self.over(&context.settings_under(&flags)?))
    }

    /// What is configured, but for what is named.
    fn over(&self, settings: &Settings) -> TrustPaths {
        let configured = settings.paths().trust;
        TrustPaths {
            directory: configured.directory,
            certs: configured.certs,
            tsa_certs: self.tsa_certs.clone().or(configured.tsa_certs),
            crls: self.crls.clone().or(configured.crls),
            identities: self.identities.clone().unwrap_or(configured.identities),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        trust: TrustArgs,
    }

    fn parse(arguments: &[&str]) -> Result<TrustArgs, clap::error::ErrorKind> {
        Command::try_parse_from([&["x"], arguments].concat())
            .map(|command| command.trust)
            .map_err(|error| error.kind())
    }

    #[test]
    fn anchors_without_identities_are_refused() {
        use clap::error::ErrorKind;
        assert_eq!(
            parse(&["--certs", "c"]).unwrap_err(),
            ErrorKind::MissingRequiredArgument
        );
        assert!(parse(&["--certs", "c", "--identities", "i"]).is_ok());
        assert!(parse(&["--crls", "r"]).is_ok());
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        use clap::error::ErrorKind;
        assert_eq!(
            parse(&["--at", "today"]).unwrap_err(),
            ErrorKind::ValueValidation
        );
        let at = parse(&["--at", "1970-01-01T00:00:00Z"]).unwrap().at;
        assert_eq!(at, Some(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn an_unsigned_package_needs_a_reason() {
        use clap::error::ErrorKind;
        assert_eq!(
            parse(&["--allow-unsigned"]).unwrap_err(),
            ErrorKind::InvalidValue
        );
    }

    #[test]
    fn a_directory_of_trust_does_not_go_with_its_parts() {
        use clap::error::ErrorKind;
        let both = ["--trust", "t", "--certs", "c", "--identities", "i"];
        assert_eq!(parse(&both).unwrap_err(), ErrorKind::ArgumentConflict);
        assert!(parse(&["--trust", "t", "--crls", "r"]).is_ok());
    }

    #[test]
    fn what_is_not_named_is_what_is_configured() {
        let home = tempfile::tempdir().unwrap();
        let trust = home.path().join("trust");
        std::fs::create_dir_all(trust.join("tsa-certs")).unwrap();
        let given = Given {
            home: Some(home.path().to_owned()),
            ..Given::default()
        };
        let settings = Settings::resolve(&given, &Given::default()).unwrap();
        let filled = parse(&["--crls", "r"]).unwrap().over(&settings);
        assert_eq!(filled.certs, trust.join("certs"));
        assert_eq!(filled.tsa_certs, Some(trust.join("tsa-certs")));
        assert_eq!(filled.crls, Some("r".into()));
        assert_eq!(filled.identities, trust.join("identities.toml"));
        assert_eq!(TrustArgs::default().over(&settings).crls, None);
    }
}
