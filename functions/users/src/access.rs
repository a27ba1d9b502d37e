//! Access control: a robot whose token is valid for this dialect.

use axum::extract::FromRequestParts;
use jiff::Timestamp;
use muster_aws::auth::tokens::{Scope, Token};
use muster_aws::directory::Writer;
use muster_web::headers;
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;

use crate::app::App;
use crate::error::UsersError;

/// The robot that sent the request. Handlers take it as the first extractor, so that 401 takes
/// precedence over other errors.
#[derive(Debug)]
pub(crate) struct Robot {
    /// The robot's tenant.
    pub(crate) tenant: String,
    name: String,
}

impl Robot {
    /// Returns the robot as the author of changes.
    pub(crate) fn writer(&self) -> Writer {
        Writer::Robot {
            dialect: "qvalon".to_owned(),
            robot: self.name.clone(),
            run: None,
        }
    }
}

impl FromRequestParts<App> for Robot {
    type Rejection = UsersError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, UsersError> {
        let token = headers::bearer_token(&parts.headers);
        let token = app
            .store
            .tokens()
            .authorize(token, Scope::Qvalon, Timestamp::now())
            .await?;
        let Some(Token { tenant, robot, .. }) = token else {
            return Err(UsersError::new(
                StatusCode::UNAUTHORIZED,
                headers::INVALID_TOKEN,
            ));
        };
        Ok(Self {
            tenant,
            name: robot,
        })
    }
}
