//! One user: made, changed, looked at. What a body means is `muster-core`'s, what becomes of it
//! `muster-import`'s.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::directory::UserKey;
use muster_core::dialect::qvalon::{
    self, Fields, NewUser, USER_PATH, USERS_PATH, UserChanges, UserObject,
};
use muster_core::plan::User;
use muster_core::single::Request;
use muster_import::{Directory, Whom, Written};
use muster_web::http::Uri;
use muster_web::http::request::Parts;

use crate::App;
use crate::access::Robot;
use crate::body::JsonObject;
use crate::failure::{Failure, Problem};
use crate::query::pairs;

/// The id in a user's path. What is no integer is no user's.
#[derive(Debug)]
pub(crate) struct UserId(u64);

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let Ok(Path(text)) = path else {
            return Err(Failure::missing());
        };
        let is_integer = text.bytes().all(|byte| byte.is_ascii_digit());
        let id = is_integer.then(|| text.parse().ok()).flatten();
        id.map(Self).ok_or_else(Failure::missing)
    }
}

/// Make a user
///
/// The login is unique among all users of the service, the external id among those of the customer.
#[utoipa::path(
    post, path = USERS_PATH, tag = "QVALON",
    request_body(content = NewUser, example = json!({
        "login": "jack.woo", "password": "wrs1234", "firstName": "Jack", "lastName": "Woo",
        "position": "Store manager", "level": "SHOP", "shopIds": [17], "lang": "ru_RU"
    })),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user as it was made.", body = UserObject<'static>),
        (status = 400, description = "The body is no JSON object, or a value is missing or not acceptable; `field` names the first one.", body = Problem),
        (status = 401, description = "The token is missing or invalid, or its robot may not use this dialect.", body = Problem),
        (status = 409, description = "The login or the external id is taken; `field` says which.", body = Problem),
        (status = 413, description = "Over 4,000,000 bytes.", body = Problem),
        (status = 415, description = "The body is not declared as JSON.", body = Problem),
        (status = 429, description = "Others are writing too much; `Retry-After` has the seconds to wait.", body = Problem),
        (status = 500, description = "The service failed; the header `x-request-id` has what the operator needs.", body = Problem),
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    robot: Robot,
    JsonObject(object): JsonObject,
) -> Result<Response, Failure> {
    let request = qvalon::create(&object).map_err(Failure::refused)?;
    write(&app, &robot, Whom::New, request).await
}

/// Change a user
///
/// What the body does not name stays as it is; `externalId` is ignored. The answer is what is
/// stored then.
#[utoipa::path(
    put, path = USER_PATH, tag = "QVALON",
    params(("id" = u64, Path, description = "The user's id.", example = 1615)),
    request_body(content = UserChanges, example = json!({"position": "Regional manager", "level": "REGION", "regionIds": [4]})),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user as it is now.", body = UserObject<'static>),
        (status = 400, description = "The body is no JSON object, a value is not acceptable, or the user would lack one; `field` names the first one.", body = Problem),
        (status = 401, description = "The token is missing or invalid, or its robot may not use this dialect.", body = Problem),
        (status = 404, description = "There is no such user.", body = Problem),
        (status = 409, description = "The login is taken; `field` says so.", body = Problem),
        (status = 413, description = "Over 4,000,000 bytes.", body = Problem),
        (status = 415, description = "The body is not declared as JSON.", body = Problem),
        (status = 429, description = "Others are writing too much; `Retry-After` has the seconds to wait.", body = Problem),
        (status = 500, description = "The service failed; the header `x-request-id` has what the operator needs.", body = Problem),
    )
)]
pub(crate) async fn update(
    State(app): State<App>,
    robot: Robot,
    UserId(id): UserId,
    JsonObject(object): JsonObject,
) -> Result<Response, Failure> {
    let request = qvalon::update(&object).map_err(Failure::refused)?;
    write(&app, &robot, Whom::Id(id), request).await
}

/// Look at a user
#[utoipa::path(
    get, path = USER_PATH, tag = "QVALON",
    params(
        ("id" = u64, Path, description = "The user's id.", example = 1615),
        ("fields" = Option<String>, Query, description = "What is to be shown beside, with commas between; unknown names are ignored.", allow_reserved, example = "roles,shops"),
    ),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user.", body = UserObject<'static>),
        (status = 401, description = "The token is missing or invalid, or its robot may not use this dialect.", body = Problem),
        (status = 404, description = "There is no such user.", body = Problem),
        (status = 429, description = "The service is busy; `Retry-After` has the seconds to wait.", body = Problem),
        (status = 500, description = "The service failed; the header `x-request-id` has what the operator needs.", body = Problem),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    robot: Robot,
    UserId(id): UserId,
    uri: Uri,
) -> Result<Response, Failure> {
    let found = app.store.find_user(&robot.tenant, UserKey::Id(id)).await?;
    let entry = found.ok_or_else(Failure::missing)?;
    Ok(shown(&entry.user, &fields(&uri)))
}

async fn write(
    app: &App,
    robot: &Robot,
    whom: Whom<'_>,
    request: Request,
) -> Result<Response, Failure> {
    let now = Timestamp::now();
    let directory = Directory::new(&app.store, &robot.tenant, robot.writer(), now);
    match directory.write(whom, request, qvalon::judge).await? {
        Written::Created(entry)
        | Written::Updated { user: entry, .. }
        | Written::Unchanged(entry) => Ok(shown(&entry.user, &Fields::default())),
        Written::Refused(refusals) => Err(Failure::refused(refusals)),
        Written::Missing => Err(Failure::missing()),
    }
}

fn shown(user: &User, fields: &Fields) -> Response {
    Json(UserObject::new(user, fields)).into_response()
}

/// What the query asks for beside.
fn fields(uri: &Uri) -> Fields {
    let pairs = pairs(uri);
    let asked = pairs.iter().filter(|(name, _)| name == "fields");
    Fields::parse(asked.map(|(_, value)| value.as_str()))
}
