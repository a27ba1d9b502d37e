//! The description of the HTTP functions (OpenAPI 3.1), and a page to browse it. The document of
//! all functions is `docs/openapi.json`; a test compares it with what their routes say.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use muster_web::http::header;
use muster_web::{FieldError, Problem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is served.
const DOCUMENT: &str = "/openapi.json";

/// What the operator's API is documented as, but for its operations.
#[derive(OpenApi)]
#[openapi(
    components(schemas(Problem, FieldError)),
    modifiers(&Operator),
    tags(
        (name = "Execution log", description = "The runs of the last 90 days, and what each has to say about its records."),
        (name = "Sessions", description = "Operators sign in and out."),
    )
)]
pub(crate) struct Console;

/// Adds the security scheme of operators' sessions.
struct Operator;

impl Modify for Operator {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of an operator's session."))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("operator", SecurityScheme::Http(scheme));
    }
}

/// The document and the page.
pub(crate) fn pages() -> Router {
    let page = SwaggerUi::new("/docs").config(Config::from(DOCUMENT));
    Router::new().route(DOCUMENT, get(document)).merge(page)
}

async fn document() -> impl IntoResponse {
    let json = include_str!("../../../docs/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], json)
}
