//! The roles of the tenant: what tasks can map to, and users can be.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_aws::roles::{PutRoles, Roles};
use muster_web::documented::{Always, Bodies, Conflicts, Operators};
use muster_web::http::StatusCode;
use muster_web::{FieldError, JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Manager, Reader};
use crate::failure::Failure;
use crate::tasks::unacceptable;

/// Tasks that a sentence names.
const NAMED: usize = 10;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, replace))
}

/// The roles of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Roles)]
struct View {
    /// How often they were changed.
    #[schema(example = 3)]
    version: u64,
    /// The roles, sorted.
    #[schema(example = json!(["Category Manager", "Store Manager"]))]
    roles: Vec<String>,
}

/// The roles that a tenant is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RolesChange {
    /// The version that was seen; 0 before there are any roles.
    version: u64,
    /// All roles, in any order: at most 500 different ones of 1 to 256 characters; `Robot` is none.
    #[schema(max_items = 500, example = json!(["Category Manager", "Store Manager"]))]
    roles: Vec<String>,
}

impl From<Roles> for View {
    fn from(Roles { version, roles, .. }: Roles) -> Self {
        Self {
            version,
            roles: roles.into_iter().collect(),
        }
    }
}

/// List the roles
#[utoipa::path(
    get, path = "/roles", tag = "Roles",
    security(("operator" = ["read"])),
    responses((status = 200, body = View), Operators, Always)
)]
async fn show(State(app): State<App>, Reader(session): Reader) -> Result<Json<View>, Failure> {
    let roles = app.store.get_roles(&session.operator.tenant).await?;
    Ok(Json(roles.into()))
}

/// Replace the roles
///
/// A role that a task maps to cannot go. Sending the same again changes nothing.
#[utoipa::path(
    put, path = "/roles", tag = "Roles",
    security(("operator" = ["manage"])),
    request_body = RolesChange,
    responses((status = 200, body = View), Bodies, Conflicts, Operators, Always)
)]
async fn replace(
    State(app): State<App>,
    Manager(operator): Manager,
    JsonBody(RolesChange { version, roles }): JsonBody<RolesChange>,
) -> Result<Json<View>, Failure> {
    let now = Timestamp::now();
    match app.store.put_roles(&operator, version, roles, now).await? {
        PutRoles::Stored(roles) => Ok(Json(roles.into())),
        PutRoles::Refused(problems) => Err(unacceptable(problems)),
        PutRoles::Changed(roles) => Err(changed(version, &roles).into()),
        PutRoles::InUse(tasks) => Err(in_use(&tasks).into()),
    }
}

fn changed(seen: u64, roles: &Roles) -> Problem {
    let who = match (&roles.updated_by, roles.updated_at) {
        (Some(name), Some(at)) => format!(", {name} changed them last, at {at:.3}"),
        _ => String::new(),
    };
    let detail = format!(
        "nothing was changed: the roles are at version {}, the request names version {seen}{who}; \
         read them again and make the change to these",
        roles.version
    );
    Problem::new(StatusCode::CONFLICT, detail)
}

fn in_use(tasks: &BTreeMap<String, Vec<u64>>) -> Problem {
    let sentences = tasks.iter().map(|(role, ids)| {
        let named: Vec<_> = ids.iter().take(NAMED).map(u64::to_string).collect();
        let more = match ids.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let noun = if ids.len() == 1 { "task" } else { "tasks" };
        format!("{role:?} is mapped to by {noun} {}{more}", named.join(", "))
    });
    let sentences: Vec<String> = sentences.collect();
    let detail = format!(
        "nothing was changed: {}; change these tasks first",
        sentences.join("; ")
    );
    let errors = sentences.into_iter();
    let errors = errors.map(|sentence| FieldError::new("roles", sentence));
    Problem::new(StatusCode::CONFLICT, detail).with_errors(errors.collect())
}
