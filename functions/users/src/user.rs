//! Single users: create, change, show. `muster-core` interprets the bodies, `muster-import` writes
//! the users.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_api::QvalonError;
use muster_aws::directory::UserKey;
use muster_core::dialect::qvalon::{
    self, Fields, NewUser, USER_PATH, USERS_PATH, UserChanges, UserObject,
};
use muster_core::plan::User;
use muster_core::user_request::UserRequest;
use muster_import::{Directory, UserSelector, WriteOutcome};
use muster_web::http::Uri;
use muster_web::http::request::Parts;

use crate::access::Robot;
use crate::app::App;
use crate::body::JsonObject;
use crate::error::UsersError;
use crate::query::pairs;
use crate::responses::{CommonErrors, NotFound, ReadErrors, WriteErrors};

/// The id in a user's path. An id that is not an integer is unknown.
#[derive(Debug)]
pub(crate) struct UserId(u64);

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = UsersError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, UsersError> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let Ok(Path(text)) = path else {
            return Err(UsersError::not_found());
        };
        let is_integer = text.bytes().all(|byte| byte.is_ascii_digit());
        let id = is_integer.then(|| text.parse().ok()).flatten();
        id.map(Self).ok_or_else(UsersError::not_found)
    }
}

/// Create a user
///
/// Logins are unique among all users of the service, external ids among the users of the tenant.
#[utoipa::path(
    post, path = USERS_PATH, tag = "QVALON",
    request_body(content = NewUser, example = json!({
        "login": "jack.woo", "password": "wrs1234", "firstName": "Jack", "lastName": "Woo",
        "position": "Store manager", "level": "SHOP", "shopIds": [17], "lang": "ru_RU"
    })),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The new user.", body = UserObject<'static>),
        (status = 400, description = "The body is not a JSON object, a value is missing or invalid, or the query asks for a dry run, which this dialect does not have; `field` names the first one.", body = QvalonError),
        (status = 409, description = "The login or the external id is taken; `field` says which.", body = QvalonError),
        WriteErrors, CommonErrors,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    robot: Robot,
    JsonObject(object): JsonObject,
) -> Result<Response, UsersError> {
    let request = qvalon::create(&object).map_err(|refusals| UsersError::refused(&refusals))?;
    write(&app, &robot, UserSelector::New, request).await
}

/// Change a user
///
/// Absent members keep their values; `externalId` is ignored. The response is the user after the
/// change.
#[utoipa::path(
    put, path = USER_PATH, tag = "QVALON",
    params(("id" = u64, Path, description = "The user's id.", example = 1615)),
    request_body(content = UserChanges, example = json!({"position": "Regional manager", "level": "REGION", "regionIds": [4]})),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user after the change.", body = UserObject<'static>),
        (status = 400, description = "The body is not a JSON object, a value is invalid, a required value would be missing, or the query asks for a dry run, which this dialect does not have; `field` names the first one.", body = QvalonError),
        (status = 409, description = "The login is taken; `field` says so.", body = QvalonError),
        WriteErrors, NotFound, CommonErrors,
    )
)]
pub(crate) async fn update(
    State(app): State<App>,
    robot: Robot,
    UserId(id): UserId,
    JsonObject(object): JsonObject,
) -> Result<Response, UsersError> {
    let request = qvalon::update(&object).map_err(|refusals| UsersError::refused(&refusals))?;
    write(&app, &robot, UserSelector::Id(id), request).await
}

/// Show a user
#[utoipa::path(
    get, path = USER_PATH, tag = "QVALON",
    params(
        ("id" = u64, Path, description = "The user's id.", example = 1615),
        ("fields" = Option<String>, Query, description = "Additional members to show, separated by commas; unknown names are ignored.", allow_reserved, example = "roles,shops"),
    ),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The user.", body = UserObject<'static>),
        ReadErrors, NotFound, CommonErrors,
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    robot: Robot,
    UserId(id): UserId,
    uri: Uri,
) -> Result<Response, UsersError> {
    let found = app
        .store
        .directory()
        .find(&robot.tenant, UserKey::Id(id))
        .await?;
    let entry = found.ok_or_else(UsersError::not_found)?;
    Ok(response(&entry.user, &fields(&uri)))
}

async fn write(
    app: &App,
    robot: &Robot,
    user: UserSelector<'_>,
    request: UserRequest,
) -> Result<Response, UsersError> {
    let now = Timestamp::now();
    let directory = Directory::new(&app.store, &robot.tenant, robot.writer(), now);
    match directory
        .write(user, request, qvalon::validate_merged)
        .await?
    {
        WriteOutcome::Created(entry)
        | WriteOutcome::Updated { user: entry, .. }
        | WriteOutcome::Unchanged(entry) => Ok(response(&entry.user, &Fields::default())),
        WriteOutcome::Refused(refusals) => Err(UsersError::refused(&refusals)),
        WriteOutcome::Promised(refusal) => Err(UsersError::promised(refusal)),
        WriteOutcome::Missing => Err(UsersError::not_found()),
    }
}

fn response(user: &User, fields: &Fields) -> Response {
    Json(UserObject::new(user, fields)).into_response()
}

/// Returns the additional members that the query requests.
fn fields(uri: &Uri) -> Fields {
    let pairs = pairs(uri);
    let requested = pairs.iter().filter(|(name, _)| name == "fields");
    Fields::parse(requested.map(|(_, value)| value.as_str()))
}
