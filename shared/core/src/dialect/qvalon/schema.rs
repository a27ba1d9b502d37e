//! What the user object and the bodies look like, for the documentation (OpenAPI): from the
//! catalogue and the object's own table.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::user::{ALWAYS, BY_FIELD, Member, ROLES};
use super::{LANGUAGES, UserObject};
use crate::attribute::{Attribute, Kind};

impl ToSchema for UserObject<'_> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("QvalonUser")
    }
}

impl PartialSchema for UserObject<'_> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "A user. What is not set is left out; what is behind `externalId` is shown if \
                 `fields` names it.",
            ))
            .required("id")
            .required("active")
            .required("login")
            .examples([serde_json::json!({
                "id": 1615, "active": true, "login": "jack.woo", "firstName": "Jack",
                "lastName": "Woo", "level": "COMPANY", "businessDirId": 1002, "lang": "ru_RU"
            })]);
        let members = ALWAYS.iter().chain(&BY_FIELD);
        let add =
            |object: ObjectBuilder, member: &Member| object.property(member.name(), shown(*member));
        members.fold(object, add).into()
    }
}

/// A member of the object.
fn shown(member: Member) -> Schema {
    match member {
        Member::Id => integer().minimum(Some(1)).into(),
        Member::Own(attribute) | Member::Renamed(_, attribute) => value(attribute),
        Member::Roles => {
            let roles = ROLES.iter().map(|(name, _)| *name);
            list(text().enum_values(Some(roles)))
        }
        Member::DirectorOfShops => value(Attribute::ShopIds),
        Member::BusinessDir => ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("id", integer())
            .required("id")
            .into(),
    }
}

/// The value of an attribute.
fn value(attribute: Attribute) -> Schema {
    match attribute.kind() {
        Kind::Flag { .. } => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Kind::Integer | Kind::UserId | Kind::Gender => integer().into(),
        Kind::IdList => list(integer()),
        Kind::TextList => list(text()),
        Kind::Choice(words) => text().enum_values(Some(words.iter().copied())).into(),
        Kind::Language => text().enum_values(Some(LANGUAGES.iter().copied())).into(),
        Kind::Login
        | Kind::Text
        | Kind::Role
        | Kind::Email
        | Kind::Phone
        | Kind::TimeZone
        | Kind::Date
        | Kind::EncodedObject
        | Kind::Secret => text().into(),
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn integer() -> ObjectBuilder {
    let int64 = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(int64))
}

fn list(items: ObjectBuilder) -> Schema {
    ArrayBuilder::new().items(items).into()
}
