//! Access control: the operator's session, and the role that an operation requires. Handlers take
//! these extractors first, so that nothing else of a request is read before. They also refuse a
//! change that asks for a dry run, so that no operation can forget to.

use axum::extract::FromRequestParts;
use jiff::Timestamp;
use muster_aws::auth::operators::{Operator, Role};
use muster_aws::auth::sessions::Session;
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;
use muster_web::query::NoDryRun;
use muster_web::{ApiError, headers};

use crate::app::App;

/// The session of an operator with any role.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) Session);

/// An operator with the role `manage`.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Operator);

/// Returns the 401 error for a request without a session.
pub(crate) fn session_required() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "the session is missing or has ended: sign in with POST /admin/v1/sessions and send its \
         token as Authorization: Bearer …",
    )
}

/// Returns the session of a request's token.
async fn session(parts: &Parts, app: &App) -> Result<Session, ApiError> {
    let session = match headers::bearer_token(&parts.headers) {
        None => None,
        Some(token) => {
            app.store
                .sessions()
                .look_up(token, Timestamp::now())
                .await?
        }
    };
    session.ok_or_else(session_required)
}

impl FromRequestParts<App> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let session = session(parts, app).await?;
        NoDryRun::from_request_parts(parts, app).await?;
        Ok(Self(session))
    }
}

impl FromRequestParts<App> for Manager {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Session { operator, .. } = session(parts, app).await?;
        if operator.role == Role::Read {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "your role `read` allows reading only: this operation requires the role `manage`",
            ));
        }
        NoDryRun::from_request_parts(parts, app).await?;
        Ok(Self(operator))
    }
}
