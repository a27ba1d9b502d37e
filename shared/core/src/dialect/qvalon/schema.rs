//! What the user object and the bodies look like, for the documentation (OpenAPI): from the
//! catalogue and the object's own table.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::read::{is_changeable, is_nullable};
use super::user::{ALWAYS, BY_FIELD, Member, ROLES};
use super::{LANGUAGES, UserObject, key};
use crate::attribute::{Attribute, CATALOGUE, Kind};

/// The body that makes a user, as it is documented.
#[derive(Debug)]
pub struct NewUser;

/// The body that changes a user, as it is documented.
#[derive(Debug)]
pub struct UserChanges;

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

impl ToSchema for NewUser {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("QvalonNewUser")
    }
}

impl PartialSchema for NewUser {
    fn schema() -> RefOr<Schema> {
        let description = "A new user. `password` is needed unless `authType` is LDAP; `authType` \
            is LOCAL and `level` COMPANY where they are not given. Unknown members are ignored.";
        body(description, |_| true)
            .required(key(Attribute::Username))
            .into()
    }
}

impl ToSchema for UserChanges {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("QvalonUserChanges")
    }
}

impl PartialSchema for UserChanges {
    fn schema() -> RefOr<Schema> {
        let description = "What is to be changed. What is absent stays as it is, `null` clears, \
            `externalId` and unknown members are ignored.";
        body(description, is_changeable).into()
    }
}

/// A body with the attributes of the catalogue that can be sent.
fn body(description: &str, is_sent: fn(Attribute) -> bool) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description));
    let sent = CATALOGUE.iter().filter(|spec| is_sent(spec.attribute));
    let sent = sent.filter_map(|spec| spec.qvalon.map(|name| (name, spec.attribute)));
    sent.fold(object, |object, (name, attribute)| {
        object.property(name, written(attribute))
    })
}

/// What can be sent for an attribute.
fn written(attribute: Attribute) -> Schema {
    let or_null = |kind: Type| match is_nullable(attribute) {
        true => SchemaType::from_iter([kind, Type::Null]),
        false => SchemaType::new(kind),
    };
    match value(attribute) {
        Schema::Object(mut object) => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = or_null(kind);
            }
            object.write_only = (attribute == Attribute::Password).then_some(true);
            Schema::Object(object)
        }
        Schema::Array(mut list) => {
            list.schema_type = or_null(Type::Array);
            Schema::Array(list)
        }
        other => other,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::qvalon::Fields;

    fn properties<T: PartialSchema>() -> serde_json::Map<String, Value> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["properties"].as_object().unwrap().clone()
    }

    #[test]
    fn bodies_are_described_by_the_catalogue() {
        let new = properties::<NewUser>();
        let keys = CATALOGUE.iter().filter_map(|spec| spec.qvalon);
        assert_eq!(new.len(), keys.clone().count());
        assert!(keys.into_iter().all(|key| new.contains_key(key)));
        assert_eq!(new["shopIds"]["type"], json!(["array", "null"]));
        assert_eq!(new["email"]["type"], json!(["string", "null"]));
        assert_eq!(new["login"]["type"], "string");
        assert_eq!(new["lang"]["enum"], json!(["ru_RU", "en_EN"]));
        assert_eq!(new["password"]["writeOnly"], true);
        let mut changes = properties::<UserChanges>();
        assert_eq!(
            changes.insert("externalId".into(), new["externalId"].clone()),
            None
        );
        assert_eq!(changes, new);
    }

    #[test]
    fn the_user_object_is_described_with_every_field() {
        let user = properties::<UserObject<'_>>();
        assert!(Fields::names().all(|name| user.contains_key(name)));
        assert!(!user.contains_key("password"));
        assert_eq!(user["roles"]["items"]["enum"][4], "ROLE_SHOPDIR");
        assert_eq!(user["businessDir"]["properties"]["id"]["type"], "integer");
    }
}
