//! Claims: rows that hold an external id for one user of a tenant (PROTOCOL §7). A claim names a
//! login and the runs that made it; whoever finds one verifies it against the user.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::Store;
use crate::directory::Statement;
use crate::error::StoreError;
use crate::row::{Attributes, text};
use crate::tokens::sha256_hex;

/// A claim on an external id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The canonical login of the user that holds the id, or is about to.
    pub login: String,
    /// The runs that made or confirmed the claim, and the last write outside of runs.
    pub runs: Vec<String>,
}

/// What a claim names for the write of a user alone, which has made this version of it. It is no
/// run, so it keeps nothing from being taken over; but the claim is no run's to give up any more.
/// And no two writes leave the same claim: whoever takes one over that was seen dangling would
/// otherwise not notice that its user has got the id back meanwhile.
pub(crate) fn alone(id: u64, version: u64) -> String {
    format!("alone-{id}-{version}")
}

/// A partition key has at most 2,048 bytes, an external id up to 1,024 characters of four.
const LONGEST: usize = 1_500;

/// The key of the claim on an external id. Long ids stand as their hash, under a prefix of its own
/// that no short one can have.
fn key(tenant: &str, external_id: &str) -> String {
    if external_id.len() <= LONGEST {
        format!("X#{tenant}#{external_id}")
    } else {
        format!("XH#{tenant}#{}", sha256_hex(external_id.as_bytes()))
    }
}

impl Claim {
    /// One that a run alone has made.
    fn of_run(login: &str, run: &str) -> Self {
        Self {
            login: login.to_owned(),
            runs: vec![run.to_owned()],
        }
    }

    /// Claims an id that nobody has claimed.
    #[must_use]
    pub fn insert(
        table: &str,
        tenant: &str,
        external_id: &str,
        login: &str,
        run: &str,
    ) -> Statement {
        let claim = Self::of_run(login, run);
        let mut fields = vec![("pk", AttributeValue::S(key(tenant, external_id)))];
        fields.extend(claim.attributes());
        Statement::insert(table, fields)
    }

    /// Adds a run to a claim of the same login, so that it cannot be taken as dangling before
    /// that run has written the user. Of the claim's runs only `live` ones stay.
    #[must_use]
    pub fn confirm(
        &self,
        table: &str,
        tenant: &str,
        external_id: &str,
        live: &[String],
        run: &str,
    ) -> Statement {
        let runs: Vec<String> = live.iter().cloned().chain([run.to_owned()]).collect();
        self.replace(table, tenant, external_id, &self.login, &runs)
    }

    /// Takes a dangling claim over.
    #[must_use]
    pub fn take_over(
        &self,
        table: &str,
        tenant: &str,
        external_id: &str,
        login: &str,
        run: &str,
    ) -> Statement {
        self.replace(table, tenant, external_id, login, &[run.to_owned()])
    }

    /// Only if the claim is still this one.
    fn replace(
        &self,
        table: &str,
        tenant: &str,
        external_id: &str,
        login: &str,
        runs: &[String],
    ) -> Statement {
        let new = Self {
            login: login.to_owned(),
            runs: runs.to_vec(),
        };
        let mut statement = Statement::update(table, new.attributes().into(), []);
        statement.condition(&self.unchanged(tenant, external_id));
        statement
    }

    /// Gives a claim up that `run` made for a user who did not come about; refused if anybody else
    /// counts on it since.
    #[must_use]
    pub fn release(
        table: &str,
        tenant: &str,
        external_id: &str,
        login: &str,
        run: &str,
    ) -> Statement {
        let claim = Self::of_run(login, run);
        let mut statement = Statement::delete(table);
        statement.condition(&claim.unchanged(tenant, external_id));
        statement
    }

    /// What is true of the row as long as the claim is this one.
    fn unchanged(&self, tenant: &str, external_id: &str) -> [(&'static str, AttributeValue); 3] {
        let [login, runs] = self.attributes();
        [
            ("pk", AttributeValue::S(key(tenant, external_id))),
            login,
            runs,
        ]
    }

    /// What a claim's row says.
    pub(crate) fn attributes(&self) -> [(&'static str, AttributeValue); 2] {
        let runs = self.runs.iter().map(text).collect();
        [
            ("login", text(&self.login)),
            ("runs", AttributeValue::L(runs)),
        ]
    }

    /// The row of a claim on this id.
    pub(crate) fn row(&self, tenant: &str, external_id: &str) -> Attributes {
        let pk = ("pk", AttributeValue::S(key(tenant, external_id)));
        let fields = self.attributes().into_iter().chain([pk]);
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn read(row: &HashMap<String, AttributeValue>) -> Option<Self> {
        let runs = row.get("runs")?.as_l().ok()?.iter();
        Some(Self {
            login: row.get("login")?.as_s().ok()?.clone(),
            runs: runs
                .map(|run| run.as_s().ok().cloned())
                .collect::<Option<_>>()?,
        })
    }
}

impl Store {
    /// The claims on these external ids of a tenant, read consistently. Unclaimed ones are left
    /// out.
    ///
    /// # Errors
    /// The store's.
    pub async fn claims(
        &self,
        tenant: &str,
        external_ids: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Claim>, StoreError> {
        let ids: HashMap<String, &str> = external_ids
            .into_iter()
            .map(|id| (key(tenant, id), id))
            .collect();
        self.directory_rows(ids.keys().cloned())
            .await?
            .into_iter()
            .filter_map(|(key, row)| Some(((*ids.get(&key)?).to_owned(), row)))
            .map(|(id, row)| {
                let claim = Claim::read(&row).ok_or_else(|| StoreError::Row {
                    row: "a claim",
                    reason: "`login` or `runs` is missing".to_owned(),
                })?;
                Ok((id, claim))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_outgrows_what_dynamodb_takes() {
        assert_eq!(key("acme", "E-1"), "X#acme#E-1");
        let long = "\u{10348}".repeat(1_024);
        assert!(key("acme", &long).len() < 2_048);
        assert_ne!(key("acme", &long), key("acme", &format!("{long}x")));
    }
}
