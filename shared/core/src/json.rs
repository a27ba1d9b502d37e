//! A JSON value as the reader passes it to validation, borrowed from the parsed chunk. Numbers keep
//! the distinction that validation needs: integers of any size, and all other numbers.

use simd_json::{Node, StaticNode};

use crate::limits;

/// A JSON value.
#[derive(Debug, Clone, Copy)]
pub enum Json<'a> {
    /// The record has no such key.
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer, also one written with a fraction of zeros or an exponent, below 2^53: `1.0`, `1e2`.
    Integer(i64),
    /// An integer outside the range of `i64`, as written.
    BigInteger(BigInteger<'a>),
    /// Any other number with a fraction or an exponent.
    Fraction(Fraction<'a>),
    /// A string.
    Text(&'a str),
    /// A string with an unpaired surrogate, which is not valid text.
    BrokenText,
    /// An array.
    Array(Items<'a>),
    /// An object.
    Object,
}

/// An integer outside the range of `i64`.
#[derive(Debug, Clone, Copy)]
pub enum BigInteger<'a> {
    /// Up to 2^64 - 1.
    Unsigned(u64),
    /// The digits of an integer of any size.
    Digits(&'a str),
}

impl std::fmt::Display for BigInteger<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned(number) => write!(f, "{number}"),
            Self::Digits(digits) => f.write_str(digits),
        }
    }
}

/// A number that is no integer.
#[derive(Debug, Clone, Copy)]
pub enum Fraction<'a> {
    /// As a double.
    Double(f64),
    /// As written.
    Written(&'a str),
}

impl std::fmt::Display for Fraction<'_> {
    /// Shows the double next to what was written, or what was written if it is beyond all doubles.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (double, written) = match *self {
            Self::Double(double) => (Some(double), ""),
            Self::Written(written) => (written.parse().ok(), written),
        };
        match double.filter(|double| double.is_finite()) {
            Some(double) => write!(f, "{double:?}"),
            None => f.write_str(written),
        }
    }
}

impl Json<'_> {
    /// Returns the value's type as messages name it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::BigInteger(_) => "an integer",
            Self::Fraction(_) => "a number with a fraction or beyond 2^53",
            Self::Text(_) => "a string",
            Self::BrokenText => "a string with a broken \\u escape",
            Self::Array(_) => "an array",
            Self::Object => "an object",
        }
    }
}

/// Items of an array.
#[derive(Debug, Clone, Copy)]
pub enum Items<'a> {
    /// Nodes of a simd-json tape, including nested ones.
    Tape(&'a [Node<'a>]),
    /// Values that were parsed one by one.
    Owned(&'a [OwnedJson]),
}

impl<'a> IntoIterator for Items<'a> {
    type Item = Json<'a>;
    type IntoIter = ItemsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        ItemsIter(self)
    }
}

/// Iterator over [`Items`].
#[derive(Debug)]
pub struct ItemsIter<'a>(Items<'a>);

impl<'a> Iterator for ItemsIter<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        match &mut self.0 {
            Items::Tape(nodes) => {
                let (json, rest) = from_tape(nodes)?;
                *nodes = rest;
                Some(json)
            }
            Items::Owned(values) => {
                let (first, rest) = values.split_first()?;
                *values = rest;
                Some(first.as_json())
            }
        }
    }
}

/// Returns the value at the start of a tape and the nodes after it.
#[inline]
pub(crate) fn from_tape<'a>(nodes: &'a [Node<'a>]) -> Option<(Json<'a>, &'a [Node<'a>])> {
    let (first, rest) = nodes.split_first()?;
    Some(match *first {
        Node::String(text) => (Json::Text(text), rest),
        Node::Object { count, .. } => (Json::Object, rest.get(count..)?),
        Node::Array { count, .. } => {
            let (items, after) = rest.split_at_checked(count)?;
            (Json::Array(Items::Tape(items)), after)
        }
        Node::Static(StaticNode::Null) => (Json::Null, rest),
        Node::Static(StaticNode::Bool(value)) => (Json::Bool(value), rest),
        Node::Static(StaticNode::I64(number)) => (Json::Integer(number), rest),
        Node::Static(StaticNode::U64(number)) => (
            i64::try_from(number).map_or(
                Json::BigInteger(BigInteger::Unsigned(number)),
                Json::Integer,
            ),
            rest,
        ),
        Node::Static(StaticNode::F64(number)) => {
            let fraction = Json::Fraction(Fraction::Double(number));
            (whole(number).map_or(fraction, Json::Integer), rest)
        }
    })
}

/// Returns a double as the integer that it is. From 2^53 on, a double stands for several integers.
pub(crate) fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = limits::INTEGER_LIMIT as f64;
    let is_exact = number.fract() == 0.0 && -LIMIT < number && number < LIMIT;
    is_exact.then_some(number as i64)
}

/// An owned value, for chunks that simd-json rejects.
#[derive(Debug, Clone)]
pub enum OwnedJson {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// An integer outside the range of `i64`.
    BigInteger(String),
    /// Any other number with a fraction or an exponent.
    Fraction(String),
    /// A string.
    Text(String),
    /// A string with an unpaired surrogate.
    BrokenText,
    /// An array.
    Array(Vec<OwnedJson>),
    /// An object.
    Object,
}

impl OwnedJson {
    /// Borrows the value.
    #[must_use]
    pub fn as_json(&self) -> Json<'_> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Integer(number) => Json::Integer(*number),
            Self::BigInteger(digits) => Json::BigInteger(BigInteger::Digits(digits)),
            Self::Fraction(written) => Json::Fraction(Fraction::Written(written)),
            Self::Text(text) => Json::Text(text),
            Self::BrokenText => Json::BrokenText,
            Self::Array(items) => Json::Array(Items::Owned(items)),
            Self::Object => Json::Object,
        }
    }
}
