use super::Refusal;
use super::facts::PackageFacts;
use crate::system::{EnvName, MAX_ENV_NAME};

/// The name of what has none.
const NAMELESS: &str = "image";

/// A name for the environment of a package that none of `taken` has.
pub(super) fn free_name(facts: &PackageFacts, taken: &[EnvName]) -> Result<EnvName, Refusal> {
    let base = base(facts);
    let mut counts = (1_u32..).take(taken.len().saturating_add(1));
    let free = counts.find_map(|count| {
        let suffix = match count {
            1 => String::new(),
            count => format!(".{count}"),
        };
        let room = MAX_ENV_NAME.saturating_sub(suffix.len());
        let base: String = base.chars().take(room).collect();
        let name: EnvName = format!("{base}{suffix}").parse().ok()?;
        (!taken.contains(&name)).then_some(name)
    });
    free.ok_or(Refusal::NoName { base })
}

/// Name and version, in the letters that the name of an environment may have.
fn base(facts: &PackageFacts) -> String {
    let text = format!("{}-{}", facts.name, facts.version);
    let plain = text.chars().map(|letter| {
        let fine = letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if fine { letter } else { '_' }
    });
    let text: String = plain.collect();
    let text = text.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    if text.is_empty() {
        return NAMELESS.to_owned();
    }
    text.to_owned()
}
