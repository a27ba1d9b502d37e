//! Wire types of the HTTP API: the bodies of requests and responses, each defined once for the
//! functions, the command line and the OpenAPI document (feature `openapi`).
//!
//! `…Request` is a request body, `…Response` a response body; the other types are parts of them.
//! Schema names in the document are older than the Rust names and are set with `schema(as = …)`.
//! Requests refuse unknown members. Responses are read leniently: unknown members are ignored, so
//! that an older client can read the responses of a newer service; names from a list that may grow
//! are [`Extensible`].

pub mod authenticate;
mod extensible;
pub mod imports;
pub mod items;
pub mod operators;
pub mod page;
pub mod problem;
pub mod qvalon;
pub mod robots;
pub mod roles;
pub mod runs;
mod secret;
pub mod sessions;
pub mod tasks;
mod time;
pub mod tokens;
pub mod users;

pub use self::authenticate::{AuthenticateRequest, AuthenticateResponse};
pub use self::extensible::{Extensible, Named};
pub use self::imports::{
    AcceptedImportResponse, CreateUploadRequest, CreateUploadResponse, ImportOutcome,
    ImportProgress, ImportResponse, ReceivedPart, Sha256Hex, SignedPart, UploadPartsResponse,
};
pub use self::items::ItemResponse;
pub use self::operators::{
    CreateOperatorRequest, OperatorResponse, OperatorRole, UpdateOperatorRequest,
};
pub use self::page::Page;
pub use self::problem::{FieldError, Problem};
pub use self::qvalon::QvalonError;
pub use self::robots::{CreateRobotRequest, RobotResponse, UpdateRobotRequest};
pub use self::roles::{ReplaceRolesRequest, RolesResponse};
pub use self::runs::RunResponse;
pub use self::sessions::{
    ChangePasswordRequest, CreateSessionRequest, CreateSessionResponse, SessionOperator,
    SessionResponse,
};
pub use self::tasks::{
    CopyTaskRequest, CreateTaskRequest, ReplaceTaskRequest, TaskResponse, TaskVersionResponse,
};
pub use self::tokens::{CreateTokenRequest, Scope, TokenResponse, TokenStatus};
pub use self::users::{UserAuthor, UserHistoryEntry, UserManager, UserResponse};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_omits_absent_members_and_sends_the_password() {
        let request = UpdateRobotRequest {
            password: Some("secret-1".into()),
            ..UpdateRobotRequest::default()
        };
        let sent = serde_json::to_value(&request).unwrap();
        assert_eq!(sent, json!({"password": "secret-1"}));
        assert!(!format!("{request:?}").contains("secret-1"));
    }

    #[test]
    fn a_request_with_an_unknown_member_is_refused() {
        let request = json!({"enabled": true, "enabeld": true});
        assert!(serde_json::from_value::<UpdateRobotRequest>(request).is_err());
    }

    #[test]
    fn times_have_milliseconds() {
        let reply = json!({
            "name": "anna", "tenant": "acme", "role": "manage",
            "expires_at": "2026-11-22T01:02:03Z", "a member of a newer service": null
        });
        let session: SessionResponse = serde_json::from_value(reply).unwrap();
        let sent = serde_json::to_value(&session).unwrap();
        assert_eq!(sent["expires_at"], "2026-11-22T01:02:03.000Z");
        assert_eq!(sent["role"], "manage");
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits_in_lower_case() {
        let digest = Sha256Hex::parse(&"aB".repeat(32)).unwrap();
        assert_eq!(digest.into_string(), "ab".repeat(32));
        for invalid in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Sha256Hex::parse(invalid), None);
        }
    }

    #[test]
    fn a_problem_needs_no_more_than_a_title() {
        let problem: Problem = serde_json::from_value(json!({"title": "Not Found"})).unwrap();
        assert_eq!((problem.status, problem.detail.as_str()), (0, ""));
        let sent = serde_json::to_value(&problem).unwrap();
        assert_eq!(sent.get("errors"), None);
    }
}
