use serde_json::json;

use super::Local;
use crate::service::{
    Call, ConflictItem, Decision, ResolveReply, ResolveRequest, SCHEMA, ServiceError,
};
use crate::system::{CarryError, Choice, Conflicts, EnvName, System, resolve};

impl Local {
    pub(super) fn upgrade_resolve(
        &self,
        request: &ResolveRequest,
        call: &Call<'_>,
    ) -> Result<ResolveReply, ServiceError> {
        let system = self.system(&request.target)?;
        let root = system.root().path().to_owned();
        let Some(decision) = &request.decision else {
            return Ok(ResolveReply {
                schema: SCHEMA,
                root,
                resolved: Vec::new(),
                conflicts: meant(&system, request)?,
            });
        };
        let _held = self.hold(&system, call)?;
        let resolved = meant(&system, request)?;
        for item in &resolved {
            resolve(&system, &item.environment, &item.path, choice(decision))?;
            let details = json!({
                "environment": item.environment,
                "path": item.path,
                "kind": item.kind,
                "decision": word(decision),
            });
            self.note("upgrade-resolve", &system, details, call);
        }
        Ok(ResolveReply {
            schema: SCHEMA,
            root,
            resolved,
            conflicts: all(&system, request.environment.as_ref())?,
        })
    }
}

/// The conflicts that a request means; one that is named has to be there.
fn meant(system: &System, request: &ResolveRequest) -> Result<Vec<ConflictItem>, ServiceError> {
    let all = all(system, request.environment.as_ref())?;
    if request.paths.is_empty() {
        return Ok(all);
    }
    for path in &request.paths {
        if !all.iter().any(|item| item.path == *path) {
            let path = path.clone();
            let environment = request.environment.clone();
            return Err(CarryError::NoConflict { environment, path }.into());
        }
    }
    let mut named = all;
    named.retain(|item| request.paths.contains(&item.path));
    Ok(named)
}

fn all(system: &System, only: Option<&EnvName>) -> Result<Vec<ConflictItem>, ServiceError> {
    let names = match only {
        Some(name) => vec![name.clone()],
        None => system.storage().names()?,
    };
    let mut items = Vec::new();
    for name in names {
        let conflicts = Conflicts::open(system, &name)?;
        for conflict in conflicts.list() {
            let text = || system.root().path().join(conflicts.text_of(&conflict.path));
            items.push(ConflictItem {
                environment: name.clone(),
                path: conflict.path.clone(),
                kind: conflict.kind,
                reason: conflict.kind.label().to_owned(),
                merged: conflict.merged.then(text),
            });
        }
    }
    Ok(items)
}

fn choice(decision: &Decision) -> Choice<'_> {
    match decision {
        Decision::Ours => Choice::Ours,
        Decision::Theirs => Choice::Theirs,
        Decision::Text { text, label } => Choice::Text { text, from: label },
    }
}

const fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Ours => "ours",
        Decision::Theirs => "theirs",
        Decision::Text { .. } => "file",
    }
}
