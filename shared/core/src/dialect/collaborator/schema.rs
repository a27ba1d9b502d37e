//! What a user looks like in requests, for the documentation (OpenAPI, and the table of
//! `docs/dialects/collaborator.md`): from the catalogue.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{LANGUAGES, REQUIRED, SPELLING, key};
use crate::attribute::{Attribute, CATALOGUE, Kind, Spec};
use crate::limits;

/// A user as requests have it.
#[derive(Debug)]
pub struct User;

impl ToSchema for User {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CollaboratorUser")
    }
}

impl PartialSchema for User {
    fn schema() -> RefOr<Schema> {
        let user = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "What the user is to be. Keys that are absent keep what is stored, `null` clears; \
                 unknown keys are ignored.",
            ));
        let fields = CATALOGUE
            .iter()
            .filter_map(|spec| Some(((SPELLING.key)(spec)?, spec)));
        let user = fields.fold(user, |user, (key, spec)| user.property(key, value(spec)));
        REQUIRED
            .iter()
            .fold(user, |user, attribute| user.required(key(*attribute)))
            .into()
    }
}

fn value(spec: &Spec) -> Schema {
    let null = (!REQUIRED.contains(&spec.attribute)).then_some(Type::Null);
    let types: SchemaType = types(spec.kind).iter().cloned().chain(null).collect();
    let description = Some(takes(spec.kind));
    if spec.kind == Kind::TextList {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let list = ArrayBuilder::new().schema_type(types).items(text);
        let list = list.max_items(Some(limits::LIST_ITEMS));
        return list.description(description).into();
    }
    let value = ObjectBuilder::new().schema_type(types);
    let value = value.description(description);
    match spec.attribute {
        Attribute::Password => value.write_only(true).into(),
        _ => value.into(),
    }
}

/// What JSON an attribute is written in.
const fn types(kind: Kind) -> &'static [Type] {
    match kind {
        Kind::Login | Kind::Text | Kind::Secret => &[Type::String, Type::Integer],
        Kind::Role
        | Kind::Email
        | Kind::Phone
        | Kind::Language
        | Kind::TimeZone
        | Kind::Date
        | Kind::EncodedObject
        | Kind::Choice(_) => &[Type::String],
        Kind::Flag { .. } => &[Type::Integer, Type::String, Type::Boolean],
        Kind::TextList | Kind::IdList => &[Type::String, Type::Array],
        Kind::Gender | Kind::UserId | Kind::Integer => &[Type::Integer, Type::String],
    }
}

/// What values an attribute takes, in words.
pub(super) fn takes(kind: Kind) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        Kind::Login => "1–128 letters, digits and `. _ - @ +`; one script; not trimmed",
        Kind::Text | Kind::Role | Kind::TimeZone | Kind::Choice(_) => "text",
        Kind::Email => "an e-mail address in ASCII",
        Kind::Phone => "`+` and 8–15 digits; spaces, `-`, `(`, `)` are dropped",
        Kind::Flag { .. } => "`1` or `0`",
        Kind::TextList | Kind::IdList => {
            "one string with commas between, or an array; at most 5,000 items"
        }
        Kind::Language => return Cow::Owned(format!("{}, in any case", LANGUAGES.join(", "))),
        Kind::Gender => "`0` male, `1` female",
        Kind::Date => "`DD.MM.YYYY` or `YYYY-MM-DD`",
        Kind::EncodedObject => "base64 of a JSON object, at most 32 KB",
        Kind::UserId => "the id of a user",
        Kind::Integer => "an integer",
        Kind::Secret => "1–128 characters, not trimmed; kept as a hash, and never shown",
    })
}
