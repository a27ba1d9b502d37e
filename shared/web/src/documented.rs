//! Refusals that many operations have in common, for their documentation: named in the
//! `responses` of an operation, each stands for one status with a [`Problem`].
//!
//! [`Problem`]: crate::Problem

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::MEDIA_TYPE;

fn problem(description: &str) -> RefOr<Response> {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, content)
        .build()
        .into()
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $description:literal),+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), problem($description))),+])
            }
        }
    )+};
}

refusals! {
    /// What every operation may answer.
    Always:
        "500" "The service failed; the header `x-request-id` has what the operator needs.",
        "503" "The service is busy; `Retry-After` has the seconds to wait.";
    /// What an operation may answer that wants an operator.
    Operators:
        "401" "No session, or one that has ended: sign in.",
        "403" "The operator's role does not allow it.";
    /// What an operation may answer that wants a robot.
    Robots:
        "401" "No token, or one that does not open this.";
    /// What an operation may answer that reads a body.
    Bodies:
        "400" "The body or a query parameter cannot be read; `errors` names the place.",
        "413" "The body is too large.",
        "415" "The body is not declared as JSON.",
        "422" "The body can be read and is not acceptable; `errors` names the fields.";
    /// What an operation may answer that reads its query.
    Queries:
        "400" "A query parameter is not right; `errors` names it.";
    /// What an operation may answer that is about one thing.
    Missing:
        "404" "There is no such thing in this tenant.";
    /// What an operation may answer that changes something others change, too.
    Conflicts:
        "409" "Something is in the way, or changed meanwhile; `detail` says what.";
}
