//! OpenAPI schema of a user in requests, also checked against the table in
//! `docs/dialects/collaborator.md`. Generated from the catalogue.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::fields::{LANGUAGES, REQUIRED, USER_SYNTAX, key};
use crate::attribute::{Attribute, AttributeKind, AttributeSpec, CATALOGUE};
use crate::limits;

/// A user in a request.
#[derive(Debug)]
pub struct CollaboratorUser;

impl ToSchema for CollaboratorUser {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CollaboratorUser")
    }
}

impl PartialSchema for CollaboratorUser {
    fn schema() -> RefOr<Schema> {
        let user = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "Requested state of the user. Absent keys keep the stored value, `null` clears it; \
                 unknown keys are ignored.",
            ));
        let fields = CATALOGUE
            .iter()
            .filter_map(|spec| Some(((USER_SYNTAX.key)(spec)?, spec)));
        let user = fields.fold(user, |user, (key, spec)| user.property(key, value(spec)));
        REQUIRED
            .iter()
            .fold(user, |user, attribute| user.required(key(*attribute)))
            .into()
    }
}

fn value(spec: &AttributeSpec) -> Schema {
    let null = (!REQUIRED.contains(&spec.attribute)).then_some(Type::Null);
    let schema_type: SchemaType = json_types(spec.kind).iter().cloned().chain(null).collect();
    let description = Some(value_description(spec.kind));
    if spec.kind == AttributeKind::TextList {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let list = ArrayBuilder::new().schema_type(schema_type).items(text);
        let list = list.max_items(Some(limits::MAX_LIST_ITEMS));
        return list.description(description).into();
    }
    let value = ObjectBuilder::new().schema_type(schema_type);
    let value = value.description(description);
    match spec.attribute {
        Attribute::Password => value.write_only(true).into(),
        _ => value.into(),
    }
}

/// Returns the JSON types accepted for an attribute.
const fn json_types(kind: AttributeKind) -> &'static [Type] {
    match kind {
        AttributeKind::Login
        | AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Secret => &[Type::String, Type::Integer],
        AttributeKind::Role
        | AttributeKind::Email
        | AttributeKind::Phone
        | AttributeKind::Language
        | AttributeKind::TimeZone
        | AttributeKind::Date
        | AttributeKind::EncodedObject
        | AttributeKind::Choice(_) => &[Type::String],
        AttributeKind::Flag { .. } => &[Type::Integer, Type::String, Type::Boolean],
        AttributeKind::TextList | AttributeKind::IdList => {
            &[Type::String, Type::Integer, Type::Array]
        }
        AttributeKind::Gender | AttributeKind::UserId | AttributeKind::Integer => {
            &[Type::Integer, Type::String]
        }
    }
}

/// Describes the accepted values of an attribute.
pub(super) fn value_description(kind: AttributeKind) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        AttributeKind::Login => {
            "1–128 letters, digits and `. _ - @ + ' #`, the last two not at the ends; one script, or one on each side of a single `@`; not trimmed"
        }
        AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Role
        | AttributeKind::TimeZone
        | AttributeKind::Choice(_) => "text",
        AttributeKind::Email => "an e-mail address in ASCII",
        AttributeKind::Phone => {
            "`+` or `00` and 8–15 digits; spaces, dashes, dots, `(` and `)` are removed"
        }
        AttributeKind::Flag { .. } => "`1` or `0`",
        AttributeKind::TextList | AttributeKind::IdList => {
            "one comma-separated string, or an array; at most 5,000 different items"
        }
        AttributeKind::Language => {
            return Cow::Owned(format!("{}, in any case", LANGUAGES.join(", ")));
        }
        AttributeKind::Gender => "`0` male, `1` female",
        AttributeKind::Date => "`DD.MM.YYYY` or `YYYY-MM-DD`",
        AttributeKind::EncodedObject => "base64 of a JSON object, at most 32 KB",
        AttributeKind::UserId => "a user id",
        AttributeKind::Integer => "an integer",
        AttributeKind::Secret => "1–128 characters, not trimmed; stored as a hash, never returned",
    })
}
