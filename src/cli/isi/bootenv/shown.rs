use crate::service::EnvironmentItem;

/// Whether an environment may be booted, in a word or two.
pub(super) fn state(item: &EnvironmentItem) -> String {
    match (item.state.name(), item.tries_left) {
        ("trial", Some(left)) => format!("trial, {left} left"),
        (name, _) => name.to_owned(),
    }
}

/// What an environment is at the moment.
pub(super) fn roles(item: &EnvironmentItem) -> String {
    let names: Vec<_> = item.roles.iter().map(|role| role.name()).collect();
    names.join(", ")
}
