//! Typed values and assignments.

use std::borrow::Cow;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, and everything stored as text: roles, e-mail addresses, dates (`YYYY-MM-DD`), choices.
    Text(Cow<'a, str>),
    /// A boolean.
    Flag(bool),
    /// An integer.
    Integer(i64),
    /// A list of texts, never empty.
    Texts(Vec<Cow<'a, str>>),
    /// A list of integers, never empty.
    Integers(Vec<i64>),
}

impl Value<'_> {
    /// Returns the same value with owned texts.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Flag(flag) => Value::Flag(flag),
            Self::Integer(number) => Value::Integer(number),
            Self::Texts(texts) => Value::Texts(
                texts
                    .into_iter()
                    .map(|text| Cow::Owned(text.into_owned()))
                    .collect(),
            ),
            Self::Integers(numbers) => Value::Integers(numbers),
        }
    }

    /// Returns the approximate bytes of the value in storage, as DynamoDB counts them.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Flag(_) => 1,
            Self::Integer(_) => 10,
            Self::Texts(texts) => 3 + texts.iter().map(|text| text.len() + 1).sum::<usize>(),
            Self::Integers(numbers) => 3 + numbers.len() * 11,
        }
    }
}

/// A change to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment<'a> {
    /// Remove the stored value.
    Clear,
    /// Store this value.
    Set(Value<'a>),
}

impl Assignment<'_> {
    /// Returns the same assignment with owned texts.
    #[must_use]
    pub fn into_owned(self) -> Assignment<'static> {
        match self {
            Self::Clear => Assignment::Clear,
            Self::Set(value) => Assignment::Set(value.into_owned()),
        }
    }
}
