//! `POST /v1/import/user-data/{task_id}`: Quant's import. The order of the checks is CONTRACT §1's.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use muster_aws::StoreError;
use muster_aws::keys::Answer;
use muster_aws::runs::RunId;
use muster_core::dialect::quant::{IMPORT_PATH, Reply, switch};
use muster_core::limits;
use muster_core::reader::has_more_elements_than;
use muster_import::{
    Deadline, IdempotencyKey, Outcome, SyncImport, SyncRequest, import as import_now, import_later,
};
use muster_web::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use muster_web::{Body, RequestId, headers};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Closed, Permitted, permitted};
use crate::answer::{Accepted, located, of_run};
use crate::method::only_post;

/// What a client calls a request that it may send again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The preference of a client that does not want to wait.
const RESPOND_ASYNC: &str = "respond-async";
/// Says which preference was met (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest key, in characters.
const LONGEST_KEY: usize = 255;

pub(crate) fn routes() -> Router<App> {
    Router::new().route(IMPORT_PATH, post(import).fallback(wrong_method))
}

/// What they are documented as.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Why a request is no run.
enum Refusal {
    /// No token, or one that opens nothing here.
    Token,
    /// Anything else.
    Failure(StatusCode, String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer")],
                "Token is missing or invalid!",
            )
                .into_response(),
            Self::Failure(status, message) => failure(status, message),
        }
    }
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Token => Self::Token,
            Closed::Task | Closed::Permission => {
                Self::Failure(closed.status(), closed.message().to_owned())
            }
        }
    }
}

async fn wrong_method(method: Method) -> Response {
    only_post(&method, failure)
}

/// Import users through a task
///
/// The body is a JSON array of objects, keyed as the task's settings say. FAILURE: nothing of the
/// request was applied, or the service gave up. Trouble in a record is a warning, shown with
/// `debug`.
#[utoipa::path(
    post, path = IMPORT_PATH, tag = "Quant",
    params(
        ("task_id" = u64, Path, description = "The task's number.", example = 206),
        ("debug" = Option<String>, Query, description = "Show the warnings: any value but `false` or `0`.", allow_reserved),
        ("dryRun" = Option<String>, Query, description = "Plan only, and change nothing: spelt like `debug`.", allow_reserved),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: do not wait, but answer 202 and import in the background."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters; a request that is repeated under its key within 24 hours gets the stored answer."),
    ),
    request_body(content = Vec<serde_json::Map<String, serde_json::Value>>, example = json!([{
        "Username": "jack.woo", "Name": "Jack Woo", "Role": "store manager", "E-mail": "jack.woo@example.com",
        "All Stores": false, "Individual Stores": "store1,store2"
    }])),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The import went through; warnings make it PARTIAL_SUCCESS.", body = Reply,
            headers(
                ("Import-Id" = String, description = "The run, as the execution log has it."),
                ("Idempotent-Replayed" = Option<String>, description = "`true`: this is the stored answer of an earlier request."),
            )),
        (status = 202, description = "The import goes on in the background: that was preferred, and what is wrong with the body is said there; or it takes longer than a request may.", body = Accepted,
            headers(
                ("Import-Id" = String, description = "The run, as the execution log has it."),
                ("Location" = String, description = "Where the run is to be found."),
                ("Preference-Applied" = Option<String>, description = "`respond-async`."),
                ("Idempotent-Replayed" = Option<String>, description = "`true`: this is the stored answer of an earlier request."),
            )),
        (status = 400, description = "Nothing was imported: the body, the settings of the task, or its safety threshold.", body = Reply),
        (status = 401, description = "No token, or no permission on the task.", content((String = "text/plain"), (Reply = "application/json"))),
        (status = 404, description = "There is no such task.", body = Reply),
        (status = 409, description = "A request with this Idempotency-Key is running; `Retry-After` has the seconds to wait.", body = Reply),
        (status = 413, description = "Over 4,000,000 bytes or 20,000 records.", body = Reply),
        (status = 415, description = "The body is not declared as JSON.", body = Reply),
        (status = 422, description = "The Idempotency-Key was used with another body.", body = Reply),
        (status = 500, description = "The service gave up; part of it may have been applied, send it again.", body = Reply),
        (status = 503, description = "The task runs another import; `Retry-After` has the seconds to wait.", body = Reply),
    )
)]
async fn import(
    State(app): State<App>,
    task_id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
    Extension(request_id): Extension<RequestId>,
    Extension(body): Extension<Body>,
) -> Response {
    let task_id = task_id.map(|Path(id)| id).unwrap_or_default();
    let deadline = Deadline::start(app.times);
    let answer = async {
        let Permitted { token, task } = match permitted(&app.store, &headers, &task_id).await? {
            Ok(permitted) => permitted,
            Err(closed) => return Ok(Refusal::from(closed).into_response()),
        };
        let (body, key) = match acceptable(&headers, &uri, body) {
            Ok(acceptable) => acceptable,
            Err(refusal) => return Ok(refusal.into_response()),
        };
        let request = SyncRequest {
            tenant: token.tenant,
            robot: token.robot,
            task: task.settings,
            settings_version: task.version,
            body,
            debug: switch(uri.query(), "debug"),
            dry_run: switch(uri.query(), "dryRun"),
            key,
        };
        let (store, background) = (&app.store, &app.background);
        if !headers::prefers(&headers, RESPOND_ASYNC) {
            let imported = import_now(store, background, deadline, request).await?;
            return Ok(reply(imported, &request_id));
        }
        let queued = import_later(store, background, deadline, request).await?;
        Ok(preferred(reply(queued, &request_id)))
    };
    answer.await.unwrap_or_else(|error: StoreError| {
        tracing::error!(%error, "import request failed");
        internal(error.client_message(), &request_id)
    })
}

/// The body and the key of a request that can be a synchronous import, whatever its data say.
fn acceptable(
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<(Bytes, Option<IdempotencyKey>), Refusal> {
    if !headers::is_json(headers) {
        return Err(Refusal::Failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the data must be sent with the header Content-Type: application/json".to_owned(),
        ));
    }
    let too_large = |what: &str| {
        Refusal::Failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "{what}: one request takes at most 4,000,000 bytes and 20,000 records; split the \
                 data, or send it through POST /v1/import/user-data/{{task_id}}/uploads"
            ),
        )
    };
    let body = match body {
        Body::Complete(body) if body.len() <= limits::SYNC_BYTES => body,
        Body::Complete(_) | Body::TooLarge => return Err(too_large("the body is too large")),
        Body::Broken => {
            return Err(Refusal::Failure(
                StatusCode::BAD_REQUEST,
                "the connection broke before the end of the body; nothing was imported".to_owned(),
            ));
        }
    };
    if has_more_elements_than(&body, limits::SYNC_RECORDS) {
        return Err(too_large("the body has too many records"));
    }
    let text = idempotency_key(headers)?;
    let key = text.map(|text| IdempotencyKey {
        text,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
    });
    Ok((body, key))
}

/// The header's text, if it is there.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_KEY;
    if !fits || values.next().is_some() {
        return Err(Refusal::Failure(
            StatusCode::BAD_REQUEST,
            format!(
                "the header Idempotency-Key must be sent once, with 1 to {LONGEST_KEY} characters; \
                 nothing was imported"
            ),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn reply(imported: SyncImport, request_id: &RequestId) -> Response {
    match imported {
        SyncImport::Busy { retry_after } => later(
            StatusCode::SERVICE_UNAVAILABLE,
            "the task is already running: send the data again",
            retry_after,
        ),
        SyncImport::KeyRunning { retry_after } => later(
            StatusCode::CONFLICT,
            "the request with this Idempotency-Key is still running: send it again for its answer",
            retry_after,
        ),
        SyncImport::KeyReused => failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used with another body in the last 24 hours: send new data \
             under a new key; nothing was imported",
        ),
        SyncImport::Replayed { run, answer } => {
            let mut response = answered(&run, answer);
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(REPLAYED, replayed);
            response
        }
        SyncImport::Queued { run, answer } => answered(&run, answer),
        SyncImport::Ended { run, outcome } => match outcome {
            Outcome::Imported { answer, .. } | Outcome::Refused { answer } => {
                answered(&run, answer)
            }
            Outcome::Failed { message } => of_run(&run, internal(&message, request_id)),
        },
    }
}

/// An answer as a run made it, byte for byte.
fn answered(run: &RunId, answer: Answer) -> Response {
    let Answer { status, body } = answer;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    let response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
    if status == StatusCode::ACCEPTED {
        located(run, response)
    } else {
        of_run(run, response)
    }
}

/// The answer to a client that did not want to wait. It had to, if it was refused.
fn preferred(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        let applied = HeaderValue::from_static(RESPOND_ASYNC);
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// There is no run, but there may be one soon.
fn later(status: StatusCode, what: &str, retry_after: u64) -> Response {
    let mut response = failure(status, format!("{what} in {retry_after} seconds"));
    let wait = HeaderValue::from(retry_after);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

/// 500: the client gets a request id, the log the cause.
fn internal(message: &str, request_id: &RequestId) -> Response {
    failure(
        StatusCode::INTERNAL_SERVER_ERROR,
        request_id.mention(message),
    )
}

fn failure(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(Reply::failure(vec![message.into()]))).into_response()
}
