//! The OpenAPI document of all HTTP functions, merged from their own documents. `docs/openapi.json`
//! is this document; the console serves it.

use std::path::Path;
use std::{fs, io};

use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::error::LocalError;

/// Returns the merged document of all functions.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = muster_console::openapi();
    document.merge(muster_auth::openapi());
    document.merge(muster_imports::openapi());
    document.merge(muster_users::openapi());
    name_operations(&mut document);
    let robot = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The token of a robot, from POST /authenticate or issued by an operator.",
        ))
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("robot", SecurityScheme::Http(robot));
    document
}

/// Names each operation by its tag and handler, such as `tasks_list`: handlers of different modules
/// share names.
fn name_operations(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let tag = operation.tags.iter().flatten().next();
            let tag = tag.map(|tag| tag.to_lowercase().replace([' ', '-'], "_"));
            if let (Some(tag), Some(name)) = (tag, &operation.operation_id) {
                operation.operation_id = Some(format!("{tag}_{name}"));
            }
        }
    }
}

/// Returns the content of the file.
fn document_text() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|json| json + "\n")
}

/// Writes the document to a file.
pub(crate) fn write(path: &Path) -> Result<(), LocalError> {
    let text = document_text().map_err(io::Error::other);
    text.and_then(|text| fs::write(path, text))
        .map_err(|cause| LocalError::Document {
            path: path.to_path_buf(),
            cause,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_up_to_date() {
        let committed = include_str!("../../../docs/openapi.json");
        assert!(
            committed == document_text().unwrap(),
            "docs/openapi.json is outdated: run cargo run -p muster-local -- openapi docs/openapi.json"
        );
    }

    #[test]
    fn every_operation_has_a_name_a_summary_and_security() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        let mut unsecured = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let operation_path = format!("{method} {path}");
                let name = operation["operationId"].as_str().unwrap();
                assert!(
                    names.insert(name.to_owned()),
                    "duplicate operation name {name}"
                );
                assert!(
                    operation["summary"].is_string(),
                    "{operation_path} has no summary"
                );
                assert_eq!(
                    operation["tags"].as_array().map(Vec::len),
                    Some(1),
                    "{operation_path}"
                );
                if operation["security"].as_array().is_none_or(Vec::is_empty) {
                    unsecured.push(operation_path);
                }
            }
        }
        assert_eq!(unsecured, ["post /admin/v1/sessions", "post /authenticate"]);
    }
}
