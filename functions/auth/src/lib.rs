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

/// How long a token lives.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// After this a sign-in is given up, so that the function still answers before it is stopped
/// (`AuthFunction` in `infra/template.yaml`): the store can keep several calls waiting for longer.
pub const PATIENCE: Duration = Duration::from_millis(8_500);
/// Bytes of a sign-in; a name and a password take far less.
const MOST_BYTES: usize = 10_000;

/// The function's routes.
pub fn router(store: Store) -> Router {
    let routes = Router::new()
        .route("/authenticate", post(authenticate))
        .with_state(store);
    muster_web::finish(routes)
}

struct Credentials {
    username: String,
    password: SecretString,
}

/// The answer, successful or not.
#[derive(Serialize)]
struct Reply<'a> {
    token: &'a str,
    status: &'a str,
}

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
