//! The parameters of a list, for the documentation (OpenAPI): from the dialect's table.

use muster_core::dialect::qvalon::filter::{PARAMETERS, Takes};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

/// All of them.
pub(super) struct Parameters;

impl IntoParams for Parameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let described = PARAMETERS.iter().map(|parameter| {
            let schema = schema(parameter.takes);
            let list = matches!(schema, Schema::Array(_));
            ParameterBuilder::new()
                .name(parameter.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(parameter.about))
                .schema(Some(schema))
                .style(list.then_some(ParameterStyle::Form))
                .explode(list.then_some(false))
                .build()
        });
        described.collect()
    }
}

fn schema(takes: Takes) -> Schema {
    match takes {
        Takes::Active => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Takes::Ids | Takes::Numbers(_) | Takes::Director => list(integer()),
        Takes::Role => words(takes).into(),
        Takes::Roles | Takes::Levels => list(words(takes)),
        // Whatever else is named is ignored, not refused.
        Takes::Fields => list(text()),
        Takes::Logins | Takes::Emails => list(text().min_length(Some(1))),
        Takes::Like(_) => text().into(),
        Takes::Page | Takes::After => integer().minimum(Some(0)).into(),
        Takes::Size => {
            let size = integer().minimum(Some(1)).maximum(Some(1_000));
            size.default(Some(100.into())).into()
        }
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn words(takes: Takes) -> ObjectBuilder {
    text().enum_values(takes.words())
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
