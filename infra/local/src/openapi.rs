//! The description of all HTTP functions in one document, from what each says of its routes.
//! `docs/openapi.json` is this document; the console serves it.

use std::path::Path;
use std::{fs, io};

use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::LocalError;

/// The document of all functions.
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

/// An operation is named by its tag and its handler, since handlers of different modules have the
/// same names: `tasks_list`.
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

/// As the file has it.
fn text() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|json| json + "\n")
}

/// Writes the file.
pub(crate) fn write(path: &Path) -> Result<(), LocalError> {
    let text = text().map_err(io::Error::other);
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
    fn the_committed_document_is_what_the_functions_say() {
        let committed = include_str!("../../../docs/openapi.json");
        assert!(
            committed == text().unwrap(),
            "docs/openapi.json is old: cargo run -p muster-local -- openapi docs/openapi.json"
        );
    }

    #[test]
    fn every_operation_is_named_documented_and_secured() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        let mut unsecured = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let place = format!("{method} {path}");
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} names two operations");
                assert!(operation["summary"].is_string(), "{place} has no summary");
                assert_eq!(
                    operation["tags"].as_array().map(Vec::len),
                    Some(1),
                    "{place}"
                );
                if operation["security"].as_array().is_none_or(Vec::is_empty) {
                    unsecured.push(place);
                }
            }
        }
        assert_eq!(unsecured, ["post /admin/v1/sessions", "post /authenticate"]);
    }
}
