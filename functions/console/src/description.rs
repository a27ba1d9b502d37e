//! The description of the HTTP functions (OpenAPI 3.1), and a page to browse it. The document of
//! all functions is `docs/openapi.json`; a test compares it with what their routes say.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use muster_web::http::{HeaderValue, header};
use muster_web::{FieldError, Problem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is served.
const DOCUMENT: &str = "/openapi.json";

/// What the operator's API is documented as, but for its operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Bulk user import: the dialects of HR, retail and identity systems over one \
                       directory, and the operator's API. Times are RFC 3339 in UTC; errors of the \
                       operator's API are `application/problem+json` (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, FieldError)),
    modifiers(&Operator),
    tags(
        (name = "Execution log", description = "The runs of the last 90 days, and what each has to say about its records."),
        (name = "Imports", description = "Data too large for one request, and what becomes of imports in the background, by robots."),
        (name = "Operators", description = "The people who use this API."),
        (name = "Quant", description = "Task-based import, by robots."),
        (name = "Robots", description = "The accounts of systems that import."),
        (name = "Roles", description = "What users of the tenant can be, and tasks can map to."),
        (name = "Sessions", description = "Operators sign in and out."),
        (name = "Sign-in", description = "Robots sign in."),
        (name = "Tasks", description = "Import tasks, with every version they had."),
        (name = "Tokens", description = "API tokens of robots, for systems that do not sign in."),
        (name = "Users", description = "The users of the tenant's directory, and what changed them."),
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

/// What a browser may do with the page: nothing from elsewhere. Swagger UI sets styles in its
/// elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The document and the page.
pub(crate) fn pages() -> Router {
    let page = Config::from(DOCUMENT)
        .use_base_layout()
        .default_models_expand_depth(0);
    Router::new()
        .route(DOCUMENT, get(document))
        .merge(SwaggerUi::new("/docs").config(page))
        .layer(map_response(protected))
}

async fn document() -> impl IntoResponse {
    let json = include_str!("../../../docs/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], json)
}

async fn protected(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
