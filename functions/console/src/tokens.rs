//! The API tokens of the tenant's robots.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::robots::RobotEntry;
use muster_aws::tokens::Scope;
use muster_aws::tokens::api::{NewToken, TokenEntry, TokenStatus};
use muster_web::documented::{Always, Bodies, Missing, Operators, Queries};
use muster_web::http::StatusCode;
use muster_web::{FieldError, JsonBody, Parameters, Problem};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Manager, Reader};
use crate::credentials::{location, no_store};
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page, page};
use muster_web::time;

/// Characters of a title.
const LONGEST_TITLE: usize = 200;
/// Seconds that a token may live: a minute to ten years.
const LIFETIMES: RangeInclusive<u64> = 60..=315_360_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, revoke))
}

/// An API token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct View {
    /// The id.
    #[schema(example = "019aa8fd-7c5e-7a10-9a3b-0c5d9f6b1e42")]
    id: String,
    /// The name of its robot.
    #[schema(example = "acme-robot")]
    robot: String,
    /// What it is for; may be empty.
    #[schema(example = "Nightly import")]
    title: String,
    /// The dialects that it opens, as far as its robot may.
    scopes: BTreeSet<Scope>,
    /// When it was issued.
    #[schema(example = "2026-11-22T01:02:03.004Z")]
    #[serde(serialize_with = "time::millis")]
    created_at: Timestamp,
    /// The name of the operator who issued it.
    #[schema(example = "anna")]
    created_by: String,
    /// When it ends; null: never.
    #[schema(required)]
    #[serde(serialize_with = "time::optional")]
    expires_at: Option<Timestamp>,
    /// When it was used last, right to ten minutes; null: never.
    #[schema(required)]
    #[serde(serialize_with = "time::optional")]
    last_used_at: Option<Timestamp>,
    /// When it was revoked; null: it was not.
    #[schema(required)]
    #[serde(serialize_with = "time::optional")]
    revoked_at: Option<Timestamp>,
    /// Whether it can be used.
    status: TokenStatus,
    /// The token itself, if it was issued just now. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl View {
    fn of(token: TokenEntry, now: Timestamp) -> Self {
        let status = token.status(now);
        let TokenEntry {
            id,
            robot,
            title,
            scopes,
            created_at,
            created_by,
            expires_at,
            last_used_at,
            revoked_at,
        } = token;
        Self {
            id,
            robot,
            title,
            scopes,
            created_at,
            created_by,
            expires_at,
            last_used_at,
            revoked_at,
            status,
            token: None,
        }
    }
}

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
struct New {
    /// The name of the robot that it is for.
    #[schema(example = "acme-robot")]
    robot: String,
    /// What it is for: one line of at most 200 characters.
    #[schema(example = "Nightly import", max_length = 200)]
    title: Option<String>,
    /// The dialects that it opens, of those that its robot may; absent or null: all of these.
    scopes: Option<BTreeSet<Scope>>,
    /// How many seconds it lives; absent or null: until it is revoked.
    #[schema(minimum = 60, maximum = 315_360_000)]
    lifetime_seconds: Option<u64>,
}

impl New {
    /// What keeps it from being issued for this robot, if there is one.
    fn problems(&self, robot: Option<&RobotEntry>) -> Vec<FieldError> {
        let no_robot = || FieldError::new("robot", "the tenant has no robot of this name");
        let first = match robot {
            Some(robot) => self.scopes_problem(robot),
            None => Some(no_robot()),
        };
        let title = self.title.as_deref().unwrap_or_default();
        let one_line = title.chars().count() <= LONGEST_TITLE && !title.contains(char::is_control);
        let lifetime = self.lifetime_seconds;
        let wrong = [
            first,
            (!one_line).then(|| {
                FieldError::new("title", "a title is one line of at most 200 characters")
            }),
            lifetime.filter(|seconds| !LIFETIMES.contains(seconds)).map(|_| {
                let message = "a token lives 60 to 315,360,000 seconds (ten years); left out, it \
                               lives until it is revoked";
                FieldError::new("lifetime_seconds", message)
            }),
        ];
        wrong.into_iter().flatten().collect()
    }

    fn scopes_problem(&self, robot: &RobotEntry) -> Option<FieldError> {
        let asked = self.scopes.as_ref()?;
        let message = if asked.is_empty() {
            "at least one of `quant`, `collaborator`, `qvalon`; left out, all that the robot may \
             open"
        } else if asked.is_subset(&robot.scopes) {
            return None;
        } else {
            "the robot itself may not open all of these: change its scopes first"
        };
        Some(FieldError::new("scopes", message))
    }
}

/// Which tokens are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only those of the robot with this name.
    robot: Option<String>,
    /// How many things the page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After<String>>,
}

/// List tokens
///
/// The newest first. Revoked and expired ones are listed for 90 more days; those of
/// `/authenticate` are not.
#[utoipa::path(
    get, path = "/tokens", tag = "Tokens",
    security(("operator" = ["read"])),
    params(Which),
    responses((status = 200, body = Page<View>), Operators, Queries, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Page<View>>, Failure> {
    let Which {
        robot,
        limit,
        after,
    } = which;
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let part = app
        .store
        .tokens(
            tenant,
            robot.as_deref(),
            after.as_ref().map(|After(name)| name.as_str()),
            limit.0,
            now,
        )
        .await?;
    Ok(Json(page(part, |token| View::of(token, now))))
}

/// Issue a token
///
/// The token itself is shown in the answer and nowhere else.
#[utoipa::path(
    post, path = "/tokens", tag = "Tokens",
    security(("operator" = ["manage"])),
    request_body = New,
    responses(
        (status = 201, body = View, headers(("Location" = String, description = "Where the token is described."))),
        Operators, Bodies, Always,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(manager): Manager,
    JsonBody(new): JsonBody<New>,
) -> Result<Response, Failure> {
    let robot = app.store.get_robot(&manager.tenant, &new.robot).await?;
    let wrong = new.problems(robot.as_ref());
    let Some(robot) = robot.filter(|_| wrong.is_empty()) else {
        return Err(Problem::unacceptable(wrong).into());
    };
    let New {
        robot: _,
        title,
        scopes,
        lifetime_seconds,
    } = new;
    let new = NewToken {
        tenant: manager.tenant,
        robot: robot.name,
        title: title.unwrap_or_default(),
        scopes: scopes.unwrap_or(robot.scopes),
        lifetime: lifetime_seconds.map(Duration::from_secs),
        created_by: manager.name,
    };
    let now = Timestamp::now();
    let (token, text) = app.store.create_token(new, now).await?;
    let mut view = View::of(token, now);
    view.token = Some(text.expose_secret().to_owned());
    let location = location("tokens", &view.id);
    Ok((StatusCode::CREATED, location, no_store(), Json(view)).into_response())
}

/// Show a token
#[utoipa::path(
    get, path = "/tokens/{id}", tag = "Tokens",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 200, body = View), Operators, Missing, Always)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<String>,
) -> Result<Json<View>, Failure> {
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let found = app.store.get_token(tenant, &id, now).await?;
    Ok(Json(View::of(found.ok_or_else(missing)?, now)))
}

/// Revoke a token
///
/// It opens nothing from now on. Revoking it again changes nothing.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "Tokens",
    security(("operator" = ["manage"])),
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 200, body = View), Operators, Missing, Always)
)]
async fn revoke(
    State(app): State<App>,
    Manager(manager): Manager,
    Id(id): Id<String>,
) -> Result<Json<View>, Failure> {
    let now = Timestamp::now();
    let found = app.store.revoke_token(&manager.tenant, &id, now).await?;
    Ok(Json(View::of(found.ok_or_else(missing)?, now)))
}
