use std::path::PathBuf;

/// Who signs.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signing options")]
pub(crate) struct SigningArgs {
    /// Sign with the private key in FILE (PEM or PKCS#8)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Certificate of the key (PEM), optionally followed by its issuers
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// Issuers of the certificate (PEM), up to but without the root
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) chain: Option<PathBuf>,

    /// Read the key's passphrase from the first line of file descriptor N
    #[arg(long, value_name = "N", requires = "key")]
    pub(crate) passphrase_fd: Option<u32>,

    /// Let a program sign: manifest in, CMS (DER) out; split at spaces, no shell
    #[arg(long, value_name = "COMMAND", conflicts_with = "key")]
    pub(crate) signer_command: Option<String>,
}

impl SigningArgs {
    /// Whether somebody shall sign.
    pub(crate) fn is_given(&self) -> bool {
        self.key.is_some() || self.signer_command.is_some()
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
        signing: SigningArgs,
    }

    fn parse(arguments: &[&str]) -> Result<SigningArgs, ErrorKind> {
        Command::try_parse_from([&["x"], arguments].concat())
            .map(|command| command.signing)
            .map_err(|error| error.kind())
    }

    #[test]
    fn key_and_certificate_belong_together() {
        assert!(parse(&["--key", "k", "--cert", "c"]).unwrap().is_given());
        assert!(!parse(&[]).unwrap().is_given());
        for arguments in [
            &["--key", "k"][..],
            &["--cert", "c"],
            &["--chain", "h"],
            &["--passphrase-fd", "3"],
        ] {
            assert_eq!(
                parse(arguments).unwrap_err(),
                ErrorKind::MissingRequiredArgument,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn one_signer_at_a_time() {
        let both = ["--signer-command", "s", "--key", "k", "--cert", "c"];
        assert_eq!(parse(&both).unwrap_err(), ErrorKind::ArgumentConflict);
        assert!(parse(&["--signer-command", "s"]).unwrap().is_given());
    }

    #[test]
    fn a_passphrase_has_no_place_on_the_command_line() {
        assert_eq!(
            parse(&["--passphrase", "secret"]).unwrap_err(),
            ErrorKind::UnknownArgument
        );
    }
}
