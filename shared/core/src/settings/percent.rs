//! Percentages in settings.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a percentage: a number such as 12.5, or a text, gets a message that says what is expected.
pub(super) fn whole_percent<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u8>, D::Error> {
    let percent = Option::<Percent>::deserialize(deserializer)?;
    Ok(percent.map(|Percent(percent)| percent))
}

struct Percent(u8);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

struct PercentVisitor;

impl PercentVisitor {
    fn of<N: Copy + TryInto<u8>, E: Error>(
        self,
        number: N,
        found: Unexpected<'_>,
    ) -> Result<Percent, E> {
        let percent = number.try_into().map(Percent);
        percent.map_err(|_| E::invalid_value(found, &self))
    }
}

impl Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of percent, 0 to 100")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Percent, E> {
        self.of(number, Unexpected::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Percent, E> {
        self.of(number, Unexpected::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Percent, E> {
        let whole = (0..=u8::MAX).find(|whole| f64::from(*whole) == number);
        let percent = whole.map(Percent);
        percent.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}
