//! How a user is described whom a request is about: from the catalogue, and from how the dialect
//! writes (OpenAPI, and the tables of `docs/dialects`).

use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};

use super::Spelling;
use crate::attribute::{Attribute, CATALOGUE, Kind};
use crate::limits;
use crate::value::Flags;

/// The object of a request that needs these attributes.
#[must_use]
pub fn of_user(spelling: &Spelling, required: &[Attribute]) -> Object {
    let mut user = ObjectBuilder::new().schema_type(Type::Object);
    for spec in CATALOGUE {
        let Some(key) = (spelling.key)(spec) else {
            continue;
        };
        let can_be_null =
            (spelling.nullable)(spec.attribute) && !required.contains(&spec.attribute);
        user = user.property(key, of_value(spec.kind, spelling, can_be_null));
    }
    let keys = required.iter();
    let keys = keys.filter_map(|attribute| (spelling.key)(attribute.spec()));
    keys.fold(user, ObjectBuilder::required).build()
}

fn of_value(kind: Kind, spelling: &Spelling, can_be_null: bool) -> Schema {
    let null = can_be_null.then_some(Type::Null);
    let types = types(kind, (spelling.values)().flags).iter().cloned();
    let types: SchemaType = types.chain(null).collect();
    let description = Some(takes(kind, spelling));
    let item = match kind {
        Kind::TextList => Type::String,
        Kind::IdList => Type::Integer,
        _ => {
            let value = ObjectBuilder::new().schema_type(types);
            return value.description(description).into();
        }
    };
    let list = ArrayBuilder::new().schema_type(types);
    let list = list.items(ObjectBuilder::new().schema_type(item));
    let list = list.max_items(Some(limits::LIST_ITEMS));
    list.description(description).into()
}

/// What JSON an attribute is written in.
const fn types(kind: Kind, flags: Flags) -> &'static [Type] {
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
        Kind::Flag { .. } => match flags {
            Flags::Strict => &[Type::Boolean],
            Flags::Digits | Flags::Words => &[Type::Integer, Type::String, Type::Boolean],
        },
        Kind::TextList | Kind::IdList => &[Type::String, Type::Array],
        Kind::Gender | Kind::UserId | Kind::Integer => &[Type::Integer, Type::String],
    }
}

/// What values an attribute takes, in words.
#[must_use]
pub fn takes(kind: Kind, spelling: &Spelling) -> String {
    let context = (spelling.values)();
    let words = match kind {
        Kind::Login => "1–128 letters, digits and `. _ - @ +`; one script; not trimmed",
        Kind::Text => "text",
        Kind::Role => "a role",
        Kind::Email => "an e-mail address in ASCII",
        Kind::Phone => "`+` and 8–15 digits; spaces, `-`, `(`, `)` are dropped",
        Kind::Flag { .. } => match context.flags {
            Flags::Words => "`true` or `false`, `1` or `0`, yes or no",
            Flags::Digits => "`1` or `0`",
            Flags::Strict => "`true` or `false`",
        },
        Kind::TextList => "texts: one string with commas between, or an array; at most 5,000",
        Kind::IdList => "integers: an array, or one string with commas between; at most 5,000",
        Kind::Language => match context.languages {
            Some(languages) => return format!("{}, in any case", languages.join(", ")),
            None => "ISO 639-1, a region may follow",
        },
        Kind::TimeZone => "a name of the IANA database",
        Kind::Gender => "`0` male, `1` female",
        Kind::Date => "`DD.MM.YYYY` or `YYYY-MM-DD`",
        Kind::EncodedObject => "base64 of a JSON object, at most 32 KB",
        Kind::Choice(words) => return format!("one of {}", words.join(", ")),
        Kind::UserId => "the id of a user",
        Kind::Integer => "an integer below 2^53",
        Kind::Secret => "1–128 characters, not trimmed; kept as a hash, and never shown",
    };
    words.to_owned()
}
