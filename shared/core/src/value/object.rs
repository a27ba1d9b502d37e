//! JSON objects in Base64.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::limits;

/// Maximum levels of arrays and objects that are compared by value; deeper ones only by spelling.
const MAX_COMPARED_LEVELS: usize = 64;

/// The standard alphabet, with or without padding.
const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a JSON object in Base64, in the standard or the URL-safe alphabet, padded or not, in one
/// line or several. Returns it in the standard alphabet, padded, in one line.
pub(super) fn encoded_object<'a>(text: &str) -> Result<Cow<'a, str>, Problem> {
    let compact = text.chars().filter(|c| !c.is_whitespace());
    let compact: String = compact
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    if compact.len() > limits::MAX_ENCODED_OBJECT_BYTES {
        return Err(Problem::new("too_long", "longer than 32 KB"));
    }
    let bytes = PADDED_OR_NOT.decode(compact.as_bytes()).ok();
    let bytes = bytes
        .filter(|bytes| serde_json::from_slice::<HashMap<String, IgnoredAny>>(bytes).is_ok())
        .ok_or(Problem::new(
            "malformed",
            "not a Base64-encoded JSON object",
        ))?;
    Ok(Cow::Owned(STANDARD.encode(bytes)))
}

/// Returns `true` if two encoded objects have the same JSON value: white space, escapes, the order
/// of members and the spelling of numbers do not matter.
pub(super) fn is_same_object(one: &str, other: &str) -> bool {
    let decode = |text: &str| {
        let bytes = STANDARD.decode(text.as_bytes()).ok()?;
        serde_json::from_slice::<Box<RawValue>>(&bytes).ok()
    };
    decode(one)
        .zip(decode(other))
        .is_some_and(|(one, other)| is_same_json(&one, &other, MAX_COMPARED_LEVELS))
}

fn is_same_json(one: &RawValue, other: &RawValue, levels: usize) -> bool {
    let (one, other) = (one.get(), other.get());
    if one == other {
        return true;
    }
    let Some(deeper) = levels.checked_sub(1) else {
        return false;
    };
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => members(one)
            .zip(members(other))
            .is_some_and(|(one, other)| {
                let is_in_other = |(key, value): (&String, &&RawValue)| {
                    other
                        .get(key)
                        .is_some_and(|other| is_same_json(value, other, deeper))
                };
                one.len() == other.len() && one.iter().all(is_in_other)
            }),
        (Some(b'['), Some(b'[')) => items(one).zip(items(other)).is_some_and(|(one, other)| {
            let mut pairs = one.iter().zip(&other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same_json(one, other, deeper))
        }),
        (Some(b'"'), Some(b'"')) => text(one).is_some_and(|one| Some(one) == text(other)),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => {
            Decimal::of(one).is_some_and(|one| Some(one) == Decimal::of(other))
        }
        _ => false,
    }
}

/// Returns the members of an object; of a repeated key the last one.
fn members(raw: &str) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(raw).ok()
}

fn items(raw: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw).ok()
}

fn text(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// The exact value of a JSON number, however it is written.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Without zeros at its ends; empty for zero.
    digits: String,
    /// Power of ten of the last digit.
    exponent: i64,
}

impl Decimal {
    /// Returns the value of a number; `None` if its exponent is beyond 64 bits.
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (number, 0),
        };
        let unsigned = mantissa.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = [whole, fraction].concat();
        let shortened = all.trim_end_matches('0');
        let digits = shortened.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let dropped = i64::try_from(all.len() - shortened.len()).ok()?;
        let fraction = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative: unsigned.len() < mantissa.len(),
            digits,
            exponent: exponent.checked_add(dropped)?.checked_sub(fraction)?,
        })
    }
}
