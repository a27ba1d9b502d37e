//! Operators sign in, look who they are, and sign out.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::Store;
use muster_aws::operators::{Operator, Role, VerifiedOperator};
use muster_aws::sessions::Session;
use muster_aws::throttle::LoginGate;
use muster_web::documented::{Always, Bodies, Operators};
use muster_web::http::{HeaderMap, StatusCode};
use muster_web::{ClientAddress, FieldError, JsonBody, Problem, headers};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Reader, no_session};
use crate::credentials::{check_password, no_store, refuse};
use crate::failure::Failure;
use muster_web::time;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(current, end))
        .routes(routes!(change_password))
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The operator's name.
    name: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
struct Begun {
    /// The bearer token; it is not shown again.
    token: String,
    /// When it ends.
    #[serde(serialize_with = "time::millis")]
    expires_at: Timestamp,
    /// Whose it is.
    operator: Who,
}

/// The present password and the next one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Passwords {
    /// The present password.
    #[schema(value_type = String, format = Password)]
    current: SecretString,
    /// The next one: 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new: SecretString,
}

/// An operator, as a session has it.
#[derive(Serialize, ToSchema)]
struct Who {
    /// The name.
    name: String,
    /// The tenant.
    tenant: String,
    /// What the operator may do.
    role: Role,
}

/// The session that a request is made in.
#[derive(Serialize, ToSchema)]
struct Current {
    #[serde(flatten)]
    operator: Who,
    /// When it ends.
    #[serde(serialize_with = "time::millis")]
    expires_at: Timestamp,
}

impl From<Operator> for Who {
    fn from(Operator { tenant, name, role }: Operator) -> Self {
        Self { name, tenant, role }
    }
}

/// Sign in
#[utoipa::path(
    post, path = "/sessions", tag = "Sessions",
    request_body = Credentials,
    responses(
        (status = 201, description = "Signed in, for eight hours.", body = Begun),
        (status = 401, description = "Wrong name or password.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
        Bodies, Always,
    )
)]
async fn begin(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    JsonBody(Credentials { name, password }): JsonBody<Credentials>,
) -> Result<Response, Failure> {
    let now = Timestamp::now();
    let Some(verified) = verify(&app.store, &name, password, &address, now).await? else {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "wrong name or password");
        return Err(problem.into());
    };
    let (token, expires_at) = app.store.begin_session(&verified, now).await?;
    let begun = Begun {
        token: token.expose_secret().to_owned(),
        expires_at,
        operator: verified.operator.into(),
    };
    Ok((StatusCode::CREATED, no_store(), Json(begun)).into_response())
}

/// The operator with this name and this password, unless too many wrong ones were tried.
async fn verify(
    store: &Store,
    name: &str,
    password: SecretString,
    address: &str,
    now: Timestamp,
) -> Result<Option<VerifiedOperator>, Failure> {
    // Robots have a name space of their own, and so have the failures of their names.
    let throttled_as = format!("operator {name}");
    let attempt = match store.begin_login(&throttled_as, address, now).await? {
        LoginGate::Open(attempt) => attempt,
        LoginGate::Throttled { seconds } => {
            let detail = format!("too many attempts: try again in {seconds} seconds");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
            return Err(problem.with_retry_after(seconds).into());
        }
    };
    let verified = store.verify_operator(name, password).await?;
    match verified {
        Some(_) => store.login_succeeded(attempt).await?,
        None => store.login_failed(attempt).await?,
    }
    Ok(verified)
}

/// Who is signed in
#[utoipa::path(
    get, path = "/session", tag = "Sessions",
    security(("operator" = ["read"])),
    responses((status = 200, body = Current), Operators, Always)
)]
async fn current(Reader(session): Reader) -> Json<Current> {
    let Session {
        operator,
        expires_at,
    } = session;
    Json(Current {
        operator: operator.into(),
        expires_at,
    })
}

/// Sign out
#[utoipa::path(
    delete, path = "/session", tag = "Sessions",
    security(("operator" = ["read"])),
    responses((status = 204, description = "The session is over."), Operators, Always)
)]
async fn end(
    State(app): State<App>,
    Reader(_): Reader,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    if let Some(text) = headers::token(&headers) {
        app.store.end_session(text).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Change one's own password
///
/// All other sessions of the operator end; this one goes on.
#[utoipa::path(
    put, path = "/session/password", tag = "Sessions",
    security(("operator" = ["read"])),
    request_body = Passwords,
    responses(
        (status = 204, description = "The new password is the right one from now on."),
        (status = 429, description = "Too many wrong passwords; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
        Operators, Bodies, Always,
    )
)]
async fn change_password(
    State(app): State<App>,
    Reader(session): Reader,
    headers: HeaderMap,
    ClientAddress(address): ClientAddress,
    JsonBody(Passwords { current, new }): JsonBody<Passwords>,
) -> Result<StatusCode, Failure> {
    refuse(check_password("new", &new))?;
    let (operator, now) = (session.operator, Timestamp::now());
    let verified = verify(&app.store, &operator.name, current, &address, now).await?;
    let wrong = || FieldError::new("current", "this is not your present password");
    refuse(verified.is_none().then(wrong))?;
    let text = headers::token(&headers).unwrap_or_default();
    let changed = app
        .store
        .change_own_password(text, &operator, new, now)
        .await?;
    if changed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_session())
    }
}
