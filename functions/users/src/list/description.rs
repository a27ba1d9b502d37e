//! The parameters of a list, for the OpenAPI document. They come from the dialect's table.

use muster_core::dialect::qvalon::filter::{PARAMETERS, ParameterKind};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

/// All parameters of a list.
pub(super) struct ListUsersParams;

impl IntoParams for ListUsersParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let described = PARAMETERS.iter().map(|parameter| {
            let schema = schema(parameter.kind);
            let list = matches!(schema, Schema::Array(_));
            ParameterBuilder::new()
                .name(parameter.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(parameter.description))
                .schema(Some(schema))
                .style(list.then_some(ParameterStyle::Form))
                .explode(list.then_some(false))
                .build()
        });
        described.collect()
    }
}

fn schema(kind: ParameterKind) -> Schema {
    match kind {
        ParameterKind::Active => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        ParameterKind::Ids | ParameterKind::Numbers(_) | ParameterKind::Director => list(integer()),
        ParameterKind::Role => words(kind).into(),
        ParameterKind::Roles | ParameterKind::Levels => list(words(kind)),
        // Unknown names are ignored, so there is no list of values.
        ParameterKind::Fields => list(text()),
        ParameterKind::Logins | ParameterKind::Emails => list(text().min_length(Some(1))),
        ParameterKind::Like(_) => text().into(),
        ParameterKind::Page | ParameterKind::After => integer().minimum(Some(0)).into(),
        ParameterKind::Size => {
            let size = integer().minimum(Some(1)).maximum(Some(1_000));
            size.default(Some(100.into())).into()
        }
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn words(kind: ParameterKind) -> ObjectBuilder {
    text().enum_values(kind.words())
}

fn integer() -> ObjectBuilder {
    let int64 = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(int64))
}

fn list(items: ObjectBuilder) -> Schema {
    ArrayBuilder::new().items(items).min_items(Some(1)).into()
}
