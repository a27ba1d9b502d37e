//! The robots of the tenant.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::passwords;
use muster_aws::robots::{RobotChange, RobotEntry};
use muster_aws::tokens::Scope;
use muster_web::documented::{Always, Bodies, Conflicts, Missing, Operators, Queries};
use muster_web::http::StatusCode;
use muster_web::{FieldError, JsonBody, Parameters};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Manager, Reader};
use crate::credentials::{check_name, check_password, location, made, no_store, refuse};
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Page, Paging, page};
use muster_web::time;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
}

/// A robot.
#[derive(Serialize, ToSchema)]
#[schema(as = Robot)]
struct View {
    /// The name.
    #[schema(example = "acme-robot")]
    name: String,
    /// Whether it may sign in, and its tokens open anything.
    enabled: bool,
    /// The dialects that its tokens open at most.
    scopes: BTreeSet<Scope>,
    /// When it was made.
    #[schema(example = "2026-11-22T01:02:03.004Z")]
    #[serde(serialize_with = "time::millis")]
    created_at: Timestamp,
    /// When it was changed last.
    #[schema(example = "2026-11-22T01:02:03.004Z")]
    #[serde(serialize_with = "time::millis")]
    updated_at: Timestamp,
    /// When a token of it was used last, right to ten minutes; null: never.
    #[schema(required)]
    #[serde(serialize_with = "time::optional")]
    last_used_at: Option<Timestamp>,
    /// The tasks that permit it. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!([206]))]
    tasks: Option<Vec<u64>>,
    /// The password, if it was generated just now. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl From<RobotEntry> for View {
    fn from(robot: RobotEntry) -> Self {
        let RobotEntry {
            name,
            enabled,
            scopes,
            created_at,
            updated_at,
            last_used_at,
        } = robot;
        Self {
            name,
            enabled,
            scopes,
            created_at,
            updated_at,
            last_used_at,
            tasks: None,
            password: None,
        }
    }
}

impl View {
    /// The robot with its tasks, and its password if that was generated.
    async fn whole(
        app: &App,
        tenant: &str,
        robot: RobotEntry,
        generated: Option<SecretString>,
    ) -> Result<Self, Failure> {
        let tasks = app.store.tasks_of_robot(tenant, &robot.name).await?;
        Ok(Self {
            tasks: Some(tasks),
            password: generated.map(|password| password.expose_secret().to_owned()),
            ..Self::from(robot)
        })
    }
}

/// A new robot.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRobot)]
struct New {
    /// 1 to 128 characters: no control characters, none of `/ \ ? # %`, no space at the ends, not
    /// only dots.
    #[schema(example = "acme-robot", min_length = 1, max_length = 128)]
    name: String,
    /// 8 to 128 characters. Absent or null: one is generated and shown in the answer.
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<SecretString>,
    /// The dialects that its tokens open; absent or null: all.
    scopes: Option<BTreeSet<Scope>>,
}

/// What is to become of a robot; what is absent or null stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RobotChange)]
struct Change {
    /// Whether it may sign in, and its tokens open anything.
    enabled: Option<bool>,
    /// The dialects that its tokens open at most, those that are there already, too.
    scopes: Option<BTreeSet<Scope>>,
    /// Another password, of 8 to 128 characters. It ends the tokens of `/authenticate`.
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<SecretString>,
    /// Whether another password is generated and shown in the answer; not together with
    /// `password`.
    generate_password: Option<bool>,
}

impl Change {
    fn problems(&self) -> impl Iterator<Item = FieldError> {
        let password = self.password.as_ref();
        let both = password.is_some() && self.generate_password == Some(true);
        let wrong = [
            self.scopes.as_ref().and_then(check_scopes),
            password.and_then(|password| check_password("password", password)),
            both.then(|| {
                let message = "either give a password or have one generated, not both";
                FieldError::new("generate_password", message)
            }),
        ];
        wrong.into_iter().flatten()
    }
}

fn check_scopes(scopes: &BTreeSet<Scope>) -> Option<FieldError> {
    scopes.is_empty().then(|| {
        let message = "at least one of `quant`, `collaborator`, `qvalon`; a robot that is to open \
                       nothing is disabled";
        FieldError::new("scopes", message)
    })
}

/// List robots
///
/// In the order of their names, without the tasks that permit them.
#[utoipa::path(
    get, path = "/robots", tag = "Robots",
    security(("operator" = ["read"])),
    params(Paging),
    responses((status = 200, body = Page<View>), Operators, Queries, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(Paging { limit, after }): Parameters<Paging>,
) -> Result<Json<Page<View>>, Failure> {
    let (tenant, after) = (
        &session.operator.tenant,
        after.as_ref().map(|After(name)| name.as_str()),
    );
    let part = app
        .store
        .robots(tenant, after, limit.0, Timestamp::now())
        .await?;
    Ok(Json(page(part, View::from)))
}

/// Make a robot
///
/// Names are unique across all tenants.
#[utoipa::path(
    post, path = "/robots", tag = "Robots",
    security(("operator" = ["manage"])),
    request_body = New,
    responses(
        (status = 201, body = View, headers(("Location" = String, description = "Where the robot is."))),
        Operators, Conflicts, Bodies, Always,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(new): JsonBody<New>,
) -> Result<Response, Failure> {
    let New {
        name,
        password,
        scopes,
    } = new;
    let scopes = scopes.unwrap_or_else(|| Scope::ALL.into());
    let given = password.as_ref();
    let wrong = [
        check_name(&name),
        given.and_then(|password| check_password("password", password)),
        check_scopes(&scopes),
    ];
    refuse(wrong.into_iter().flatten())?;
    let (password, generated) = match password {
        Some(password) => (password, None),
        None => {
            let generated = passwords::generate()?;
            (generated.clone(), Some(generated))
        }
    };
    let (store, tenant) = (&app.store, &manager.tenant);
    let creation = store
        .create_scoped_robot(tenant, &name, password, scopes, Timestamp::now())
        .await?;
    made(creation)?;
    let found = store.get_robot(tenant, &name).await?.ok_or_else(missing)?;
    let view = View::whole(&app, tenant, found, generated).await?;
    let location = location("robots", &view.name);
    Ok((StatusCode::CREATED, location, no_store(), Json(view)).into_response())
}

/// Show a robot
#[utoipa::path(
    get, path = "/robots/{name}", tag = "Robots",
    security(("operator" = ["read"])),
    params(("name" = String, Path, description = "The robot's name.")),
    responses((status = 200, body = View), Operators, Missing, Always)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    Id(name): Id<String>,
) -> Result<Json<View>, Failure> {
    let tenant = &session.operator.tenant;
    let found = app.store.get_robot(tenant, &name).await?;
    let view = View::whole(&app, tenant, found.ok_or_else(missing)?, None).await?;
    Ok(Json(view))
}

/// Change a robot
///
/// It counts at once: a disabled robot cannot sign in and its tokens open nothing, fewer scopes
/// limit the tokens that are there already, and another password ends those of `/authenticate`.
#[utoipa::path(
    patch, path = "/robots/{name}", tag = "Robots",
    security(("operator" = ["manage"])),
    params(("name" = String, Path, description = "The robot's name.")),
    request_body = Change,
    responses((status = 200, body = View), Operators, Missing, Bodies, Always)
)]
async fn change(
    State(app): State<App>,
    Manager(manager): Manager,
    Id(name): Id<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Response, Failure> {
    refuse(change.problems())?;
    let Change {
        enabled,
        scopes,
        password,
        generate_password,
    } = change;
    let generated = match generate_password {
        Some(true) => Some(passwords::generate()?),
        Some(false) | None => None,
    };
    let change = RobotChange {
        enabled,
        scopes,
        password: generated.clone().or(password),
    };
    let tenant = &manager.tenant;
    let changed = app
        .store
        .change_robot(tenant, &name, change, Timestamp::now())
        .await?;
    let view = View::whole(&app, tenant, changed.ok_or_else(missing)?, generated).await?;
    Ok((no_store(), Json(view)).into_response())
}
