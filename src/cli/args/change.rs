/// Flags of every command that takes something away.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct ChangeArgs {
    /// Only say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Answer yes to the question, and nothing else
    #[arg(long, short = 'f')]
    pub(crate) force: bool,
}
