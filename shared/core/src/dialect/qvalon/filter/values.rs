//! Parsers of parameter values.

use std::collections::BTreeSet;

use super::parameters::levels;
use crate::attribute::Attribute;
use crate::dialect::qvalon::user::ROLES;
use crate::login::Login;

/// Maximum users per page.
const MAX_PAGE_USERS: u16 = 1_000;

/// Returns the value of a parameter that is not a list.
pub(super) fn single_value<'v>(values: &[&'v str]) -> Result<&'v str, String> {
    match values {
        [value] => Ok(value),
        _ => Err("expected one value, found several".to_owned()),
    }
}

/// Returns the items of a list: comma-separated, or in repeated parameters. An empty item is
/// refused, so that an empty list never selects all users.
pub(super) fn items<'v>(values: &[&'v str]) -> Result<Vec<&'v str>, String> {
    let items = values.iter().flat_map(|value| value.split(','));
    let items: Vec<&str> = items.map(str::trim).collect();
    if items.iter().any(|item| item.is_empty()) {
        return Err(EMPTY_VALUE.to_owned());
    }
    Ok(items)
}

const EMPTY_VALUE: &str = "contains an empty value: omit the parameter to disable the filter";

/// Returns canonical logins. Invalid logins match no user and are dropped; like all logins they are
/// not trimmed.
pub(super) fn logins(values: &[&str]) -> Result<BTreeSet<String>, String> {
    let items = values.iter().flat_map(|value| value.split(','));
    if items.clone().any(str::is_empty) {
        return Err(EMPTY_VALUE.to_owned());
    }
    let logins = items.filter_map(|item| Login::parse(item).ok());
    Ok(logins.map(|login| login.canon().to_owned()).collect())
}

pub(super) fn numbers(values: &[&str]) -> Result<BTreeSet<i64>, String> {
    let wrong = || "must be comma-separated 64-bit integers".to_owned();
    let items = items(values)?.into_iter();
    items
        .map(|item| item.parse().map_err(|_| wrong()))
        .collect()
}

pub(super) fn number(value: &str) -> Result<u64, String> {
    let wrong = || "must be a non-negative 64-bit integer".to_owned();
    value.parse().map_err(|_| wrong())
}

pub(super) fn size(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(size @ 1..=MAX_PAGE_USERS) => Ok(size),
        _ => Err(format!("must be an integer from 1 to {MAX_PAGE_USERS}")),
    }
}

pub(super) fn switch(value: &str) -> Result<bool, String> {
    value
        .parse()
        .map_err(|_| "must be true or false".to_owned())
}

pub(super) fn role(name: &str) -> Result<Attribute, String> {
    let found = ROLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, attribute)| *attribute).ok_or_else(|| {
        let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn level(word: &str) -> Result<&'static str, String> {
    let found = levels().iter().find(|known| **known == word);
    found
        .copied()
        .ok_or_else(|| format!("must be one of {}", levels().join(", ")))
}
