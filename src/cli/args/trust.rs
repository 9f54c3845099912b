use std::path::PathBuf;

use jiff::Timestamp;

use super::{Paths, parse_time};
use crate::cli::{CommandError, Context};
use crate::trust::{TrustPaths, TrustStore};

/// What is trusted, as of when.
///
/// With `--certs` nothing comes from the home: what is not named is not there. Without it every store
/// comes from the home unless it is named.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Trust options")]
pub(crate) struct TrustArgs {
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
        TrustStore::load(&self.paths(&context.paths)).map_err(CommandError::from)
    }

    /// The time to judge as of.
    pub(crate) fn time(&self, context: &Context) -> Timestamp {
        self.at.unwrap_or(context.now)
    }

    /// Where everything that is trusted lies.
    ///
    /// A directory that is named must be there; the home's own for authorities and revocation lists
    /// need not.
    pub(crate) fn paths(&self, home: &Paths) -> TrustPaths {
        let of_home = |name| Some(home.trust.join(name)).filter(|path| path.exists());
        let (tsa_certs, crls) = match self.certs {
            Some(_) => (None, None),
            None => (of_home("tsa-certs"), of_home("crls")),
        };
        let named_or_home =
            |named: &Option<PathBuf>, name| named.clone().unwrap_or_else(|| home.trust.join(name));
        TrustPaths {
            certs: named_or_home(&self.certs, "certs"),
            tsa_certs: self.tsa_certs.clone().or(tsa_certs),
            crls: self.crls.clone().or(crls),
            identities: named_or_home(&self.identities, "identities.toml"),
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
    fn named_anchors_stand_alone_and_the_home_fills_in_otherwise() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::below(Some(home.path()));
        let trust = home.path().join("trust");
        std::fs::create_dir_all(trust.join("tsa-certs")).unwrap();
        let named = parse(&["--certs", "c", "--identities", "i"])
            .unwrap()
            .paths(&paths);
        assert_eq!(named.certs, PathBuf::from("c"));
        assert_eq!((named.tsa_certs, named.crls), (None, None));
        let filled = parse(&["--crls", "r"]).unwrap().paths(&paths);
        assert_eq!(filled.certs, trust.join("certs"));
        assert_eq!(filled.tsa_certs, Some(trust.join("tsa-certs")));
        assert_eq!(filled.crls, Some("r".into()));
        assert_eq!(filled.identities, trust.join("identities.toml"));
        assert_eq!(TrustArgs::default().paths(&paths).crls, None);
    }
}
