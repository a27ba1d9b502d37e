//! The parsed template and access to the properties of its resources.

use serde_json::Value;
use thiserror::Error;

use super::yaml::{self, Parameters};

/// The text of `infra/template.yaml`.
pub(super) const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Name of the local stack; its tables are `muster-local-directory` and `muster-local-control`.
pub const STACK_NAME: &str = "muster-local";
/// Region of the local services.
pub const REGION: &str = "eu-central-1";

/// An error in the template: a resource is missing, incomplete, or has an unsupported property.
#[derive(Debug, Error)]
#[error("infra/template.yaml{}: {problem}", .resource.as_deref().map(|name| format!(", resource {name}")).unwrap_or_default())]
pub struct TemplateError {
    /// Logical id of the resource with the problem; `None` if the document cannot be parsed.
    pub resource: Option<String>,
    /// The problem, as a sentence.
    pub problem: String,
}

impl TemplateError {
    pub(super) fn in_resource(logical_id: &str, problem: String) -> Self {
        Self {
            resource: Some(logical_id.to_owned()),
            problem,
        }
    }
}

/// Returns the compiled-in template as JSON, with short tags in their long form.
///
/// # Errors
/// Returns an error if the template is not valid YAML.
pub fn document() -> Result<Value, TemplateError> {
    parse(TEMPLATE)
}

/// Parses a template.
pub(super) fn parse(template: &str) -> Result<Value, TemplateError> {
    yaml::parse(template).map_err(|problem| TemplateError {
        resource: None,
        problem,
    })
}

/// Returns the unresolved `Properties` of a resource of type `resource_type`.
pub(super) fn properties<'a>(
    document: &'a Value,
    logical_id: &str,
    resource_type: &str,
) -> Result<&'a Value, String> {
    let resource = document
        .get("Resources")
        .and_then(|resources| resources.get(logical_id))
        .ok_or("no such resource")?;
    if resource.get("Type").and_then(Value::as_str) != Some(resource_type) {
        return Err(format!("expected Type {resource_type}"));
    }
    resource
        .get("Properties")
        .ok_or_else(|| "Properties are missing".to_owned())
}

/// Returns the values of parameters on this machine.
pub(super) fn local_parameters(document: &Value) -> Parameters<'_> {
    Parameters {
        stack_name: STACK_NAME,
        region: REGION,
        declared: document.get("Parameters").unwrap_or(&Value::Null),
    }
}
