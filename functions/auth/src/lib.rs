//! `POST /authenticate`: a robot signs in and gets a token for half an hour
//! (contract.md#quant-authenticate). Unknown names, wrong passwords and disabled robots get the
//! same response after the same time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use muster_api::{AuthenticateRequest, AuthenticateResponse};
use muster_aws::auth::throttle::LoginGate;
use muster_aws::error::UNREACHABLE;
use muster_aws::{Store, StoreError};
use muster_core::reader::{Foreign, SentAs};
use muster_web::http::{HeaderMap, HeaderValue, StatusCode, header};
use muster_web::{Body, BodyError, ClientAddress, RequestId};
use secrecy::ExposeSecret as _;
use serde_json::value::RawValue;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Path of the sign-in.
const PATH: &str = "/authenticate";
/// Lifetime of a token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Maximum duration of a sign-in. It is shorter than the function's timeout (`AuthFunction` in
/// `infra/template.yaml`), because several slow store requests could take longer than that, and the
/// function could then not respond.
pub const SIGN_IN_TIMEOUT: Duration = Duration::from_millis(8_500);
/// Maximum bytes of a request; a name and a password take far less.
const MAX_REQUEST_BYTES: usize = 10_000;

/// Returns the function's routes, without their description: building it would slow down cold
/// starts.
pub fn router(store: Store) -> Router {
    let router = Router::new().route(PATH, post(authenticate));
    muster_web::finish(router.with_state(store))
}

/// Returns the OpenAPI description of the function's routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<Store>::new()
        .routes(routes!(authenticate))
        .into_openapi()
}

/// Sign a robot in
///
/// The token is valid for 30 minutes, for the dialects in the robot's scopes.
#[utoipa::path(
    post, path = PATH, tag = "Sign-in",
    request_body = AuthenticateRequest,
    responses(
        (status = 200, description = "Signed in.", body = AuthenticateResponse),
        (status = 400, description = "The request cannot be read.", body = AuthenticateResponse),
        (status = 415, description = "The body is packed with another encoding than gzip; `Accept-Encoding` names it.", body = AuthenticateResponse),
        (status = 401, description = "Wrong user name or password.", body = AuthenticateResponse),
        (status = 429, description = "Too many attempts; `Retry-After` has the seconds to wait.", body = AuthenticateResponse),
        (status = 500, description = "The service failed.", body = AuthenticateResponse),
    )
)]
async fn authenticate(
    State(store): State<Store>,
    Extension(request_id): Extension<RequestId>,
    Extension(body): Extension<Body>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
) -> Response {
    let request = match read(&headers, &body).await {
        Ok(request) => request,
        Err((status, problem)) => return failure(status, &problem),
    };
    let work = sign_in(&store, request, &address);
    let problem = match tokio::time::timeout(SIGN_IN_TIMEOUT, work).await {
        Ok(Ok(response)) => return response,
        Ok(Err(error)) => {
            tracing::error!(%error, "request failed");
            error.client_message()
        }
        Err(_elapsed) => {
            tracing::error!("request timed out waiting for the store");
            UNREACHABLE
        }
    };
    failure(
        StatusCode::INTERNAL_SERVER_ERROR,
        &request_id.mention(problem),
    )
}

/// Returns the request, or the status and the problem.
async fn read(
    headers: &HeaderMap,
    body: &Body,
) -> Result<AuthenticateRequest, (StatusCode, Cow<'static, str>)> {
    let bad = |problem: Cow<'static, str>| (StatusCode::BAD_REQUEST, problem);
    let body = match body.unpacked(headers, MAX_REQUEST_BYTES).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            return Err(bad("the request is larger than 10,000 bytes".into()));
        }
        Err(error) => return Err((error.status(), error.message())),
    };
    let request = parse(&body).ok_or_else(|| bad(expected(&body)))?;
    if request.username.is_empty() || request.password.expose_secret().is_empty() {
        return Err(bad("username and password must not be empty".into()));
    }
    Ok(request)
}

/// Returns the problem of a body that is no request.
fn expected(body: &[u8]) -> Cow<'static, str> {
    const EXPECTED: &str =
        r#"expected a JSON object with two strings: {"username":"…","password":"…"}"#;
    match Foreign::instead_of_object(body) {
        None => EXPECTED.into(),
        Some(found) => {
            let advice = found.advice(SentAs::Body);
            format!("{EXPECTED}; found {found}: {advice}").into()
        }
    }
}

/// Parses the request with the JSON rules of the contract: a byte order mark is allowed, unknown
/// keys are ignored, and the last value of a repeated key wins.
fn parse(body: &[u8]) -> Option<AuthenticateRequest> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body).ok()?;
    let text = |key: &str| serde_json::from_str::<String>(members.get(key)?.get()).ok();
    Some(AuthenticateRequest {
        username: text("username")?,
        password: text("password")?.into(),
    })
}

async fn sign_in(
    store: &Store,
    request: AuthenticateRequest,
    address: &str,
) -> Result<Response, StoreError> {
    let AuthenticateRequest { username, password } = request;
    let attempt = match store
        .login_throttle()
        .begin(&username, address, Timestamp::now())
        .await?
    {
        LoginGate::Open(attempt) => attempt,
        LoginGate::Throttled { seconds } => return Ok(throttled(seconds)),
    };
    let Some(robot) = store.robots().verify(&username, password).await? else {
        store.login_throttle().failed(attempt).await?;
        return Ok(failure(
            StatusCode::UNAUTHORIZED,
            "Wrong username or password!",
        ));
    };
    store.login_throttle().succeeded(attempt).await?;
    let now = Timestamp::now();
    let token = store.tokens().issue(robot, TOKEN_LIFETIME, now).await?;
    let body = AuthenticateResponse {
        token: token.expose_secret().to_owned(),
        status: "SUCCESS".to_owned(),
    };
    let mut response = Json(body).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

fn failure(status: StatusCode, message: &str) -> Response {
    let body = AuthenticateResponse {
        token: String::new(),
        status: message.to_owned(),
    };
    (status, Json(body)).into_response()
}

fn throttled(seconds: u64) -> Response {
    let message = format!("Too many attempts: try again in {seconds} seconds");
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS, &message);
    let wait = HeaderValue::from(seconds);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}
