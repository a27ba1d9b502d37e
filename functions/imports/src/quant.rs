//! `POST /v1/import/user-data/{task_id}`: Quant's import. contract.md#quant-import defines the
//! order of the checks.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use muster_api::AcceptedImportResponse;
use muster_aws::StoreError;
use muster_aws::runs::RunId;
use muster_aws::runs::idempotency::Answer;
use muster_core::dialect::quant::{IMPORT_PATH, ImportReply};
use muster_core::limits;
use muster_core::reader::has_more_elements_than;
use muster_import::{
    Deadline, IdempotencyKey, ImportRequest, ImportResult, RunOutcome, enqueue_import,
    import as import_now,
};
use muster_web::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use muster_web::query::{DryRun, NotUnderstood, ensure_understood, overrides_threshold, switch};
use muster_web::request_id::record_import;
use muster_web::{Body, BodyError, RequestId, headers};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{AccessDenied, PermittedTask, permitted_task};
use crate::app::App;
use crate::method::only_post;
use crate::response::{with_import_id, with_location};

/// The client's key for a request that it may repeat.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks a stored response of an earlier request.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The preference for a background import.
const RESPOND_ASYNC: &str = "respond-async";
/// The preference that was applied (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Maximum characters of an idempotency key.
const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;

pub(crate) fn routes() -> Router<App> {
    Router::new().route(IMPORT_PATH, post(import).fallback(wrong_method))
}

/// Returns the routes with their OpenAPI description.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Why a request was refused before an import was started.
enum QuantError {
    /// The token is missing, invalid, or not valid for this dialect.
    InvalidToken,
    /// Any other reason.
    Failure(StatusCode, String),
}

impl IntoResponse for QuantError {
    fn into_response(self) -> Response {
        match self {
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer")],
                "Token is missing or invalid!",
            )
                .into_response(),
            Self::Failure(status, message) => failure(status, message),
        }
    }
}

impl From<AccessDenied> for QuantError {
    fn from(denied: AccessDenied) -> Self {
        match denied {
            AccessDenied::InvalidToken => Self::InvalidToken,
            AccessDenied::UnknownTask | AccessDenied::NotPermitted => {
                Self::Failure(denied.status(), denied.message().to_owned())
            }
        }
    }
}

impl From<NotUnderstood> for QuantError {
    fn from(error: NotUnderstood) -> Self {
        Self::Failure(StatusCode::BAD_REQUEST, error.message)
    }
}

async fn wrong_method(method: Method) -> Response {
    only_post(&method, failure)
}

/// Import users through a task
///
/// The body is a JSON array of objects, with the keys that the task's settings map. FAILURE means
/// that nothing was applied, or that the service failed. Problems of single records are warnings,
/// shown with `debug`.
#[utoipa::path(
    post, path = IMPORT_PATH, tag = "Quant",
    params(
        ("task_id" = u64, Path, description = "The task's id.", example = 206),
        ("debug" = Option<String>, Query, description = "Show the warnings: any value but `false`, `0`, `no` or `off`.", allow_reserved),
        ("dryRun" = Option<String>, Query, description = "Write nothing: any value but `false`, `0`, `no` or `off`. Case and punctuation of the name do not matter; a name that begins similarly and is not known is 400.", allow_reserved),
        ("overrideThreshold" = Option<String>, Query, description = "Import even if the task's safety threshold is exceeded: the name alone, `true`, `1`, `yes` or `on`. The run in the execution log says so.", allow_reserved),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: respond with 202 and import in the background."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters. A request that is repeated with its key within 24 hours gets the stored response."),
    ),
    request_body(content = Vec<serde_json::Map<String, serde_json::Value>>, example = json!([{
        "Username": "jack.woo", "Name": "Jack Woo", "Role": "store manager", "E-mail": "jack.woo@example.com",
        "All Stores": false, "Individual Stores": "store1,store2"
    }])),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The data was imported, with warnings if the status is PARTIAL_SUCCESS.", body = ImportReply,
            headers(
                ("Import-Id" = String, description = "The run's id in the execution log."),
                ("Idempotent-Replayed" = Option<String>, description = "`true`: this is the stored response of an earlier request."),
            )),
        (status = 202, description = "The import continues in the background, because that was preferred (problems of the body are then reported by the run) or because it takes longer than a request may.", body = AcceptedImportResponse,
            headers(
                ("Import-Id" = String, description = "The run's id in the execution log."),
                ("Location" = String, description = "Path of the import."),
                ("Preference-Applied" = Option<String>, description = "`respond-async`."),
                ("Idempotent-Replayed" = Option<String>, description = "`true`: this is the stored response of an earlier request."),
            )),
        (status = 400, description = "Nothing was imported because of the query, the body, the task's settings, or its safety threshold.", body = ImportReply),
        (status = 401, description = "The token is missing or invalid, or the robot may not run the task.", content((String = "text/plain"), (ImportReply = "application/json"))),
        (status = 404, description = "The task does not exist.", body = ImportReply),
        (status = 409, description = "A request with this Idempotency-Key is running; `Retry-After` has the seconds to wait.", body = ImportReply),
        (status = 413, description = "More than 4,000,000 bytes or 20,000 records.", body = ImportReply),
        (status = 415, description = "The body is not declared as JSON, or is packed with another encoding than gzip, which `Accept-Encoding` then names.", body = ImportReply),
        (status = 422, description = "The Idempotency-Key was used with another body.", body = ImportReply),
        (status = 500, description = "The service failed. Part of the data may have been applied: send it again.", body = ImportReply),
        (status = 503, description = "The task is running another import; `Retry-After` has the seconds to wait.", body = ImportReply),
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
    let response = async {
        let permitted = permitted_task(&app.store, &headers, &task_id).await?;
        let PermittedTask { token, task } = match permitted {
            Ok(permitted) => permitted,
            Err(denied) => return Ok(QuantError::from(denied).into_response()),
        };
        if let Err(error) = ensure_understood(&uri, &headers, DryRun::Switch) {
            return Ok(QuantError::from(error).into_response());
        }
        let override_threshold = match overrides_threshold(&uri) {
            Ok(overrides) => overrides,
            Err(error) => return Ok(QuantError::from(error).into_response()),
        };
        let (body, key) = match body_and_key(&headers, &uri, &body).await {
            Ok(valid) => valid,
            Err(error) => return Ok(error.into_response()),
        };
        let request = ImportRequest {
            tenant: token.tenant,
            robot: token.robot,
            task: task.settings,
            settings_version: task.version,
            body,
            debug: switch(&uri, "debug"),
            dry_run: switch(&uri, "dryRun"),
            override_threshold,
            key,
        };
        let (store, background) = (&app.store, &app.background);
        if !headers::prefers(&headers, RESPOND_ASYNC) {
            let imported = import_now(store, background, deadline, request).await?;
            return Ok(reply(imported, &request_id));
        }
        let queued = enqueue_import(store, background, deadline, request).await?;
        Ok(with_preference_applied(reply(queued, &request_id)))
    };
    response.await.unwrap_or_else(|error: StoreError| {
        tracing::error!(%error, "request failed");
        internal(error.client_message(), &request_id)
    })
}

/// Checks a request for the limits of synchronous imports. Returns its unpacked body and its
/// idempotency key.
async fn body_and_key(
    headers: &HeaderMap,
    uri: &Uri,
    body: &Body,
) -> Result<(Bytes, Option<IdempotencyKey>), QuantError> {
    let too_large = |problem: &str| {
        QuantError::Failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "{problem}: a request is limited to 4,000,000 bytes and 20,000 records; split the \
                 data, or send it with POST /v1/import/user-data/{{task_id}}/uploads"
            ),
        )
    };
    let body = match body.json(headers, limits::MAX_SYNC_BYTES).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return Err(too_large(&BodyError::TooLarge.message())),
        Err(error) => {
            let message = error.message().into_owned();
            return Err(QuantError::Failure(error.status(), message));
        }
    };
    if has_more_elements_than(&body, limits::MAX_SYNC_RECORDS) {
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

/// Returns the header's text, if it is present.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, QuantError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
    let valid = !text.is_empty() && text.chars().count() <= MAX_IDEMPOTENCY_KEY_CHARS;
    if !valid || values.next().is_some() {
        return Err(QuantError::Failure(
            StatusCode::BAD_REQUEST,
            format!(
                "the header Idempotency-Key must be sent once, with 1 to \
                 {MAX_IDEMPOTENCY_KEY_CHARS} characters; nothing was imported"
            ),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn reply(imported: ImportResult, request_id: &RequestId) -> Response {
    match imported {
        ImportResult::Busy { retry_after } => retry_later(
            StatusCode::SERVICE_UNAVAILABLE,
            "the task is already running another import: send the data again",
            retry_after,
        ),
        ImportResult::KeyRunning { retry_after } => retry_later(
            StatusCode::CONFLICT,
            "the request with this Idempotency-Key is still running: send it again for its response",
            retry_after,
        ),
        ImportResult::KeyReused => failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used with another body in the last 24 hours: send new data \
             with a new key; nothing was imported",
        ),
        ImportResult::Replayed {
            run,
            response: answer,
        } => {
            let mut response = stored_response(&run, answer);
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed);
            response
        }
        ImportResult::Background {
            run,
            response: answer,
        } => stored_response(&run, answer),
        ImportResult::Ended { run, outcome } => match outcome {
            RunOutcome::Imported {
                response: answer, ..
            }
            | RunOutcome::Refused { response: answer } => stored_response(&run, answer),
            RunOutcome::Failed { message } => with_import_id(&run, internal(&message, request_id)),
        },
    }
}

/// Returns the response that a run has stored, byte for byte.
fn stored_response(run: &RunId, answer: Answer) -> Response {
    record_import(run);
    let Answer { status, body } = answer;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    let response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
    if status == StatusCode::ACCEPTED {
        with_location(run, response)
    } else {
        with_import_id(run, response)
    }
}

/// Adds the header `Preference-Applied`, unless the request was refused.
fn with_preference_applied(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        let applied = HeaderValue::from_static(RESPOND_ASYNC);
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// Returns the response to a request that can be repeated later.
fn retry_later(status: StatusCode, message: &str, retry_after: u64) -> Response {
    let mut response = failure(status, format!("{message} in {retry_after} seconds"));
    let wait = HeaderValue::from(retry_after);
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

/// Returns the 500 response. It has the request id; the log has the cause.
fn internal(message: &str, request_id: &RequestId) -> Response {
    failure(
        StatusCode::INTERNAL_SERVER_ERROR,
        request_id.mention(message),
    )
}

fn failure(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(ImportReply::failure(vec![message.into()]))).into_response()
}
