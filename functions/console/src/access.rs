//! Who is asking, and whether that is enough: an operator's session, and the role that an
//! operation takes. Both come before anything else of a request is looked at.

use axum::extract::FromRequestParts;
use jiff::Timestamp;
use muster_aws::operators::{Operator, Role};
use muster_aws::sessions::Session;
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;
use muster_web::{Problem, headers};

use crate::App;
use crate::failure::Failure;

/// Any operator who has signed in.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) Session);

/// An operator who may change things.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) Operator);

/// The answer to a request without a session.
pub(crate) fn no_session() -> Failure {
    Failure::Problem(Problem::new(
        StatusCode::UNAUTHORIZED,
        "no session, or one that has ended: sign in with POST /admin/v1/sessions and send its \
         token as Authorization: Bearer …",
    ))
}

impl FromRequestParts<App> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let session = match headers::token(&parts.headers) {
            None => None,
            Some(text) => app.store.lookup_session(text, Timestamp::now()).await?,
        };
        session.map(Self).ok_or_else(no_session)
    }
}

impl FromRequestParts<App> for Manager {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Reader(Session { operator, .. }) = Reader::from_request_parts(parts, app).await?;
        match operator.role {
            Role::Manage => Ok(Self(operator)),
            Role::Read => Err(Failure::Problem(Problem::new(
                StatusCode::FORBIDDEN,
                "your role `read` may only look; this takes an operator with the role `manage`",
            ))),
        }
    }
}
