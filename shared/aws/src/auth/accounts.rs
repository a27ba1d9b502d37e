//! Accounts: the common part of robots and operators. Both have the same rule for names, a password
//! whose verification takes the same time whether the name is known or not, and the same creation,
//! change and listing. Each kind has its own name space. Their modules define the other attributes
//! of their rows.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, TransactWriteItem};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::passwords;
use crate::creation::Creation;
use crate::dynamodb::expression::{Condition, UpdateExpression};
use crate::dynamodb::read::Order;
use crate::dynamodb::row::{self, Attributes, Key, Row, millis, millis_option};
use crate::dynamodb::transaction::{Transacted, condition_failed, refusing_row};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;
use crate::tenant_index::{IndexKind, IndexPage, ListPage};

/// Maximum characters of a name.
const MAX_NAME_CHARS: usize = 128;
/// Characters that no name may contain, because they do not survive in a URL.
const FORBIDDEN_IN_NAMES: [char; 5] = ['/', '\\', '?', '#', '%'];
/// Maximum attempts to change a row that others change meanwhile.
const MAX_CHANGE_ATTEMPTS: u32 = 6;

/// The rule that [`is_name`] checks.
pub(crate) const NAME_RULE: &str = "the name of a robot or an operator has 1 to 128 characters, \
                                    no control characters, none of / \\ ? # %, no space at its \
                                    ends, and is not only dots";

/// The attributes that rows of robots and of operators share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) tenant: String,
    pub(crate) name: String,
    /// Argon2id, PHC form.
    password: String,
    /// Number of changes of the password.
    #[serde(default)]
    pub(crate) password_version: u64,
    /// True if the account may sign in.
    #[serde(default = "enabled_by_default")]
    pub(crate) enabled: bool,
    #[serde(with = "millis")]
    pub(crate) created_at: Timestamp,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    updated_at: Option<Timestamp>,
    /// Number of writes of the row; 0 in rows from before writes were counted.
    #[serde(default)]
    version: u64,
}

const fn enabled_by_default() -> bool {
    true
}

impl Account {
    /// Returns a new account. The name must be valid.
    pub(crate) async fn new(
        tenant: &str,
        name: &str,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let now = row::whole_millis(now);
        Ok(Self {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            password: passwords::hash(password).await?,
            password_version: 0,
            enabled: true,
            created_at: now,
            updated_at: Some(now),
            version: 1,
        })
    }

    /// Returns the time of the last change; the creation counts as one.
    pub(crate) fn updated_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at)
    }

    /// Enables or disables the account and replaces its password, if they are given.
    pub(crate) fn change(&mut self, enabled: Option<bool>, password_hash: Option<&str>) {
        self.enabled = enabled.unwrap_or(self.enabled);
        if let Some(hash) = password_hash {
            self.set_password(hash);
        }
    }

    /// Replaces the password by the one with this hash.
    pub(crate) fn set_password(&mut self, hash: &str) {
        hash.clone_into(&mut self.password);
        self.password_version = self.password_version.saturating_add(1);
    }
}

/// The row of an account, with its name as the key.
pub(crate) trait AccountRow: Clone + PartialEq + Row {
    /// The kind of row, for errors.
    const ROW: &'static str;
    /// Its kind in the tenant index.
    const KIND: IndexKind;

    /// Returns the key of the row.
    fn key(name: &str) -> Key;

    /// Returns the common attributes.
    fn account(&self) -> &Account;

    /// Returns the common attributes, mutable.
    fn account_mut(&mut self) -> &mut Account;

    /// Encodes the row.
    fn row(&self) -> Result<Attributes, StoreError> {
        row::encode(Self::ROW, &Self::key(&self.account().name), self)
    }
}

/// Outcome of changing an account.
#[derive(Debug)]
pub(crate) enum Changed<A> {
    /// The changed account.
    Done(A),
    /// The tenant has no account with this name.
    Missing,
    /// An additional write was refused; nothing is changed.
    Refused,
}

/// Outcome of one attempt to write a change.
enum Rewritten {
    Done,
    /// The row changed since it was read.
    Stale,
    Refused,
}

/// Returns true if a new account may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    may_exist(name)
        && name == name.trim()
        && !name.contains(|c: char| c.is_control() || FORBIDDEN_IN_NAMES.contains(&c))
        && !name.chars().all(|c| c == '.')
}

/// Returns the rule for names if the name of a new robot or operator breaks it.
#[must_use]
pub fn name_problem(name: &str) -> Option<&'static str> {
    (!is_name(name)).then_some(NAME_RULE)
}

/// Returns true if an account with this name may exist. Names that were given under an earlier rule
/// are still valid.
fn may_exist(name: &str) -> bool {
    let length = name.chars().take(MAX_NAME_CHARS + 1).count();
    (1..=MAX_NAME_CHARS).contains(&length)
}

impl Store {
    /// Returns the account with this name and this password. An unknown name is refused after the
    /// same work as a wrong password; so is a disabled account.
    pub(crate) async fn verify_account<A: AccountRow>(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<A>, StoreError> {
        let known: Option<A> = if may_exist(name) {
            self.read_permanent_row(A::ROW, &A::key(name)).await?
        } else {
            None
        };
        let hash = known.as_ref().map(|known| known.account().password.clone());
        let right = passwords::verify(password, hash).await?;
        Ok(known.filter(|known| right && known.account().enabled))
    }

    /// Returns the tenant's account with this name.
    pub(crate) async fn find_account<A: AccountRow>(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<Option<A>, StoreError> {
        if !may_exist(name) {
            return Ok(None);
        }
        let found: Option<A> = self.read_permanent_row(A::ROW, &A::key(name)).await?;
        Ok(found.filter(|found| found.account().tenant == tenant))
    }

    /// Creates an account, whose name must be valid, together with the writes `also`.
    pub(crate) async fn create_account<A: AccountRow>(
        &self,
        new: &A,
        also: Vec<TransactWriteItem>,
    ) -> Result<Creation, StoreError> {
        let row = new.row()?;
        let Account { tenant, name, .. } = new.account();
        let mut writes = vec![
            Write::put_new(&self.tables.control, row.clone()).build()?,
            self.index_entry(tenant, A::KIND, name)?,
        ];
        writes.extend(also);
        Ok(match self.transact(&writes).await? {
            Transacted::Done => Creation::Created,
            // The response to an earlier attempt was lost: no two rows have the same hash.
            Transacted::Cancelled(reasons) if refusing_row(&reasons, 0).as_ref() == Some(&row) => {
                Creation::Created
            }
            Transacted::Cancelled(_) => Creation::Taken,
        })
    }

    /// Changes the tenant's account with this name. `change` may be called again on a fresher row.
    /// The writes that `also` returns for the row before and after the change are part of the
    /// transaction. A change without a difference writes nothing.
    pub(crate) async fn change_account<A: AccountRow>(
        &self,
        tenant: &str,
        name: &str,
        now: Timestamp,
        change: impl Fn(&mut A),
        also: impl Fn(&A, &A) -> Result<Vec<TransactWriteItem>, StoreError>,
    ) -> Result<Changed<A>, StoreError> {
        for _ in 0..MAX_CHANGE_ATTEMPTS {
            let Some(old) = self.find_account::<A>(tenant, name).await? else {
                return Ok(Changed::Missing);
            };
            let mut new = old.clone();
            change(&mut new);
            if new == old {
                return Ok(Changed::Done(old));
            }
            let account = new.account_mut();
            account.version = account.version.saturating_add(1);
            account.updated_at = Some(row::whole_millis(now));
            match self.rewrite(&old, &new, also(&old, &new)?).await? {
                Rewritten::Done => return Ok(Changed::Done(new)),
                Rewritten::Refused => return Ok(Changed::Refused),
                Rewritten::Stale => {}
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    /// Writes the changed attributes of a row, if it is still as it was read, together with `also`,
    /// or nothing. Other attributes of the row, which others may have written meanwhile, are left
    /// unchanged.
    async fn rewrite<A: AccountRow>(
        &self,
        old: &A,
        new: &A,
        also: Vec<TransactWriteItem>,
    ) -> Result<Rewritten, StoreError> {
        let before = old.row()?;
        let mut set: BTreeMap<_, _> = new.row()?.into_iter().collect();
        set.retain(|name, value| before.get(name) != Some(value));
        let seen = old.account().version;
        let condition = match seen {
            0 => Condition::row_exists().and(Condition::absent("version")),
            _ => Condition::equals("version", row::number(seen)),
        };
        let mut update = UpdateExpression::new();
        for (name, value) in &set {
            update = update.set(name, value.clone());
        }
        let update = Write::update(&self.tables.control, &A::key(&old.account().name), update)
            .only_if(condition)
            .returning_refusing_row();
        let Account { tenant, name, .. } = new.account();
        let mut writes = vec![update.build()?, self.index_entry(tenant, A::KIND, name)?];
        writes.extend(also);
        Ok(match self.transact(&writes).await? {
            Transacted::Done => Rewritten::Done,
            Transacted::Cancelled(reasons) => refusal(&reasons, &set),
        })
    }

    /// Returns at most `limit` accounts of a tenant that follow `after`, by name.
    pub(crate) async fn list_accounts<A: AccountRow>(
        &self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<ListPage<A>, StoreError> {
        let IndexPage { names, more } = self
            .index_page(tenant, A::KIND, Order::Ascending, after, limit)
            .await?;
        let keys: Vec<Key> = names.iter().map(|name| A::key(name)).collect();
        let rows = self.read_rows(&keys, now).await?;
        let items: Vec<A> = rows
            .into_iter()
            .map(|row| row::decode(A::ROW, row))
            .collect::<Result<_, _>>()?;
        Ok(ListPage {
            items,
            next: names.last().cloned().filter(|_| more),
        })
    }
}

/// Interprets a cancelled transaction whose first write sets the values `set`.
fn refusal(reasons: &[CancellationReason], set: &BTreeMap<String, AttributeValue>) -> Rewritten {
    if !reasons.first().is_some_and(condition_failed) {
        return Rewritten::Refused;
    }
    // Our own values are stored: the response to an earlier attempt was lost.
    let ours = refusing_row(reasons, 0)
        .is_some_and(|row| set.iter().all(|(name, value)| row.get(name) == Some(value)));
    if ours {
        Rewritten::Done
    } else {
        Rewritten::Stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::operators::OperatorRow;
    use crate::auth::robots::RobotRow;

    fn account() -> Attributes {
        Attributes::from([
            ("tenant".to_owned(), row::text("t")),
            ("name".to_owned(), row::text("n")),
            ("password".to_owned(), row::text("$argon2id$")),
            ("created_at".to_owned(), row::number(0)),
            ("role".to_owned(), row::text("read")),
        ])
    }

    #[test]
    fn an_error_of_an_unreadable_account_names_the_attribute() {
        for name in ["enabled", "created_at", "role"] {
            let mut attributes = account();
            attributes.insert(name.to_owned(), row::text("jack.woo"));
            let error = row::decode::<OperatorRow>("an operator", attributes)
                .err()
                .unwrap();
            let expected = format!(
                "the row of an operator cannot be read: the attribute `{name}` has an unexpected \
                 type or value"
            );
            assert_eq!(error.to_string(), expected);
        }
        let mut attributes = account();
        attributes.insert("scopes".to_owned(), AttributeValue::L(vec![row::number(1)]));
        let error = row::decode::<RobotRow>("a robot", attributes)
            .err()
            .unwrap();
        assert!(error.to_string().contains("`scopes[0]`"), "{error}");
    }

    #[test]
    fn a_row_has_the_attributes_of_its_account_and_its_own() {
        let attributes = account();
        let operator = row::decode::<OperatorRow>("an operator", attributes.clone()).unwrap();
        let written = operator.to_attributes("an operator").unwrap();
        for (name, value) in attributes {
            assert_eq!(written.get(&name), Some(&value), "{name}");
        }
    }

    #[test]
    fn a_name_is_one_line_of_at_most_128_characters_that_a_url_can_carry() {
        for good in [
            "robot",
            "Import Robot",
            "робот@acme",
            ".x",
            &"é".repeat(128),
        ] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", " robot", "a\0b", &"x".repeat(129), ".", "..", "..."] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for bad in FORBIDDEN_IN_NAMES {
            assert!(!is_name(&format!("a{bad}b")), "{bad:?}");
        }
    }
}
