//! OpenAPI schemas of the user object and the request bodies. Generated from the catalogue and the
//! object's own table.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::keys::{LANGUAGES, key};
use super::read::{is_changeable, is_nullable};
use super::user::{ALWAYS, BY_FIELD, Member, ROLES, UserObject};

use crate::attribute::{Attribute, AttributeKind, CATALOGUE};

/// Schema of the body that creates a user.
#[derive(Debug)]
pub struct NewUser;

/// Schema of the body that changes a user.
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
                "A user. Attributes without a value are omitted; the members after `externalId` are \
                 included if `fields` names them.",
            ))
            .required("id")
            .required("active")
            .required("login")
            .examples([serde_json::json!({
                "id": 1615, "active": true, "login": "jack.woo", "firstName": "Jack",
                "lastName": "Woo", "level": "COMPANY", "businessDirId": 1002, "lang": "ru_RU"
            })]);
        let members = ALWAYS.iter().chain(&BY_FIELD);
        let add = |object: ObjectBuilder, member: &Member| {
            object.property(member.name(), member_schema(*member))
        };
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
        let description = "A new user. `password` is required unless `authType` is LDAP; `authType` \
            defaults to LOCAL and `level` to COMPANY. Unknown members are ignored.";
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
        let description = "The changes. Absent members keep the stored value, `null` clears it; \
            `externalId` and unknown members are ignored.";
        body(description, is_changeable).into()
    }
}

/// Returns the schema of a body with the attributes that can be accepted.
fn body(description: &str, is_accepted: fn(Attribute) -> bool) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description));
    let accepted = CATALOGUE.iter().filter(|spec| is_accepted(spec.attribute));
    let accepted = accepted.filter_map(|spec| spec.qvalon.map(|name| (name, spec.attribute)));
    accepted.fold(object, |object, (name, attribute)| {
        object.property(name, accepted_schema(attribute))
    })
}

/// Returns the schema of the values accepted for an attribute.
fn accepted_schema(attribute: Attribute) -> Schema {
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

/// Returns the schema of a member of the user object.
fn member_schema(member: Member) -> Schema {
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

/// Returns the schema of an attribute's value.
fn value(attribute: Attribute) -> Schema {
    match attribute.kind() {
        AttributeKind::Flag { .. } => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        AttributeKind::Integer | AttributeKind::UserId | AttributeKind::Gender => integer().into(),
        AttributeKind::IdList => list(integer()),
        AttributeKind::TextList => list(text()),
        AttributeKind::Choice(words) => text().enum_values(Some(words.iter().copied())).into(),
        AttributeKind::Language => text().enum_values(Some(LANGUAGES.iter().copied())).into(),
        AttributeKind::Login
        | AttributeKind::Text
        | AttributeKind::Identifier
        | AttributeKind::Role
        | AttributeKind::Email
        | AttributeKind::Phone
        | AttributeKind::TimeZone
        | AttributeKind::Date
        | AttributeKind::EncodedObject
        | AttributeKind::Secret => text().into(),
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
    fn the_schemas_of_bodies_match_the_catalogue() {
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
    fn the_schema_of_the_user_object_has_every_field() {
        let user = properties::<UserObject<'_>>();
        assert!(Fields::names().all(|name| user.contains_key(name)));
        assert!(!user.contains_key("password"));
        assert_eq!(user["roles"]["items"]["enum"][4], "ROLE_SHOPDIR");
        assert_eq!(user["businessDir"]["properties"]["id"]["type"], "integer");
    }
}
