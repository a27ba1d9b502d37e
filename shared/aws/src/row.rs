//! Rows of the `control` table: their keys, how they become Rust types and back (`serde_dynamo`,
//! times as epoch milliseconds), and when they have expired. The rows themselves belong to the
//! module of the thing.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::RowKey;
use crate::pauses::{Patience, Pauses};
use crate::{Store, StoreError};

/// For a row that its partition does not take at once.
const PATIENCE: Patience = Patience {
    tries: u32::MAX,
    total: Duration::from_secs(4),
    longest: Duration::from_secs(1),
};

/// The attribute by which DynamoDB deletes a row: epoch seconds.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// A row as the SDK has it.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Where a row of the `control` table is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pk: String,
    sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    /// Where a row that was read is.
    pub(crate) fn of(row: &Attributes) -> Option<Self> {
        let part = |name| row.get(name)?.as_s().ok();
        Some(Self::new(part("pk")?, part("sk")?))
    }

    /// The key as DynamoDB takes it.
    pub(crate) fn attributes(&self) -> Attributes {
        let Self { pk, sk } = self;
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(pk.clone())),
            ("sk".to_owned(), AttributeValue::S(sk.clone())),
        ])
    }
}

impl RowKey for Key {
    fn to_attributes(&self) -> Attributes {
        self.attributes()
    }
}

/// The row of `what` at `key`.
pub(crate) fn encode<T: Serialize>(
    what: &'static str,
    key: &Key,
    value: &T,
) -> Result<Attributes, StoreError> {
    let mut attributes: Attributes = serde_dynamo::to_item(value).map_err(|_| unwritable(what))?;
    attributes.extend(key.attributes());
    Ok(attributes)
}

/// One value of a row of `what`.
pub(crate) fn encode_value<T: Serialize>(
    what: &'static str,
    value: &T,
) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|_| unwritable(what))
}

/// Reads a row of `what`. The error does not say what serde says, which quotes what it finds.
pub(crate) fn decode<T: DeserializeOwned>(
    what: &'static str,
    attributes: Attributes,
) -> Result<T, StoreError> {
    serde_dynamo::from_item(attributes).map_err(|_| StoreError::Row {
        row: what,
        reason: "an attribute is missing, or is not what this version writes".to_owned(),
    })
}

fn unwritable(row: &'static str) -> StoreError {
    StoreError::Row {
        row,
        reason: "a value of ours does not fit any attribute".to_owned(),
    }
}

/// Whether a row is still there: DynamoDB deletes expired ones late.
pub(crate) fn is_live(attributes: &Attributes, now: Timestamp) -> bool {
    match attributes.get(EXPIRES_AT) {
        Some(AttributeValue::N(seconds)) => seconds
            .parse::<i64>()
            .is_ok_and(|seconds| seconds > now.as_second()),
        _ => true,
    }
}

/// The `expires_at` of a row that is to be gone at `at`: the next full second.
pub(crate) fn expiry(at: Timestamp) -> i64 {
    let up = i64::from(at.subsec_nanosecond() > 0);
    at.as_second().saturating_add(up)
}

/// `now` and a while; the end of time, if that is nearer.
pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// `at` as precise as it is stored.
pub(crate) fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Serde: a time as epoch milliseconds, so that conditions can compare it.
pub(crate) mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.as_millisecond())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_millisecond(i64::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Serde: a time that may be absent.
pub(crate) mod millis_option {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.serialize_some(&at.as_millisecond()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<i64>::deserialize(from)?
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(D::Error::custom)
    }
}

impl Store {
    /// Reads the row of `what` at `key`, consistently; an expired one is absent.
    pub(crate) async fn read_row<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        self.read_attributes(key)
            .await?
            .filter(|attributes| is_live(attributes, now))
            .map(|attributes| decode(what, attributes))
            .transpose()
    }

    /// Reads a row of a kind that never expires, consistently.
    pub(crate) async fn read_lasting_row<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &Key,
    ) -> Result<Option<T>, StoreError> {
        self.read_attributes(key)
            .await?
            .map(|attributes| decode(what, attributes))
            .transpose()
    }

    /// Reads the row at `key` as it is, consistently, expired or not.
    pub(crate) async fn read_attributes(
        &self,
        key: &Key,
    ) -> Result<Option<Attributes>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("GetItem"))?;
        Ok(answer.item)
    }

    /// Puts a row, whatever is there, and waits for its partition to take it.
    pub(crate) async fn put_patiently(&self, row: Attributes) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.control);
        let put = put.set_item(Some(row));
        let mut pauses = Pauses::new(PATIENCE);
        loop {
            match put.clone().send().await.map_err(StoreError::sdk("PutItem")) {
                Ok(_) => return Ok(()),
                Err(error @ StoreError::Throttled(_)) => {
                    if !pauses.before_next().await {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a row where there is none; false: there is one.
    pub(crate) async fn put_if_absent(&self, row: Attributes) -> Result<bool, StoreError> {
        self.put_if(row, "attribute_not_exists(pk)", [], []).await
    }

    /// Puts a row if `condition` holds for what is there; false: it does not. Where the very same
    /// row is there it counts as just put: the answer to an earlier attempt of the SDK was lost. (A
    /// row that two callers may put at once, and only one may have put, holds something random.)
    pub(crate) async fn put_if<const N: usize, const V: usize>(
        &self,
        row: Attributes,
        condition: &str,
        names: [(&str, &str); N],
        values: [(&str, AttributeValue); V],
    ) -> Result<bool, StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.tables.control)
            .set_item(Some(row.clone()))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (placeholder, name) in names {
            put = put.expression_attribute_names(placeholder, name);
        }
        for (placeholder, value) in values {
            put = put.expression_attribute_values(placeholder, value);
        }
        let Err(error) = put.send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(failed.item() == Some(&row))
            }
            _ => Err(StoreError::from_sdk("PutItem", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_row_expires_with_the_second_it_names() {
        let row = HashMap::from([(EXPIRES_AT.to_owned(), number(1_800_000_000_i64))]);
        let end = Timestamp::from_second(1_800_000_000).unwrap();
        assert!(!is_live(&row, end));
        assert!(is_live(&row, end - Duration::from_millis(1)));
        assert!(is_live(&HashMap::new(), end));
    }

    #[test]
    fn an_unreadable_row_is_reported_without_what_it_holds() {
        #[derive(Debug, serde::Deserialize)]
        struct Row {
            #[expect(dead_code, reason = "it is never read")]
            count: u64,
        }
        for planted in [text("jack.woo@example.org"), number("jack.woo@example.org")] {
            let row = HashMap::from([("count".to_owned(), planted)]);
            let error = decode::<Row>("a test", row).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
        }
    }

    #[test]
    fn a_broken_second_counts_as_a_whole_one() {
        assert_eq!(expiry(at("1970-01-01T00:00:09.001Z")), 10);
        assert_eq!(expiry(at("1970-01-01T00:00:09Z")), 9);
    }
}
