//! The description of the HTTP functions (OpenAPI 3.1), and a page to browse it. The document of
//! all functions is `docs/openapi.json`; a test compares it with the descriptions of their routes.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use muster_api::{FieldError, Problem};
use muster_web::http::{HeaderValue, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Path of the document.
const DOCUMENT_PATH: &str = "/openapi.json";

/// Description of the operators' API without its operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Bulk user import: the dialects of HR, retail and identity systems over one \
                       directory, and the operators' API. Times are RFC 3339 in UTC; errors of the \
                       operators' API are `application/problem+json` (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, FieldError)),
    modifiers(&OperatorSecurity),
    tags(
        (name = "Execution log", description = "The runs of the last 90 days, with warnings and errors about their records."),
        (name = "Imports", description = "Uploads of data too large for one request, and the status of imports, for robots."),
        (name = "Operators", description = "The people who use this API."),
        (name = "Quant", description = "Task-based import, for robots."),
        (name = "Robots", description = "The accounts of systems that import users."),
        (name = "Roles", description = "The roles that users can have and tasks can map to."),
        (name = "Sessions", description = "Operators sign in and out."),
        (name = "Sign-in", description = "Robots sign in."),
        (name = "Tasks", description = "Import tasks, with all their versions."),
        (name = "Tokens", description = "API tokens of robots, for systems that do not sign in."),
        (name = "Users", description = "The users of the tenant's directory, with their last changes."),
    )
)]
pub(crate) struct Console;

/// Adds the security scheme of operators' sessions.
struct OperatorSecurity;

impl Modify for OperatorSecurity {
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

/// The page's content security policy: nothing is loaded from other origins. Swagger UI needs
/// inline styles.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Returns the routes of the document and the page.
pub(crate) fn pages() -> Router {
    let page = Config::from(DOCUMENT_PATH)
        .use_base_layout()
        .default_models_expand_depth(0);
    Router::new()
        .route(DOCUMENT_PATH, get(document))
        .merge(SwaggerUi::new("/docs").config(page))
        .layer(map_response(add_security_headers))
}

async fn document() -> impl IntoResponse {
    let json = include_str!("../../../docs/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], json)
}

async fn add_security_headers(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
