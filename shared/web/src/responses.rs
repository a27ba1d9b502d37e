//! Error responses that many operations have in common, for the OpenAPI document. An operation
//! names them in its `responses`.

use std::collections::BTreeMap;

use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

/// Returns error responses: statuses and descriptions of bodies with the schema `schema`.
pub fn error_responses<const N: usize>(
    media_type: &str,
    schema: &str,
    statuses: [(&str, &str); N],
) -> BTreeMap<String, RefOr<Response>> {
    let response = |description: &str| {
        let content = Content::new(Some(Ref::from_schema_name(schema)));
        ResponseBuilder::new()
            .description(description)
            .content(media_type, content)
            .build()
    };
    let responses = statuses.into_iter();
    responses
        .map(|(status, description)| (status.to_owned(), response(description).into()))
        .collect()
}

/// Defines types that add [`error_responses`] to an operation.
#[macro_export]
macro_rules! error_responses {
    (
        $media_type:expr, $schema:literal;
        $($(#[$doc:meta])* $name:ident: $($status:literal $description:literal),+;)+
    ) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl ::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                String,
                ::utoipa::openapi::RefOr<::utoipa::openapi::Response>,
            > {
                $crate::responses::error_responses(
                    $media_type,
                    $schema,
                    [$(($status, $description)),+],
                )
            }
        }
    )+};
}

error_responses! {
    muster_api::problem::MEDIA_TYPE, "Problem";
    /// Responses of every operation.
    ServiceErrors:
        "500" "The service failed. The header `x-request-id` identifies the request in its log.",
        "503" "The service is busy. `Retry-After` has the seconds to wait.";
    /// Responses of operations for operators.
    OperatorErrors:
        "401" "The session is missing or has ended: sign in.",
        "403" "The operator's role does not allow this operation.";
    /// Responses of operations for robots.
    RobotErrors:
        "401" "The token is missing, invalid, or not valid for this operation.";
    /// Responses of operations that read a body.
    BodyErrors:
        "400" "The body or a query parameter cannot be read, or the request asks for a dry run that is not understood; `errors` names the place.",
        "413" "The body is too large.",
        "415" "The body is not declared as JSON, or is packed with another encoding than gzip, which `Accept-Encoding` then names.",
        "422" "The body has invalid fields; `errors` names them.";
    /// Responses of changes without a body.
    DryRunErrors:
        "400" "The request asks for a dry run, which this operation does not have.";
    /// Responses of operations that read the query.
    QueryErrors:
        "400" "Invalid query parameter; `errors` names it.";
    /// Responses of operations on one resource.
    NotFound:
        "404" "The tenant has no such resource.";
    /// Responses of operations that depend on the state of a resource.
    Conflict:
        "409" "The state of the resource does not allow this, or it was changed concurrently; `detail` has the reason.";
}
