use std::process::ExitCode;

/// How a command that could do its work ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Done.
    Done,
    /// Some of the work is done, and some of it failed or was refused, as was said meanwhile.
    SomeFailed,
    /// The work is done and the answer is that there are problems.
    ProblemsFound,
    /// The work is done and the answer is that the package is not trusted.
    NotTrusted,
}

impl Exit {
    /// The number the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::ProblemsFound => 3,
            Self::NotTrusted => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
