//! The keys of attributes, and the languages of the dialect.

use crate::attribute::Attribute;

/// Languages of the dialect.
pub(super) const LANGUAGES: &[&str] = &["ru_RU", "en_EN"];

/// Returns the key of an attribute, or its catalogue name if the dialect has no key for it.
#[must_use]
pub fn key(attribute: Attribute) -> &'static str {
    let spec = attribute.spec();
    spec.qvalon.unwrap_or(spec.name)
}
