//! Uploads: data that are too large for one request go to the bucket in parts, by URLs that are
//! good for an hour, and are imported in the background (CONTRACT §1).

use std::num::NonZeroU32;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use muster_aws::runs::{Compression, Format};
use muster_core::dialect::quant::switch;
use muster_core::limits;
use muster_import::uploads::{self, Announced, Asked, Completed, Created, Incomplete, Window};
use muster_web::documented::{Always, Bodies, Conflicts, Missing, Queries, Robots};
use muster_web::http::{StatusCode, Uri};
use muster_web::{FieldError, JsonBody, Parameters, Problem, time};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OwnRun, Permitted};
use crate::answer::{Accepted, located};
use crate::failure::{Failure, conflict};

const UPLOADS_PATH: &str = "/v1/import/user-data/{task_id}/uploads";
const PARTS_PATH: &str = "/v1/imports/{id}/parts";
const COMPLETE_PATH: &str = "/v1/imports/{id}/complete";

/// Ranges of numbers in a message; the others are counted.
const RANGES: usize = 20;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(UPLOADS_PATH, post(create))
        .route(PARTS_PATH, get(parts))
        .route(COMPLETE_PATH, post(complete))
}

/// What they are documented as.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(parts))
        .routes(routes!(complete))
}

/// Data that are to be sent in parts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Announcement, example = json!({"size": 52_428_800, "format": "ndjson", "compression": "gzip"}))]
struct Announcement {
    /// Bytes, as they are sent.
    #[schema(minimum = 1, maximum = 32_000_000_000_u64)]
    size: u64,
    /// How the text is made.
    #[serde(default)]
    format: Format,
    /// How it is packed.
    #[serde(default)]
    compression: Compression,
    /// The SHA-256 of the bytes as they are sent: data that came otherwise are refused.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<Sha256>,
}

/// A digest, in lower-case hex.
struct Sha256(String);

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(D::Error::custom("a SHA-256 has 64 hex digits"))
        }
    }
}

/// An upload that has begun.
#[derive(Serialize, ToSchema)]
#[schema(as = NewUpload)]
struct NewUpload {
    /// The import's id; also in the header `Import-Id`.
    #[schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
    import_id: String,
    /// Bytes of each part but the last: part n begins at byte (n - 1) × `part_size`.
    #[schema(example = 8_388_608)]
    part_size: u64,
    /// How many parts there are.
    part_count: u32,
    /// The first 500 parts.
    parts: Vec<SignedPart>,
    /// Until when the URLs are good.
    #[serde(serialize_with = "time::millis")]
    expires_at: Timestamp,
}

/// Some of an upload's parts.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadParts)]
struct UploadParts {
    /// The import's id.
    import_id: String,
    /// Bytes of each part but the last.
    #[schema(example = 8_388_608)]
    part_size: u64,
    /// How many parts there are.
    part_count: u32,
    /// The parts that have arrived.
    received: Vec<ReceivedPart>,
    /// The others, and where they go.
    parts: Vec<SignedPart>,
    /// To be sent as `from` for the parts behind these; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u32)]
    next: Option<u32>,
    /// Until when the URLs are good.
    #[serde(serialize_with = "time::millis")]
    expires_at: Timestamp,
}

/// A part that is to be sent.
#[derive(Serialize, ToSchema)]
struct SignedPart {
    /// Its number, from 1.
    number: u32,
    /// Where to PUT its bytes; no header is needed, and no token.
    url: String,
}

/// A part that has arrived.
#[derive(Serialize, ToSchema)]
struct ReceivedPart {
    /// Its number, from 1.
    number: u32,
    /// Its bytes.
    size: u64,
}

fn signed(window: &mut Window) -> Vec<SignedPart> {
    let parts = std::mem::take(&mut window.parts).into_iter();
    parts
        .map(|uploads::SignedPart { number, url }| SignedPart { number, url })
        .collect()
}

/// Begin an upload
///
/// For data that are too large for one request. PUT each part to its URL, in any order and several
/// at once, then complete the upload. The run waits for its data for a week, and does not hold the
/// task meanwhile.
#[utoipa::path(
    post, path = UPLOADS_PATH, tag = "Imports",
    params(
        ("task_id" = u64, Path, description = "The task's number.", example = 206),
        ("dryRun" = Option<String>, Query, description = "Plan only, and change nothing: any value but `false` or `0`.", allow_reserved),
    ),
    request_body = Announcement,
    security(("robot" = [])),
    responses(
        (status = 201, description = "The upload has begun.", body = NewUpload,
            headers(
                ("Import-Id" = String, description = "The run, as the execution log has it."),
                ("Location" = String, description = "Where the run is to be found."),
            )),
        Bodies, Missing, Robots, Conflicts, Always,
    )
)]
async fn create(
    State(app): State<App>,
    Permitted { token, task }: Permitted,
    uri: Uri,
    JsonBody(announcement): JsonBody<Announcement>,
) -> Result<Response, Failure> {
    let Announcement {
        size,
        format,
        compression,
        sha256,
    } = announcement;
    fitting(size)?;
    let announced = Announced {
        tenant: token.tenant,
        robot: token.robot,
        task: task.settings,
        size,
        format,
        compression,
        sha256: sha256.map(|Sha256(digest)| digest),
        dry_run: switch(uri.query(), "dryRun"),
    };
    let created = uploads::create(&app.store, &app.background, announced, Timestamp::now());
    let (run, mut window) = match created.await? {
        Created::Uploading { run, window } => (run, window),
        Created::NotReady(problems) => return Err(conflict(problems.join("; "))),
    };
    let upload = NewUpload {
        import_id: run.to_string(),
        part_size: window.layout.part_size,
        part_count: window.layout.count(),
        parts: signed(&mut window),
        expires_at: window.expires_at,
    };
    let response = (StatusCode::CREATED, Json(upload)).into_response();
    Ok(located(&run, response))
}

/// Whether an upload can be as large as this.
fn fitting(size: u64) -> Result<(), Problem> {
    const RANGE: &str = "an upload has 1 to 32,000,000,000 bytes";
    match size {
        0 => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "an upload of nothing is none; nothing was changed",
        )
        .with_errors(vec![FieldError::new("size", RANGE)])),
        1..=limits::UPLOAD_BYTES => Ok(()),
        _ => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the data are too large: split them, or send them packed",
        )
        .with_errors(vec![FieldError::new("size", RANGE)])),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The first number of interest.
    #[param(value_type = Option<u32>, minimum = 1, default = 1)]
    from: Option<NonZeroU32>,
}

/// What of an upload has arrived
///
/// The next 500 parts from a number on: those that have arrived, and new URLs for the others. A
/// part that has another size than it must have counts as one that has not arrived.
#[utoipa::path(
    get, path = PARTS_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), Wanted),
    security(("robot" = [])),
    responses((status = 200, body = UploadParts), Queries, Missing, Robots, Conflicts, Always)
)]
async fn parts(
    State(app): State<App>,
    OwnRun { run, .. }: OwnRun,
    Parameters(Wanted { from }): Parameters<Wanted>,
) -> Result<Json<UploadParts>, Failure> {
    let id = run.id;
    let from = from.map_or(1, NonZeroU32::get);
    let asked = uploads::parts(&app.store, &app.background, run, from, Timestamp::now());
    let mut window = match asked.await? {
        Asked::Window(window) => window,
        Asked::NotAnUpload => return Err(no_upload()),
        Asked::NotUploading(state) => {
            let state = state.as_str();
            return Err(conflict(format!(
                "the import takes no more data: it is {state}"
            )));
        }
        Asked::Gone => return Err(gone()),
    };
    let parts = signed(&mut window);
    let received = window.received.into_iter();
    Ok(Json(UploadParts {
        import_id: id.to_string(),
        part_size: window.layout.part_size,
        part_count: window.layout.count(),
        received: received
            .map(|part| ReceivedPart {
                number: part.number,
                size: part.size,
            })
            .collect(),
        parts,
        next: window.next,
        expires_at: window.expires_at,
    }))
}

/// Complete an upload
///
/// Takes the task, with its settings as they are now, and queues the import. Can be repeated: the
/// answer is then the state that the import has.
#[utoipa::path(
    post, path = COMPLETE_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses(
        (status = 202, description = "The import goes on in the background.", body = Accepted,
            headers(
                ("Import-Id" = String, description = "The run, as the execution log has it."),
                ("Location" = String, description = "Where the run is to be found."),
            )),
        Missing, Robots, Conflicts, Always,
        (status = 503, description = "The task runs another import, or the service is busy; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn complete(
    State(app): State<App>,
    OwnRun { run, task }: OwnRun,
) -> Result<Response, Failure> {
    let id = run.id;
    let completed = uploads::complete(&app.store, &app.background, run, &task, Timestamp::now());
    let state = match completed.await? {
        Completed::Began(state) => state,
        Completed::Busy { retry_after } => {
            let detail = format!(
                "the task is running another import: complete the upload again in {retry_after} \
                 seconds"
            );
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Err(problem.with_retry_after(retry_after).into());
        }
        Completed::Incomplete(lacks) => return Err(conflict(lacking(&lacks))),
        Completed::NotReady(problems) => return Err(conflict(problems.join("; "))),
        Completed::NotAnUpload => return Err(no_upload()),
        Completed::Cancelled => {
            return Err(conflict("the import was cancelled: begin a new upload"));
        }
        Completed::Gone => return Err(gone()),
    };
    let response = (StatusCode::ACCEPTED, Json(Accepted::new(&id, state))).into_response();
    Ok(located(&id, response))
}

fn no_upload() -> Failure {
    conflict("this import is no upload: its data came with the request")
}

fn gone() -> Failure {
    conflict("the parts that were sent are gone, after a week: begin a new upload")
}

fn lacking(lacks: &Incomplete) -> String {
    let Incomplete {
        missing,
        wrong_size,
    } = lacks;
    let mut what = Vec::new();
    if !missing.is_empty() {
        what.push(format!("these parts have not arrived: {}", ranges(missing)));
    }
    if !wrong_size.is_empty() {
        what.push(format!(
            "these have not the size they must have: {}",
            ranges(wrong_size)
        ));
    }
    format!(
        "the upload is not complete; {}; GET the import's `parts` for their URLs, and send them",
        what.join("; ")
    )
}

/// Ascending numbers, shortened: `1, 3-7`.
fn ranges(numbers: &[u32]) -> String {
    let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let named = runs.iter().take(RANGES).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.first().map(u32::to_string).unwrap_or_default(),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more: usize = runs.iter().skip(RANGES).map(|run| run.len()).sum();
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_ranges_and_the_rest_is_counted() {
        assert_eq!(ranges(&[2]), "2");
        assert_eq!(ranges(&[1, 3, 4, 5, 9, 10]), "1, 3-5, 9-10");
        let even: Vec<u32> = (1..=50).map(|n| n * 2).collect();
        let text = ranges(&even);
        assert!(
            text.starts_with("2, 4, 6") && text.ends_with("40 and 30 more"),
            "{text}"
        );
    }
}
