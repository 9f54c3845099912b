use crate::fsio::OnExisting;

/// What happens to an output that is there already.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct OverwriteArgs {
    /// Replace an output that exists
    #[arg(long)]
    overwrite: bool,
}

impl OverwriteArgs {
    pub(crate) const fn on_existing(self) -> OnExisting {
        if self.overwrite {
            OnExisting::Replace
        } else {
            OnExisting::Refuse
        }
    }
}
