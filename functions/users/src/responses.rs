//! Error responses that all operations have in common, for the OpenAPI document.

muster_web::error_responses! {
    "application/json", "QvalonError";
    /// Responses of every operation.
    CommonErrors:
        "401" "The token is missing, invalid, or not valid for this dialect.",
        "500" "The service failed. The header `x-request-id` identifies the request in its log.";
    /// Responses of operations that read users.
    ReadErrors:
        "429" "The service is busy. `Retry-After` has the seconds to wait.";
    /// Responses of operations that write users.
    WriteErrors:
        "413" "More than 4,000,000 bytes.",
        "415" "The body is not declared as JSON, or is packed with another encoding than gzip, which `Accept-Encoding` then names.",
        "429" "Too many concurrent writes; `Retry-After` has the seconds to wait.";
    /// Responses of operations on one user.
    NotFound:
        "404" "The user does not exist.";
}
