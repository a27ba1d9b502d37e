//! `POST /authenticate`: a robot signs in and gets a token for half an hour (CONTRACT §1).
//! An unknown name, a wrong password, a disabled robot and their timing cannot be told apart.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use muster_aws::error::UNREACHABLE;
use muster_aws::throttle::LoginGate;
use muster_aws::{Store, StoreError};
use muster_web::http::{HeaderValue, StatusCode, header};
use muster_web::{Body, ClientAddress, RequestId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where robots sign in.
const PATH: &str = "/authenticate";
/// How long a token lives.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// After this a sign-in is given up, so that the function still answers before it is stopped
/// (`AuthFunction` in `infra/template.yaml`): the store can keep several calls waiting for longer.
pub const PATIENCE: Duration = Duration::from_millis(8_500);
/// Bytes of a sign-in; a name and a password take far less.
const MOST_BYTES: usize = 10_000;

/// The function's routes. Their description is made apart, not at every cold start.
pub fn router(store: Store) -> Router {
    let router = Router::new().route(PATH, post(authenticate));
    muster_web::finish(router.with_state(store))
}

/// What the function's routes are documented as.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<Store>::new()
        .routes(routes!(authenticate))
        .into_openapi()
}

/// Who signs in.
#[derive(ToSchema)]
#[schema(as = SignIn, example = json!({"username": "acme-robot", "password": "its password"}))]
struct Credentials {
    /// The robot's name.
    username: String,
    /// The robot's password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// The answer, successful or not.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
struct Reply<'a> {
    /// The bearer token, good for 30 minutes; empty if there is none.
    token: &'a str,
    /// `SUCCESS`, or why not.
    status: &'a str,
}

/// Sign a robot in
///
/// The token opens the three dialects, within the robot's scopes, for 30 minutes.
#[utoipa::path(
    post, path = PATH, tag = "Sign-in",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = Reply<'static>),
        (status = 400, description = "The request cannot be read.", body = Reply<'static>),
        (status = 401, description = "Wrong user name or password; the same for an unknown one.", body = Reply<'static>),
        (status = 429, description = "Too many attempts; `Retry-After` has the seconds to wait.", body = Reply<'static>),
        (status = 500, description = "The service failed.", body = Reply<'static>),
    )
)]
async fn authenticate(
    State(store): State<Store>,
    Extension(request_id): Extension<RequestId>,
    Extension(body): Extension<Body>,
    ClientAddress(address): ClientAddress,
) -> Response {
    let credentials = match credentials(body) {
        Ok(credentials) => credentials,
        Err(problem) => return refusal(StatusCode::BAD_REQUEST, problem),
    };
    let work = sign_in(&store, credentials, &address);
    let problem = match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(response)) => return response,
        Ok(Err(error)) => {
            tracing::error!(%error, "sign-in failed");
            error.client_message()
        }
        Err(_elapsed) => {
            tracing::error!("sign-in given up: the store did not answer in time");
            UNREACHABLE
        }
    };
    refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        &request_id.mention(problem),
    )
}

fn credentials(body: Body) -> Result<Credentials, &'static str> {
    let body = match body {
        Body::Complete(body) if body.len() <= MOST_BYTES => body,
        Body::Complete(_) | Body::TooLarge => {
            return Err("the request is larger than 10,000 bytes");
        }
        Body::Broken => return Err("the request ended early"),
    };
    let credentials = parse(&body).ok_or(
        r#"the request must be a JSON object: {"username":"…","password":"…"}, both strings"#,
    )?;
    if credentials.username.is_empty() || credentials.password.expose_secret().is_empty() {
        return Err("username and password must not be empty");
    }
    Ok(credentials)
}

/// JSON as everywhere in the contract: a byte order mark is fine, unknown keys are ignored
/// whatever they hold, of a key that comes twice the last value wins.
fn parse(body: &[u8]) -> Option<Credentials> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body).ok()?;
    let text = |key: &str| serde_json::from_str::<String>(members.get(key)?.get()).ok();
    Some(Credentials {
        username: text("username")?,
        password: text("password")?.into(),
    })
}

async fn sign_in(
    store: &Store,
    credentials: Credentials,
    address: &str,
) -> Result<Response, StoreError> {
    let Credentials { username, password } = credentials;
    let attempt = match store
        .begin_login(&username, address, Timestamp::now())
        .await?
    {
        LoginGate::Open(attempt) => attempt,
        LoginGate::Throttled { seconds } => return Ok(throttled(seconds)),
    };
    let Some(robot) = store.verify_robot(&username, password).await? else {
        store.login_failed(attempt).await?;
        return Ok(refusal(
            StatusCode::UNAUTHORIZED,
            "Wrong username or password!",
        ));
    };
    store.login_succeeded(attempt).await?;
    let token = store.issue_token(robot, LIFETIME, Timestamp::now()).await?;
    let reply = Reply {
        token: token.expose_secret(),
        status: "SUCCESS",
    };
    let mut response = Json(reply).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let reply = Reply {
        token: "",
        status: message,
    };
    (status, Json(reply)).into_response()
}

fn throttled(seconds: u64) -> Response {
    let message = format!("Too many attempts: try again in {seconds} seconds");
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, &message);
    let wait = HeaderValue::from(seconds);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}
