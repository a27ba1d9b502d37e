//! Claims: rows that reserve an external id for one user of a tenant (protocol.md#claims). A claim
//! names a login and the runs that made it; a reader must verify it against the user.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::handle::Directory;
use super::statement::Statement;
use crate::digest::sha256_hex;
use crate::dynamodb::row::{Attributes, text};
use crate::error::StoreError;

/// A claim on an external id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The canonical login of the user that has the id, or is about to get it.
    pub login: String,
    /// The runs that made or confirmed the claim, and the mark of the last single-user write.
    pub runs: Vec<String>,
}

/// Returns the mark of a single-user write, which created this version of the user, in the `runs`
/// of a claim. It is not a run, so it does not prevent a take-over, but it keeps any run from
/// releasing the claim. Each write leaves a different mark: otherwise a take-over of a claim that
/// was read as dangling could miss that its user has got the id back since.
pub(super) fn single_write(id: u64, version: u64) -> String {
    format!("alone-{id}-{version}")
}

/// Maximum bytes of an id in plain text: a partition key has at most 2,048 bytes, and an external
/// id up to 1,024 characters of four bytes.
const MAX_PLAIN_ID_BYTES: usize = 1_500;

/// Returns the key of the claim on an external id. Long ids are stored as their hash, under a
/// prefix that no key of a short id has.
fn key(tenant: &str, external_id: &str) -> String {
    if external_id.len() <= MAX_PLAIN_ID_BYTES {
        format!("X#{tenant}#{external_id}")
    } else {
        format!("XH#{tenant}#{}", sha256_hex(external_id.as_bytes()))
    }
}

impl Claim {
    /// Returns a claim that only `run` has made.
    fn of_run(login: &str, run: &str) -> Self {
        Self {
            login: login.to_owned(),
            runs: vec![run.to_owned()],
        }
    }

    /// Claims an unclaimed id.
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

    /// Adds a run to a claim of the same login, so that the claim cannot be taken over as dangling
    /// before that run has written the user. Of the claim's other runs only `live` ones are kept.
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

    /// Takes over a dangling claim.
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

    /// Replaces the login and the runs, on the condition that the claim is unchanged.
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

    /// Releases a claim that `run` made for a user that was not written in the end. Refused if
    /// another run or a single-user write has confirmed the claim since.
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

    /// Returns the attributes, with their values, that the row has while the claim is unchanged.
    fn unchanged(&self, tenant: &str, external_id: &str) -> [(&'static str, AttributeValue); 3] {
        let [login, runs] = self.attributes();
        [
            ("pk", AttributeValue::S(key(tenant, external_id))),
            login,
            runs,
        ]
    }

    /// Returns the attributes of the claim's row, without its key.
    pub(super) fn attributes(&self) -> [(&'static str, AttributeValue); 2] {
        let runs = self.runs.iter().map(text).collect();
        [
            ("login", text(&self.login)),
            ("runs", AttributeValue::L(runs)),
        ]
    }

    /// Returns the row of a claim on this id.
    pub(super) fn row(&self, tenant: &str, external_id: &str) -> Attributes {
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

impl Directory<'_> {
    /// Reads the claims on these external ids of a tenant, consistently. Unclaimed ids are left
    /// out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn claims(
        self,
        tenant: &str,
        external_ids: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Claim>, StoreError> {
        let ids: HashMap<String, &str> = external_ids
            .into_iter()
            .map(|id| (key(tenant, id), id))
            .collect();
        self.rows(ids.keys().cloned())
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
    fn a_key_fits_the_limit_of_dynamodb() {
        assert_eq!(key("acme", "E-1"), "X#acme#E-1");
        let long = "\u{10348}".repeat(1_024);
        assert!(key("acme", &long).len() < 2_048);
        assert_ne!(key("acme", &long), key("acme", &format!("{long}x")));
    }
}
