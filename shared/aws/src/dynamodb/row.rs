//! The row codec: keys, attributes, Rust types to rows and back (`serde_dynamo`, times as epoch
//! milliseconds), and expiry. What a row contains is defined by the module of its area.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// The attribute with the time at which DynamoDB deletes a row, in epoch seconds.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// The attributes of a row, as the SDK represents them.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A key of a batch read.
pub(crate) trait RowKey: Sync {
    /// Returns the key attributes.
    fn to_attributes(&self) -> Attributes;
}

/// The key of a row of the `control` table.
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

    /// Returns the key of a row that was read.
    pub(crate) fn of(row: &Attributes) -> Option<Self> {
        let part = |name| row.get(name)?.as_s().ok();
        Some(Self::new(part("pk")?, part("sk")?))
    }

    /// Returns the key attributes.
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

/// A type that is stored as a row. Implemented by [`codec!`].
pub(crate) trait Row: Sized {
    /// Encodes the row without its key. `what` is the kind of row, for errors.
    fn to_attributes(&self, what: &'static str) -> Result<Attributes, StoreError>;

    /// Decodes the row. `what` is the kind of row, for errors.
    fn from_attributes(what: &'static str, attributes: Attributes) -> Result<Self, StoreError>;
}

/// Implements [`Row`] for a type by its serde implementation. The methods are not generic: their
/// code is generated in this crate, once, and not in each crate that reads the row.
macro_rules! codec {
    ($type:ty) => {
        impl $crate::dynamodb::row::Row for $type {
            fn to_attributes(
                &self,
                what: &'static str,
            ) -> Result<$crate::dynamodb::row::Attributes, $crate::error::StoreError> {
                $crate::dynamodb::row::to_attributes(what, self)
            }

            fn from_attributes(
                what: &'static str,
                attributes: $crate::dynamodb::row::Attributes,
            ) -> Result<Self, $crate::error::StoreError> {
                $crate::dynamodb::row::from_attributes(what, attributes)
            }
        }
    };
}
pub(crate) use codec;

/// Implements [`Row`] for a struct whose fields are structs, and whose row has the attributes of all
/// of them. Serde's `flatten` would do that as well, but would not tell which attribute cannot be
/// read.
macro_rules! codec_of_parts {
    ($type:ty { $($part:ident),+ }) => {
        impl $crate::dynamodb::row::Row for $type {
            fn to_attributes(
                &self,
                what: &'static str,
            ) -> Result<$crate::dynamodb::row::Attributes, $crate::error::StoreError> {
                let mut attributes = $crate::dynamodb::row::Attributes::new();
                $(attributes.extend($crate::dynamodb::row::to_attributes(what, &self.$part)?);)+
                Ok(attributes)
            }

            fn from_attributes(
                what: &'static str,
                attributes: $crate::dynamodb::row::Attributes,
            ) -> Result<Self, $crate::error::StoreError> {
                Ok(Self {
                    $($part: $crate::dynamodb::row::from_attributes(what, attributes.clone())?,)+
                })
            }
        }
    };
}
pub(crate) use codec_of_parts;

/// Encodes a row at `key`. `what` is the kind of row, for errors.
pub(crate) fn encode<T: Row>(
    what: &'static str,
    key: &Key,
    value: &T,
) -> Result<Attributes, StoreError> {
    let mut attributes = value.to_attributes(what)?;
    attributes.extend(key.attributes());
    Ok(attributes)
}

/// Encodes one value of a row. `what` is the kind of row, for errors.
pub(crate) fn encode_value<T: Serialize>(
    what: &'static str,
    value: &T,
) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|_| unwritable(what))
}

/// Decodes a row. `what` is the kind of row, for errors. An error names the attribute that cannot
/// be read, never a value: values are personal data, and serde quotes them.
pub(crate) fn decode<T: Row>(what: &'static str, attributes: Attributes) -> Result<T, StoreError> {
    T::from_attributes(what, attributes)
}

/// Implements [`Row::to_attributes`].
pub(crate) fn to_attributes<T: Serialize>(
    what: &'static str,
    value: &T,
) -> Result<Attributes, StoreError> {
    serde_dynamo::to_item(value).map_err(|_| unwritable(what))
}

/// Implements [`Row::from_attributes`].
pub(crate) fn from_attributes<T: DeserializeOwned>(
    what: &'static str,
    attributes: Attributes,
) -> Result<T, StoreError> {
    let row = serde_dynamo::Item::from(attributes);
    let row = serde_dynamo::AttributeValue::M(row.into());
    let row = serde_dynamo::Deserializer::from_attribute_value(row);
    serde_path_to_error::deserialize(row).map_err(|error| StoreError::Row {
        row: what,
        reason: unreadable(&error),
    })
}

/// Describes by its path the attribute that serde could not read. A missing attribute is named only
/// in the message, which quotes nothing but that name.
fn unreadable(error: &serde_path_to_error::Error<serde_dynamo::Error>) -> String {
    let path = match error.path().iter().next() {
        None => String::new(),
        Some(_) => error.path().to_string(),
    };
    let message = error.inner().to_string();
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|name| name.strip_suffix('`'));
    match (path.as_str(), missing) {
        ("" | "?", Some(name)) => format!("the attribute `{name}` is missing"),
        (path, Some(name)) => format!("the attribute `{path}.{name}` is missing"),
        ("" | "?", None) => "an attribute has an unexpected type or value".to_owned(),
        (path, None) => format!("the attribute `{path}` has an unexpected type or value"),
    }
}

fn unwritable(row: &'static str) -> StoreError {
    StoreError::Row {
        row,
        reason: "a value cannot be stored as an attribute".to_owned(),
    }
}

/// Returns true unless the row has expired. DynamoDB deletes expired rows late.
pub(crate) fn is_live(attributes: &Attributes, now: Timestamp) -> bool {
    match attributes.get(EXPIRES_AT) {
        Some(AttributeValue::N(seconds)) => seconds
            .parse::<i64>()
            .is_ok_and(|seconds| seconds > now.as_second()),
        _ => true,
    }
}

/// Returns the `expires_at` of a row that expires at `at`, rounded up to a full second.
pub(crate) fn expiry(at: Timestamp) -> i64 {
    let up = i64::from(at.subsec_nanosecond() > 0);
    at.as_second().saturating_add(up)
}

/// Returns `now` plus `by`, at most the largest timestamp.
pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Returns `at` in the precision of stored times.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_row_expires_at_the_second_it_names() {
        let row = HashMap::from([(EXPIRES_AT.to_owned(), number(1_800_000_000_i64))]);
        let end = Timestamp::from_second(1_800_000_000).unwrap();
        assert!(!is_live(&row, end));
        assert!(is_live(&row, end - Duration::from_millis(1)));
        assert!(is_live(&HashMap::new(), end));
    }

    #[test]
    fn an_error_of_an_unreadable_row_contains_no_value() {
        #[derive(Debug, serde::Deserialize)]
        struct Row {
            #[expect(dead_code, reason = "it is never read")]
            count: u64,
        }
        for planted in [text("jack.woo@example.org"), number("jack.woo@example.org")] {
            let row = HashMap::from([("count".to_owned(), planted)]);
            let error = from_attributes::<Row>("a test", row).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
        }
    }

    #[test]
    fn an_error_of_an_unreadable_row_names_the_attribute() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "it is never read")]
        struct Row {
            count: u64,
            job: Job,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "it is never read")]
        struct Job {
            attempts: u32,
            names: Vec<String>,
        }
        let job = |attempts: AttributeValue, names: Option<AttributeValue>| {
            let attempts = [("attempts".to_owned(), attempts)].into_iter();
            let names = names.map(|names| ("names".to_owned(), names));
            AttributeValue::M(attempts.chain(names).collect())
        };
        let names = |name| Some(AttributeValue::L(vec![text("a"), name]));
        let secret = || text("jack.woo@example.org");
        for (count, job, reason) in [
            (
                Some(secret()),
                job(number(1), names(text("b"))),
                "the attribute `count` has an unexpected type or value",
            ),
            (
                None,
                job(number(1), names(text("b"))),
                "the attribute `count` is missing",
            ),
            (
                Some(number(1)),
                job(secret(), names(text("b"))),
                "the attribute `job.attempts` has an unexpected type or value",
            ),
            (
                Some(number(1)),
                job(number(1), None),
                "the attribute `job.names` is missing",
            ),
            (
                Some(number(1)),
                job(number(1), names(AttributeValue::Bool(true))),
                "the attribute `job.names[1]` has an unexpected type or value",
            ),
        ] {
            let job = [("job".to_owned(), job)].into_iter();
            let count = count.map(|count| ("count".to_owned(), count));
            let error = from_attributes::<Row>("a test", job.chain(count).collect()).unwrap_err();
            let expected = format!("the row of a test cannot be read: {reason}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn expiry_rounds_up_to_a_full_second() {
        assert_eq!(expiry(at("1970-01-01T00:00:09.001Z")), 10);
        assert_eq!(expiry(at("1970-01-01T00:00:09Z")), 9);
    }
}
