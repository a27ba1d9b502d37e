//! The IAM permissions that a call needs.

use std::collections::BTreeSet;
use std::fmt;

/// An IAM action and its resource, as the module of the service names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: &'static str,
    resource: String,
}

/// Permissions of one call, separated by commas: `dynamodb:GetItem muster-control`.
#[derive(Debug, Default)]
pub(super) struct Grants(BTreeSet<Grant>);

impl Grants {
    pub(super) fn add(&mut self, action: &'static str, resource: Option<&str>) {
        let resource = resource.unwrap_or_default().to_owned();
        self.0.insert(Grant { action, resource });
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Grant { action, resource }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{action} {resource}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_listed_once_each() {
        let mut grants = Grants::default();
        for table in ["b", "a", "b"] {
            grants.add("dynamodb:GetItem", Some(table));
        }
        assert_eq!(grants.to_string(), "dynamodb:GetItem a, dynamodb:GetItem b");
    }
}
