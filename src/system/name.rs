use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most bytes of a name.
pub const MAX_ENV_NAME: usize = 64;

/// The name of a boot environment: 1 to 64 of `A-Z a-z 0-9 . _ -`, the first one a letter or digit.
///
/// So it is a file name that hides nothing and leads nowhere, a word for a shell and for a kernel's command
/// line, and never has the `+` that separates it from the counters of a loader entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvName(String);

/// Text that is no name of a boot environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a name: expected 1 to 64 of A-Z a-z 0-9 . _ - that begin with a letter or digit"
)]
pub struct EnvNameError(pub String);

impl EnvName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EnvNameError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        "E_ENVIRONMENT_NAME"
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        if begins && text.len() <= MAX_ENV_NAME && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            // What is refused may be of any length.
            Err(EnvNameError(text.chars().take(2 * MAX_ENV_NAME).collect()))
        }
    }
}

impl TryFrom<String> for EnvName {
    type Error = EnvNameError;

    fn try_from(text: String) -> Result<Self, EnvNameError> {
        text.parse()
    }
}

impl From<EnvName> for String {
    fn from(name: EnvName) -> Self {
        name.0
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_short_plain_words() {
        let longest = "x".repeat(MAX_ENV_NAME);
        for name in ["a", "9.5.0", "OneFS-9_5.0", "a.conf", "a.new", &longest] {
            assert_eq!(name.parse::<EnvName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(MAX_ENV_NAME + 1);
        for name in [
            "", ".", "..", ".a", "-a", "_a", "a b", "a/b", "a+1", "a\0", "a\n", "\u{e9}", "a=b",
            &long,
        ] {
            let error = name.parse::<EnvName>().unwrap_err();
            assert_eq!(error.code(), "E_ENVIRONMENT_NAME", "{name:?}");
        }
        assert!(serde_json::from_str::<EnvName>("\"../x\"").is_err());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_one_plain_component(text in "\\PC{0,70}|[A-Za-z0-9._+/-]{0,70}") {
            if let Ok(name) = text.parse::<EnvName>() {
                let path = std::path::Path::new(name.as_str());
                prop_assert_eq!(path.components().count(), 1);
                prop_assert!(!name.as_str().starts_with('.') && !name.as_str().contains('+'));
            }
        }
    }
}
