//! What keeps settings from being stored: beyond what is wrong in themselves, roles and robots that
//! the tenant does not have. What a task already had is not questioned when something else of it
//! changes.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use muster_core::roles::{self, role_problem};
use muster_core::settings::{FieldProblem, TaskSettings};

use crate::{Store, StoreError};

/// Bytes of the settings as JSON; a row ends at 400 KB.
const LARGEST: usize = 300_000;
/// Robots that are looked up at once.
const LOOKS: usize = 8;

/// Bytes of the settings as JSON.
pub(super) fn bytes(settings: &TaskSettings) -> usize {
    serde_json::to_string(settings).map_or(0, |json| json.len())
}

/// What is wrong with the settings in themselves.
pub(super) fn problems(settings: &TaskSettings) -> Vec<FieldProblem> {
    let mut problems = settings.check().err().unwrap_or_default();
    let bytes = bytes(settings);
    if bytes > LARGEST {
        problems.push(FieldProblem::new(
            "settings",
            format!("all settings together take {bytes} bytes; {LARGEST} fit"),
        ));
    }
    problems
}

/// What keeps the task of a set-up from being stored: it makes the robot, if there is one, and the
/// roles that are mapped to.
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
        format!("the tenant has no robot {name:?}: make it first, or put the name right"),
    )
}

/// Roles, and those that the settings map to.
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
    // What is wrong with one of them is wrong with the settings in themselves.
    let too_many = roles::problems(&listed)
        .into_iter()
        .find(|problem| problem.field == "roles");
    match too_many {
        Some(problem) => Err(FieldProblem::new("role_mapping", problem.message)),
        None => Ok(all),
    }
}

/// The mapped roles that are not among `roles`; not asked: what `known` maps in the same way.
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
                    "{role:?} is no role of the tenant: add it to the roles first, or choose one \
                     of them"
                ),
            )
        })
        .collect()
}

impl Store {
    /// The permitted robots that the tenant does not have; not asked: those that `known` permits.
    pub(super) async fn unknown_robots(
        &self,
        tenant: &str,
        settings: &TaskSettings,
        known: Option<&TaskSettings>,
    ) -> Result<Vec<FieldProblem>, StoreError> {
        let known = known.map_or(&[][..], |known| &known.permitted_robots);
        let named = settings.permitted_robots.iter().cloned().enumerate();
        let new: Vec<_> = named.filter(|(_, name)| !known.contains(name)).collect();
        let problems: Vec<_> = stream::iter(new)
            .map(|(index, name)| async move {
                let exists = self.robot_exists(tenant, &name).await?;
                Ok::<_, StoreError>((!exists).then(|| unknown_robot(index, &name)))
            })
            .buffered(LOOKS)
            .try_collect()
            .await?;
        Ok(problems.into_iter().flatten().collect())
    }
}
