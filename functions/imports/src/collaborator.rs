//! `POST /api/v2/users-import/single`: LMS Collaborator's import of one user, identified by its uid
//! (contract.md#collaborator).

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use muster_aws::auth::tokens::Scope;
use muster_aws::directory::Writer;
use muster_aws::{Store, StoreError};
use muster_core::dialect::collaborator::{
    CollaboratorCounts, CollaboratorError, CollaboratorUser, IMPORT_PATH, REQUIRED_FIELDS_MESSAGE,
    UserImport, error_message,
};
use muster_core::limits;
use muster_core::reader::read_object;
use muster_import::{Directory, PROMISED_RETRY_AFTER_SECONDS, UserSelector, WriteOutcome};
use muster_web::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use muster_web::query::{DryRun, NotUnderstood, ensure_understood, names_dry_run};
use muster_web::{Body, BodyError, RequestId, headers};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::method::only_post;

/// The header in which the product's own clients send the token. It takes precedence over
/// `Authorization`.
const CBR_AUTHORIZATION: HeaderName = HeaderName::from_static("x-cbr-authorization");

pub(crate) fn routes() -> Router<App> {
    Router::new().route(IMPORT_PATH, post(import).fallback(wrong_method))
}

/// Returns the routes with their OpenAPI description.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Why a user was not imported.
enum ImportError {
    /// The token is missing, invalid, or not valid for this dialect.
    InvalidToken,
    /// Any other reason that the client can do something about.
    Failure(StatusCode, String),
    /// An import is giving the uid to another user. Holds the message for the client.
    Promised(String),
    /// The store failed. The cause goes to the log, not to the client.
    Store(StoreError),
}

impl ImportError {
    fn bad_request(message: impl Into<String>) -> Self {
        Self::Failure(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<NotUnderstood> for ImportError {
    fn from(error: NotUnderstood) -> Self {
        Self::bad_request(error.message)
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn wrong_method(method: Method) -> Response {
    only_post(&method, failure)
}

/// Create or change one user
///
/// Changes the user with this `uid`; or else the user with this `login`, if it belongs to the
/// tenant and has no uid; or else creates a user. Absent keys keep the stored values; `null` clears
/// them.
#[utoipa::path(
    post, path = IMPORT_PATH, tag = "Collaborator",
    params(
        ("X-Cbr-Authorization" = Option<String>, Header, description = "`Bearer` and the token, like `Authorization`. It takes precedence if both are sent."),
    ),
    request_body(content = CollaboratorUser, example = json!({
        "uid": "cl123456", "secondname": "Smith", "firstname": "John", "login": "john.smith",
        "email": "john.smith@example.com", "birth_date": "26.07.1988", "gender": 0, "is_active": 1,
        "city": "Kyiv", "department": "Main Office", "position": "CEO", "tags": "tag1"
    })),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user was created or updated.", body = CollaboratorCounts),
        (status = 400, description = "Nothing was written: the body or a field is invalid, or the query asks for a dry run, which this import does not have. The message names the field.", body = CollaboratorError),
        (status = 401, description = "The token is missing, invalid, or not valid for this import.", body = CollaboratorError),
        (status = 413, description = "More than 4,000,000 bytes.", body = CollaboratorError),
        (status = 415, description = "The body is not declared as JSON, or is packed with another encoding than gzip, which `Accept-Encoding` then names.", body = CollaboratorError),
        (status = 429, description = "Too many concurrent writes, to this user or in total, or an import is giving the uid to another user at this moment; `Retry-After` has the seconds to wait.", body = CollaboratorError),
        (status = 500, description = "The service failed. Send the request again.", body = CollaboratorError),
    )
)]
async fn import(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    Extension(request_id): Extension<RequestId>,
    Extension(body): Extension<Body>,
) -> Response {
    match import_user(&app.store, &uri, &headers, body).await {
        Ok(counts) => Json(counts).into_response(),
        Err(error) => error_response(error, &request_id),
    }
}

async fn import_user(
    store: &Store,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<CollaboratorCounts, ImportError> {
    let now = Timestamp::now();
    let token = store
        .tokens()
        .authorize(token(headers), Scope::Collaborator, now);
    let token = token.await?.ok_or(ImportError::InvalidToken)?;
    ensure_understood(uri, headers, DryRun::None)?;
    let body = valid_body(headers, &body).await?;
    let object = read_object(&body).map_err(|error| ImportError::bad_request(error.to_string()))?;
    if let Some(member) = object.keys().find(|key| names_dry_run(key)) {
        return Err(NotUnderstood::member(member).into());
    }
    let UserImport { uid, request } =
        UserImport::read(&object).map_err(ImportError::bad_request)?;
    let writer = Writer::Robot {
        dialect: "collaborator".to_owned(),
        robot: token.robot,
        run: None,
    };
    let directory = Directory::new(store, &token.tenant, writer, now);
    // The dialect checks required values in the request itself.
    let written = directory.write(UserSelector::ExternalId(&uid), request, |_| Vec::new());
    match written.await? {
        WriteOutcome::Created(_) => Ok(CollaboratorCounts::created()),
        WriteOutcome::Updated { user, changed } => {
            Ok(CollaboratorCounts::changed(&changed, user.is_active()))
        }
        WriteOutcome::Unchanged(_) => Ok(CollaboratorCounts::default()),
        WriteOutcome::Refused(refusals) => Err(ImportError::bad_request(error_message(&refusals))),
        WriteOutcome::Promised(refusal) => Err(ImportError::Promised(error_message(&[refusal]))),
        // No user has the uid, and a new user needs a login.
        WriteOutcome::Missing => Err(ImportError::bad_request(REQUIRED_FIELDS_MESSAGE)),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(CBR_AUTHORIZATION) {
        headers::bearer_token_in(headers, &CBR_AUTHORIZATION)
    } else {
        headers::bearer_token(headers)
    }
}

/// Checks the body's media type and size, and unpacks it.
async fn valid_body(headers: &HeaderMap, body: &Body) -> Result<Bytes, ImportError> {
    let body = body.json(headers, limits::MAX_SYNC_BYTES).await;
    body.map_err(|error| {
        let message = match error {
            BodyError::TooLarge => {
                "the body is too large: a user is limited to 4,000,000 bytes".into()
            }
            _ => error.message(),
        };
        ImportError::Failure(error.status(), message.into_owned())
    })
}

fn error_response(error: ImportError, request_id: &RequestId) -> Response {
    let error = match error {
        ImportError::InvalidToken => return invalid_token(),
        ImportError::Failure(status, message) => return failure(status, message),
        ImportError::Promised(message) => {
            return retry_later(message, PROMISED_RETRY_AFTER_SECONDS);
        }
        ImportError::Store(error) => error,
    };
    tracing::error!(%error, "request failed");
    let message = error.client_message();
    let Some(wait) = error.retry_after() else {
        let message = request_id.mention(message);
        return failure(StatusCode::INTERNAL_SERVER_ERROR, message);
    };
    retry_later(message.to_owned(), wait)
}

fn retry_later(message: String, seconds: u64) -> Response {
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS, message);
    let wait = HeaderValue::from(seconds);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

fn invalid_token() -> Response {
    let message = "the token is missing or invalid: send a token that is valid for this import as \
                   `X-Cbr-Authorization: Bearer …` or `Authorization: Bearer …`";
    let mut response = failure(StatusCode::UNAUTHORIZED, message.to_owned());
    let challenge = HeaderValue::from_static("Bearer");
    let headers = response.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn failure(status: StatusCode, error: String) -> Response {
    (status, Json(CollaboratorError { error })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contended_write_returns_retry_after() {
        let id = RequestId("r-1".to_owned());
        let busy = StoreError::contended("PutItem");
        let response = error_response(ImportError::Store(busy), &id);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let broken = StoreError::Secrets("no randomness".to_owned());
        let response = error_response(ImportError::Store(broken), &id);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
