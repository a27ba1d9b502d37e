//! What robots and operators have in common: the rule for their names, a password whose check takes
//! the same time whether or not the name is known, how they are made, changed and listed. Each has
//! a name space of its own. What a row says apart from this is its module's.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::lists::{Kind, Listed, Order, Part};
use crate::row::{self, Attributes, Key, millis, millis_option};
use crate::transact::{Transacted, condition_failed, found};
use crate::{Creation, Store, StoreError, passwords};

/// Characters of a name.
const LONGEST_NAME: usize = 128;
/// What no name may hold: it would not survive its way through a URL.
const NOT_IN_NAMES: [char; 5] = ['/', '\\', '?', '#', '%'];
/// How often a change looks again at a row that changed under it.
const ROUNDS: u32 = 6;

/// What [`is_name`] asks of a name.
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
    /// How often the password was changed.
    #[serde(default)]
    pub(crate) password_version: u64,
    /// Whether it may sign in.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(with = "millis")]
    pub(crate) created_at: Timestamp,
    #[serde(
        default,
        with = "millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    updated_at: Option<Timestamp>,
    /// How often the row was written; 0: before that was counted.
    #[serde(default)]
    version: u64,
}

const fn yes() -> bool {
    true
}

impl Account {
    /// A new one, whose name is one.
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

    /// When it was changed last; its making is the first change.
    pub(crate) fn updated_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at)
    }

    /// From now on the password with this hash is the right one.
    pub(crate) fn set_password(&mut self, hash: &str) {
        hash.clone_into(&mut self.password);
        self.password_version = self.password_version.saturating_add(1);
    }
}

/// A row that a name finds and a password opens.
pub(crate) trait AccountRow: Clone + PartialEq + Serialize + DeserializeOwned {
    /// What it is, for an error.
    const WHAT: &'static str;
    /// The list it is in.
    const KIND: Kind;

    /// Where it is.
    fn key(name: &str) -> Key;

    /// What it shares with others.
    fn account(&self) -> &Account;

    /// The same, to be changed.
    fn account_mut(&mut self) -> &mut Account;

    /// As it is stored.
    fn row(&self) -> Result<Attributes, StoreError> {
        row::encode(Self::WHAT, &Self::key(&self.account().name), self)
    }
}

/// What became of an account that was to be changed.
#[derive(Debug)]
pub(crate) enum Changed<A> {
    /// It is stored like this.
    Done(A),
    /// There is none of this name in the tenant.
    Missing,
    /// What was to be written with it has refused; nothing is changed.
    Refused,
}

/// What became of one try to write a change.
enum Rewritten {
    Done,
    /// The row is not as it was read.
    Stale,
    Refused,
}

/// Whether a new account may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    may_exist(name)
        && name == name.trim()
        && !name.contains(|c: char| c.is_control() || NOT_IN_NAMES.contains(&c))
        && !name.chars().all(|c| c == '.')
}

/// What is wrong with the name of a new robot or operator.
#[must_use]
pub fn name_problem(name: &str) -> Option<&'static str> {
    (!is_name(name)).then_some(NAME_RULE)
}

/// Whether it is worth looking for: names that were given under an earlier rule still count.
fn may_exist(name: &str) -> bool {
    let length = name.chars().take(LONGEST_NAME + 1).count();
    (1..=LONGEST_NAME).contains(&length)
}

impl Store {
    /// The account that has this name and this password. An unknown name is refused after the same
    /// work as a wrong password, and so is a disabled account.
    pub(crate) async fn verify_account<A: AccountRow>(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<A>, StoreError> {
        let known: Option<A> = if may_exist(name) {
            self.read_lasting_row(A::WHAT, &A::key(name)).await?
        } else {
            None
        };
        let hash = known.as_ref().map(|known| known.account().password.clone());
        let right = passwords::verify(password, hash).await?;
        Ok(known.filter(|known| right && known.account().enabled))
    }

    /// The tenant's account of this name.
    pub(crate) async fn find_account<A: AccountRow>(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<Option<A>, StoreError> {
        if !may_exist(name) {
            return Ok(None);
        }
        let found: Option<A> = self.read_lasting_row(A::WHAT, &A::key(name)).await?;
        Ok(found.filter(|found| found.account().tenant == tenant))
    }

    /// Makes an account whose name is one, together with `also`.
    pub(crate) async fn create_account<A: AccountRow>(
        &self,
        new: &A,
        also: Vec<TransactWriteItem>,
    ) -> Result<Creation, StoreError> {
        let row = new.row()?;
        let Account { tenant, name, .. } = new.account();
        let mut writes = vec![
            self.put_new(row.clone())?,
            self.list_as(tenant, A::KIND, name)?,
        ];
        writes.extend(also);
        Ok(match self.transact(&writes).await? {
            Transacted::Done => Creation::Created,
            // The answer to an earlier try was lost: no two rows have the same hash.
            Transacted::Cancelled(reasons) if found(&reasons, 0).as_ref() == Some(&row) => {
                Creation::Created
            }
            Transacted::Cancelled(_) => Creation::Taken,
        })
    }

    /// Changes the tenant's account of this name; `change` may be called again, on a fresher row.
    /// What `also` makes of the row before and after is written with it. A change that changes
    /// nothing writes nothing.
    pub(crate) async fn change_account<A: AccountRow>(
        &self,
        tenant: &str,
        name: &str,
        now: Timestamp,
        change: impl Fn(&mut A),
        also: impl Fn(&A, &A) -> Result<Vec<TransactWriteItem>, StoreError>,
    ) -> Result<Changed<A>, StoreError> {
        for _ in 0..ROUNDS {
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

    /// Writes what is new in a row, if it is still as it was read, and `also`, or neither. Other
    /// attributes of the row, which others may have written meanwhile, stay as they are.
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
            0 => "attribute_exists(pk) AND attribute_not_exists(#version)",
            _ => "#version = :seen",
        };
        let settings: Vec<_> = set
            .keys()
            .map(|name| format!("#{name} = :{name}"))
            .collect();
        let mut update = Update::builder()
            .table_name(&self.tables.control)
            .set_key(Some(A::key(&old.account().name).attributes()))
            .update_expression(format!("SET {}", settings.join(", ")))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if seen > 0 {
            update = update.expression_attribute_values(":seen", row::number(seen));
        }
        for (name, value) in &set {
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value.clone());
        }
        let Account { tenant, name, .. } = new.account();
        let mut writes = vec![
            TransactWriteItem::builder().update(update.build()?).build(),
            self.list_as(tenant, A::KIND, name)?,
        ];
        writes.extend(also);
        Ok(match self.transact(&writes).await? {
            Transacted::Done => Rewritten::Done,
            Transacted::Cancelled(reasons) => judge(&reasons, &set),
        })
    }

    /// At most `limit` accounts of a tenant, by name, those behind `after`.
    pub(crate) async fn listed_accounts<A: AccountRow>(
        &self,
        tenant: &str,
        after: Option<&str>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Part<A>, StoreError> {
        let Listed { names, more } = self
            .listed(tenant, A::KIND, Order::Ascending, after, limit)
            .await?;
        let keys: Vec<Key> = names.iter().map(|name| A::key(name)).collect();
        let rows = self.rows_at(&keys, now).await?;
        let items: Vec<A> = rows
            .into_iter()
            .map(|row| row::decode(A::WHAT, row))
            .collect::<Result<_, _>>()?;
        Ok(Part {
            items,
            next: names.last().cloned().filter(|_| more),
        })
    }
}

/// What a cancelled transaction means whose first write was to set these values.
fn judge(
    reasons: &[CancellationReason],
    set: &BTreeMap<String, aws_sdk_dynamodb::types::AttributeValue>,
) -> Rewritten {
    if !reasons.first().is_some_and(condition_failed) {
        return Rewritten::Refused;
    }
    // Our own values are there: the answer to an earlier try was lost.
    let ours = found(reasons, 0)
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
        for bad in NOT_IN_NAMES {
            assert!(!is_name(&format!("a{bad}b")), "{bad:?}");
        }
    }
}
