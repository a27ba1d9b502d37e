//! Checks of settings before they are stored: the checks of the settings alone, and for roles and
//! robots that the tenant does not have. Values that a task already has are not checked again when
//! something else in it changes.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::roles::{self, role_problem};
use muster_core::settings::{FieldProblem, TaskSettings};

use super::Tasks;
use crate::error::StoreError;

/// Maximum bytes of the settings as JSON; DynamoDB limits a row to 400 KB.
const MAX_SETTINGS_BYTES: usize = 300_000;
/// Maximum concurrent lookups of robots.
const CONCURRENT_LOOKUPS: usize = 8;

/// Returns the size of the settings as JSON, in bytes.
pub(super) fn bytes(settings: &TaskSettings) -> usize {
    serde_json::to_string(settings).map_or(0, |json| json.len())
}

/// Returns the problems of the settings alone.
pub(super) fn problems(settings: &TaskSettings) -> Vec<FieldProblem> {
    let mut problems = settings.check().err().unwrap_or_default();
    let bytes = bytes(settings);
    if bytes > MAX_SETTINGS_BYTES {
        problems.push(FieldProblem::new(
            "settings",
            format!("the settings take {bytes} bytes; expected at most {MAX_SETTINGS_BYTES}"),
        ));
    }
    problems
}

/// Returns the problems of the task of a setup, which creates the robot `robot`, if any, and the
/// roles that the task maps to.
pub(crate) fn set_up_problems(settings: &TaskSettings, robot: Option<&str>) -> Vec<FieldProblem> {
    let mut problems = problems(settings);
    let permitted = settings.permitted_robots.iter().enumerate();
    problems.extend(
        permitted
            .filter(|(_, name)| robot != Some(name.as_str()))
            .map(|(index, name)| unknown_robot(index, name)),
    );
    problems.extend(with_mapped(&BTreeSet::new(), settings).err());
    problems
}

fn unknown_robot(index: usize, name: &str) -> FieldProblem {
    FieldProblem::new(
        format!("permitted_robots.{index}"),
        format!("the tenant has no robot {name:?}: create it first, or correct the name"),
    )
}

/// Returns `roles` together with those that the settings map to.
pub(super) fn with_mapped(
    roles: &BTreeSet<String>,
    settings: &TaskSettings,
) -> Result<BTreeSet<String>, FieldProblem> {
    let mut all = roles.clone();
    all.extend(settings.role_mapping.values().cloned());
    if all == *roles {
        return Ok(all);
    }
    let listed: Vec<String> = all.iter().cloned().collect();
    // Problems of a single role are already reported as problems of the settings.
    let too_many = roles::problems(&listed)
        .into_iter()
        .find(|problem| problem.field == "roles");
    match too_many {
        Some(problem) => Err(FieldProblem::new("role_mapping", problem.message)),
        None => Ok(all),
    }
}

/// Returns a problem for each mapped role that is not in `roles`. Mappings that `known` contains
/// are not checked.
pub(super) fn unknown_roles(
    roles: &BTreeSet<String>,
    settings: &TaskSettings,
    known: Option<&TaskSettings>,
) -> Vec<FieldProblem> {
    let mapped = settings.role_mapping.iter();
    mapped
        .filter(|(text, role)| {
            known.and_then(|known| known.role_mapping.get(*text)) != Some(role)
                && role_problem(role).is_none()
                && !roles.contains(*role)
        })
        .map(|(text, role)| {
            FieldProblem::new(
                format!("role_mapping.{text}"),
                format!(
                    "the tenant has no role {role:?}: add it to the roles first, or choose one of \
                     them"
                ),
            )
        })
        .collect()
}

impl Tasks<'_> {
    /// Returns a problem for each permitted robot that the tenant does not have. Robots that
    /// `known` permits are not checked.
    pub(super) async fn unknown_robots(
        self,
        tenant: &str,
        settings: &TaskSettings,
        known: Option<&TaskSettings>,
    ) -> Result<Vec<FieldProblem>, StoreError> {
        let known = known.map_or(&[][..], |known| &known.permitted_robots);
        let named = settings.permitted_robots.iter().cloned().enumerate();
        let new: Vec<_> = named.filter(|(_, name)| !known.contains(name)).collect();
        let problems: Vec<_> = stream::iter(new)
            .map(|(index, name)| async move {
                let exists = self.store.robots().exists(tenant, &name).await?;
                Ok::<_, StoreError>((!exists).then(|| unknown_robot(index, &name)))
            })
            .buffered(CONCURRENT_LOOKUPS)
            .try_collect()
            .await?;
        Ok(problems.into_iter().flatten().collect())
    }
}
