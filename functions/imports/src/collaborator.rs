//! `POST /api/v2/users-import/single`: LMS Collaborator's import of one user, known by its uid
//! (CONTRACT §2).

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use muster_aws::directory::Writer;
use muster_aws::tokens::Scope;
use muster_aws::{Store, StoreError};
use muster_core::dialect::collaborator::{
    Counts, Failure, IMPORT_PATH, Import, MISSING, User, told,
};
use muster_core::limits;
use muster_core::reader::read_object;
use muster_import::{Directory, Whom, Written};
use muster_web::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use muster_web::{Body, RequestId, headers};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::method::only_post;

/// Where the product's own clients send the token; wins over `Authorization`.
const CBR_AUTHORIZATION: HeaderName = HeaderName::from_static("x-cbr-authorization");

pub(crate) fn routes() -> Router<App> {
    Router::new().route(IMPORT_PATH, post(import).fallback(wrong_method))
}

/// What they are documented as.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Why a request was not carried out.
enum Refusal {
    /// No token, or one that opens nothing here.
    Token,
    /// Anything else that is the client's affair.
    Failure(StatusCode, String),
    /// The store's: the cause goes to the log, not to the client.
    Store(StoreError),
}

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self::Failure(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn wrong_method(method: Method) -> Response {
    only_post(&method, failure)
}

/// Create or change one user
///
/// The user with this `uid`; if there is none, the one with this `login`, if that is ours and has
/// no uid; else a new one. Keys that are absent keep what is stored; `null` clears.
#[utoipa::path(
    post, path = IMPORT_PATH, tag = "Collaborator",
    params(
        ("X-Cbr-Authorization" = Option<String>, Header, description = "`Bearer` and the token, like `Authorization`; if both are sent, this one counts."),
    ),
    request_body(content = User, example = json!({
        "uid": "cl123456", "secondname": "Smith", "firstname": "John", "login": "john.smith",
        "email": "john.smith@example.com", "birth_date": "26.07.1988", "gender": 0, "is_active": 1,
        "city": "Kyiv", "department": "Main Office", "position": "CEO", "tags": "tag1"
    })),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user is so now.", body = Counts),
        (status = 400, description = "Nothing was written: the body, or a field, which is named.", body = Failure),
        (status = 401, description = "No token, or none that opens this import.", body = Failure),
        (status = 413, description = "Over 4,000,000 bytes.", body = Failure),
        (status = 415, description = "The body is not declared as JSON.", body = Failure),
        (status = 429, description = "Too many write the same user, or all at once; `Retry-After` has the seconds to wait.", body = Failure),
        (status = 500, description = "The service gave up; send it again.", body = Failure),
    )
)]
async fn import(
    State(app): State<App>,
    headers: HeaderMap,
    Extension(request_id): Extension<RequestId>,
    Extension(body): Extension<Body>,
) -> Response {
    match imported(&app.store, &headers, body).await {
        Ok(counts) => Json(counts).into_response(),
        Err(refusal) => refused(refusal, &request_id),
    }
}

async fn imported(store: &Store, headers: &HeaderMap, body: Body) -> Result<Counts, Refusal> {
    let now = Timestamp::now();
    let token = store.open_with(token(headers), Scope::Collaborator, now);
    let token = token.await?.ok_or(Refusal::Token)?;
    let body = acceptable(headers, body)?;
    let object = read_object(&body).map_err(|no| Refusal::bad(no.to_string()))?;
    let Import { uid, request } = Import::read(&object).map_err(Refusal::bad)?;
    let writer = Writer::Robot {
        dialect: "collaborator".to_owned(),
        robot: token.robot,
        run: None,
    };
    let directory = Directory::new(store, &token.tenant, writer, now);
    // What a user must have is in the request itself.
    let written = directory.write(Whom::ExternalId(&uid), request, |_| Vec::new());
    match written.await? {
        Written::Created(_) => Ok(Counts::created()),
        Written::Updated { user, changed } => Ok(Counts::changed(&changed, user.is_active())),
        Written::Unchanged(_) => Ok(Counts::default()),
        Written::Refused(refusals) => Err(Refusal::bad(told(&refusals))),
        // Nobody has the uid, and there is no login for a new user.
        Written::Missing => Err(Refusal::bad(MISSING)),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(CBR_AUTHORIZATION) {
        headers::token_in(headers, &CBR_AUTHORIZATION)
    } else {
        headers::token(headers)
    }
}

/// The body of a request that can be one, whatever its data say.
fn acceptable(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    if !headers::is_json(headers) {
        return Err(Refusal::Failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the user must be sent with the header Content-Type: application/json".to_owned(),
        ));
    }
    match body {
        Body::Complete(body) if body.len() <= limits::SYNC_BYTES => Ok(body),
        Body::Complete(_) | Body::TooLarge => Err(Refusal::Failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large: one user takes at most 4,000,000 bytes".to_owned(),
        )),
        Body::Broken => Err(Refusal::bad(
            "the connection broke before the end of the body; nothing was imported",
        )),
    }
}

fn refused(refusal: Refusal, request_id: &RequestId) -> Response {
    let error = match refusal {
        Refusal::Token => return unauthorised(),
        Refusal::Failure(status, message) => return failure(status, message),
        Refusal::Store(error) => error,
    };
    tracing::error!(%error, "import of a user failed");
    let message = error.client_message();
    let Some(wait) = error.retry_after() else {
        let message = request_id.mention(message);
        return failure(StatusCode::INTERNAL_SERVER_ERROR, message);
    };
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS, message.to_owned());
    let wait = HeaderValue::from(wait);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

fn unauthorised() -> Response {
    let message = "the token is missing or invalid: send one that opens this import as \
                   `X-Cbr-Authorization: Bearer …` or `Authorization: Bearer …`";
    let mut response = failure(StatusCode::UNAUTHORIZED, message.to_owned());
    let challenge = HeaderValue::from_static("Bearer");
    let headers = response.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn failure(status: StatusCode, error: String) -> Response {
    (status, Json(Failure { error })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_met_too_many_others_is_told_when_to_come_again() {
        let id = RequestId("r-1".to_owned());
        let busy = StoreError::contended("PutItem");
        let answer = refused(Refusal::Store(busy), &id);
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
        let broken = StoreError::Secrets("no randomness".to_owned());
        let answer = refused(Refusal::Store(broken), &id);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
