//! Conditional writes as PartiQL statements (ADR 0002). Every identifier is quoted, because many
//! names of the catalogue are reserved words. An import builds millions of statements, so their
//! texts are concatenated without formatting.

use crate::error::StoreError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, ReturnValuesOnConditionCheckFailure,
};

/// One conditional write.
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    parameters: Vec<AttributeValue>,
}

impl Statement {
    /// `INSERT`, which fails if the key exists.
    pub(super) fn insert(table: &str, fields: Vec<(&'static str, AttributeValue)>) -> Self {
        let names = fields.iter().map(|(name, _)| *name);
        let mut text = with_capacity_for(table, names);
        push(&mut text, ["INSERT INTO \"", table, "\" VALUE {"]);
        let mut parameters = Vec::with_capacity(fields.len());
        for (index, (name, value)) in fields.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            push(&mut text, [comma, "'", name, "':?"]);
            parameters.push(value);
        }
        text.push('}');
        Self { text, parameters }
    }

    /// `UPDATE` without its condition; see [`Self::condition`].
    pub(super) fn update(
        table: &str,
        set: Vec<(&'static str, AttributeValue)>,
        removed: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let mut text = with_capacity_for(table, set.iter().map(|(name, _)| *name));
        push(&mut text, ["UPDATE \"", table, "\""]);
        let mut parameters = Vec::with_capacity(set.len() + 3);
        for (name, value) in set {
            push(&mut text, [" SET \"", name, "\"=?"]);
            parameters.push(value);
        }
        for name in removed {
            push(&mut text, [" REMOVE \"", name, "\""]);
        }
        Self { text, parameters }
    }

    /// `DELETE` without its condition; see [`Self::condition`].
    pub(super) fn delete(table: &str) -> Self {
        Self {
            text: format!("DELETE FROM \"{table}\""),
            parameters: Vec::with_capacity(3),
        }
    }

    /// Adds the condition that these attributes have these values. The key comes first.
    pub(super) fn condition(&mut self, equal: &[(&'static str, AttributeValue)]) {
        for (index, (name, value)) in equal.iter().enumerate() {
            let word = if index == 0 { "WHERE" } else { "AND" };
            push(&mut self.text, [" ", word, " \"", name, "\"=?"]);
            self.parameters.push(value.clone());
        }
    }

    /// Adds the condition that an attribute is absent; after [`Self::condition`].
    pub(super) fn absent(&mut self, name: &'static str) {
        push(&mut self.text, [" AND \"", name, "\" IS MISSING"]);
    }

    /// Adds the condition that an attribute has this value; after [`Self::condition`].
    pub(super) fn equal(&mut self, name: &'static str, value: AttributeValue) {
        push(&mut self.text, [" AND \"", name, "\"=?"]);
        self.parameters.push(value);
    }

    pub(super) fn request(self) -> Result<BatchStatementRequest, StoreError> {
        Ok(BatchStatementRequest::builder()
            .statement(self.text)
            .set_parameters(Some(self.parameters))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?)
    }
}

/// Returns an empty string with capacity for a statement with these names and an ordinary
/// condition.
fn with_capacity_for<'n>(table: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: usize = names.map(|name| name.len() + 10).sum();
    String::with_capacity(table.len() + names + 64)
}

fn push<const N: usize>(text: &mut String, pieces: [&str; N]) {
    for piece in pieces {
        text.push_str(piece);
    }
}
