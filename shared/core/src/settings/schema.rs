//! What the settings' derived schemas (OpenAPI) do not say by themselves.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Separator;
use crate::attribute::{Attribute, CATALOGUE};

impl ToSchema for Separator {}

impl PartialSchema for Separator {
    /// The derived one would spell tab and newline as they are escaped in Rust.
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What separates list items."))
            .enum_values(Some(
                Self::ALL.map(|separator| separator.char().to_string()),
            ))
            .into()
    }
}

/// An object from the names of the catalogue to JSON keys.
pub(super) fn attribute_mapping() -> Object {
    let names = CATALOGUE
        .iter()
        .filter(|spec| spec.attribute != Attribute::Password)
        .map(|spec| spec.name);
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .build();
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(super::KEY));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "The JSON key of each attribute that is imported. Keys differ, and none is `_errors`; \
             an enabled task maps `username`.",
        ))
        .property_names(Some(name))
        .additional_properties(Some(key))
        .examples([serde_json::json!({
            "username": "Username", "name": "Name", "role": "Role", "email": "E-mail"
        })])
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::PartialSchema as _;

    use crate::settings::{SafetyThreshold, Separator, TaskSettings};

    fn json(schema: impl serde::Serialize) -> Value {
        serde_json::to_value(schema).unwrap()
    }

    #[test]
    fn a_mapping_is_described_by_the_names_of_the_catalogue() {
        let settings = json(TaskSettings::schema());
        let mapping = &settings["properties"]["attribute_mapping"];
        let names = mapping["propertyNames"]["enum"].as_array().unwrap();
        assert!(names.contains(&json!("username")) && names.contains(&json!("user_field5")));
        assert!(!names.contains(&json!("password")), "it is refused");
        assert_eq!(mapping["additionalProperties"]["maxLength"], 256);
        assert!(!mapping["description"].as_str().unwrap().is_empty());
    }

    #[test]
    fn separators_and_thresholds_are_described_by_what_they_can_be() {
        let separator = json(Separator::schema());
        assert_eq!(separator["enum"], json!([",", ";", "|", "\t", "\n"]));
        let threshold = json(SafetyThreshold::schema());
        let forms: Vec<_> = threshold["oneOf"].as_array().unwrap().iter().collect();
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0]["required"], json!(["records"]));
        assert_eq!(forms[1]["required"], json!(["percent"]));
    }
}
