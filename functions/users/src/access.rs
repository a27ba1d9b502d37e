//! Who asks: a robot whose token opens this dialect.

use axum::extract::FromRequestParts;
use jiff::Timestamp;
use muster_aws::directory::Writer;
use muster_aws::tokens::{Scope, Token};
use muster_web::headers;
use muster_web::http::StatusCode;
use muster_web::http::request::Parts;

use crate::App;
use crate::failure::Failure;

/// The robot that asks. To be the first extractor of a handler, so that 401 comes first.
#[derive(Debug)]
pub(crate) struct Robot {
    /// Whose users it is about.
    pub(crate) tenant: String,
    name: String,
}

impl Robot {
    /// The robot as the author of what it writes.
    pub(crate) fn writer(&self) -> Writer {
        Writer::Robot {
            dialect: "qvalon".to_owned(),
            robot: self.name.clone(),
            run: None,
        }
    }
}

impl FromRequestParts<App> for Robot {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let token = headers::token(&parts.headers);
        let token = app
            .store
            .open_with(token, Scope::Qvalon, Timestamp::now())
            .await?;
        let Some(Token { tenant, robot, .. }) = token else {
            return Err(Failure::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or invalid: sign in at POST /authenticate and send it as \
                 `Authorization: Bearer …`",
            ));
        };
        Ok(Self {
            tenant,
            name: robot,
        })
    }
}
