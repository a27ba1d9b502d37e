//! OpenAPI schemas that cannot be derived.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::separator::Separator;
use crate::attribute::{Attribute, CATALOGUE};
use crate::limits;

const SEPARATORS: [Separator; 5] = [
    Separator::Comma,
    Separator::Semicolon,
    Separator::Bar,
    Separator::Tab,
    Separator::Newline,
];

impl ToSchema for Separator {}

impl PartialSchema for Separator {
    /// A derived schema would contain tab and newline in their escaped Rust form.
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Separator of list items."))
            .enum_values(Some(
                SEPARATORS.map(|separator| separator.char().to_string()),
            ))
            .into()
    }
}

/// Returns the schema of an object from catalogue names to JSON keys.
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
        .max_length(Some(limits::MAX_JSON_KEY_CHARS));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "JSON key of each imported attribute. Keys must be unique and different from `_errors`; \
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

    use crate::settings::{Figure, Separator, TaskSettings};

    fn json(schema: impl serde::Serialize) -> Value {
        serde_json::to_value(schema).unwrap()
    }

    #[test]
    fn the_schema_of_a_mapping_lists_the_names_of_the_catalogue() {
        let settings = json(TaskSettings::schema());
        let mapping = &settings["properties"]["attribute_mapping"];
        let names = mapping["propertyNames"]["enum"].as_array().unwrap();
        assert!(names.contains(&json!("username")) && names.contains(&json!("user_field5")));
        assert!(!names.contains(&json!("password")), "it is refused");
        assert_eq!(mapping["additionalProperties"]["maxLength"], 256);
        assert!(!mapping["description"].as_str().unwrap().is_empty());
    }

    #[test]
    fn the_schemas_of_separators_and_thresholds_list_every_variant() {
        let separator = json(Separator::schema());
        assert_eq!(separator["enum"], json!([",", ";", "|", "\t", "\n"]));
        let threshold = json(super::super::threshold::Wire::schema());
        let figures = Figure::ALL.map(Figure::name);
        for name in figures.into_iter().chain(["records", "percent"]) {
            assert!(threshold["properties"][name].is_object(), "{name}");
        }
    }
}
