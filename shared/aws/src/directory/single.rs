//! Single-user writes: the whole row with its claims, conditional on everything that was read
//! before (protocol.md#claims). If a condition fails and the row it finds is exactly the row to
//! write, an earlier attempt has written it and its response was lost.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::value::Assignment;

use super::attributes::{canon_of, id_key, login_attribute, to_attribute, user_key};
use super::author::Author;
use super::claims::{Claim, single_write};
use super::entry::{UserEntry, UserKey};
use super::execute::Executed;
use super::handle::Directory;
use super::row::LoginRow;
use super::stamps::{Stamps, stamps_attribute};
use super::users::NewUser;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{Attributes, EXPIRES_AT, expiry, later, number, text};
use crate::dynamodb::transaction::{Transacted, refusing_row};
use crate::dynamodb::write::Write;
use crate::error::StoreError;

/// Lifetime of the tombstone under a login that its user has left: as long as stamps count.
const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(72 * 3_600);

/// A user as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct UserSnapshot {
    /// The user.
    pub entry: UserEntry,
    /// The row, including attributes that this version does not know.
    row: Attributes,
}

/// The row of a login as a single-user write finds it.
#[derive(Debug, Clone, PartialEq)]
pub enum LoginSlot {
    /// There is no row.
    Free,
    /// A tombstone of a user who has another login now.
    Tombstone(Tombstone),
    /// A user of any tenant.
    Taken(Box<UserSnapshot>),
}

/// The row that a user has left under an earlier login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    version: u64,
    stamps: Stamps,
}

/// The claim on the external id of the user to write.
#[derive(Debug, Clone, Copy)]
pub struct ClaimWrite<'c> {
    /// The external id.
    pub external_id: &'c str,
    /// The current claim; the write requires that it is unchanged.
    pub seen: Option<&'c Claim>,
    /// Other runs that count on the claim.
    pub runs: &'c [String],
}

/// A change of a user.
#[derive(Debug, Clone, Copy)]
pub struct UserEdit<'c> {
    /// The attributes to set and clear.
    pub difference: &'c [(Attribute, &'c Assignment<'c>)],
    /// The new login, if its spelling differs, and its login slot, if it is another login.
    pub login: Option<(&'c Login<'c>, Option<&'c LoginSlot>)>,
    /// The claim to make or move.
    pub claim: Option<ClaimWrite<'c>>,
    /// The stamps of another login, if the writer leaves one there; otherwise they stay as they are.
    pub stamps: Option<&'c Stamps>,
}

impl LoginSlot {
    fn read(row: Option<Attributes>) -> Result<Self, StoreError> {
        let Some(row) = row else {
            return Ok(Self::Free);
        };
        if let Some(entry) = UserEntry::read(row.clone())? {
            return Ok(Self::Taken(Box::new(UserSnapshot { entry, row })));
        }
        let LoginRow {
            version, stamps, ..
        } = LoginRow::read(row)?;
        Ok(Self::Tombstone(Tombstone { version, stamps }))
    }

    /// Returns the slot of a login whose row was read for an import; `None` if it is taken.
    #[must_use]
    pub fn not_taken(row: Option<&LoginRow>) -> Option<Self> {
        match row {
            None => Some(Self::Free),
            Some(LoginRow { user: Some(_), .. }) => None,
            Some(LoginRow {
                version, stamps, ..
            }) => Some(Self::Tombstone(Tombstone {
                version: *version,
                stamps: stamps.clone(),
            })),
        }
    }

    /// Returns the user who has the login.
    #[must_use]
    pub fn into_user(self) -> Option<Box<UserSnapshot>> {
        match self {
            Self::Taken(user) => Some(user),
            Self::Free | Self::Tombstone(_) => None,
        }
    }

    /// Returns the version and the stamps that a user who takes this login continues.
    fn inherited(&self) -> (u64, Stamps) {
        match self {
            Self::Tombstone(Tombstone { version, stamps }) => (*version, stamps.clone()),
            Self::Free | Self::Taken(_) => (0, Stamps::new()),
        }
    }

    /// Returns the condition that the slot is still as it was read. It never holds for a taken
    /// login, which cannot be claimed.
    fn condition(&self) -> Condition {
        match self {
            Self::Free | Self::Taken(_) => Condition::row_absent(),
            Self::Tombstone(Tombstone { version, .. }) => {
                Condition::equals("version", number(*version)).and(Condition::absent("id"))
            }
        }
    }
}

impl Directory<'_> {
    /// Reads the user of `tenant` with this key, for a change.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn snapshot(
        self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<UserSnapshot>, StoreError> {
        let Some(row) = self.user_row(tenant, key).await? else {
            return Ok(None);
        };
        let entry = UserEntry::read(row.clone())?;
        Ok(entry.map(|entry| UserSnapshot { entry, row }))
    }

    /// Reads the slot of a login.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn login_slot(self, login: &Login<'_>) -> Result<LoginSlot, StoreError> {
        LoginSlot::read(self.row_at(login.canon()).await?)
    }

    /// Reads the slots of these logins, given in their canonical form. Free ones are left out.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn login_slots(
        self,
        canons: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, LoginSlot>, StoreError> {
        let rows = self.rows(canons.into_iter().map(user_key)).await?;
        rows.into_iter()
            .filter_map(|(key, row)| Some((canon_of(&key)?.to_owned(), row)))
            .map(|(canon, row)| Ok((canon, LoginSlot::read(Some(row))?)))
            .collect()
    }

    /// Creates a user in a login slot that is not taken. Returns `None` if another write came
    /// first: read again.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(
        self,
        new: &NewUser<'_>,
        slot: &LoginSlot,
        claim: Option<ClaimWrite<'_>>,
        author: &Author,
    ) -> Result<Option<UserEntry>, StoreError> {
        let (version, stamps) = slot.inherited();
        let login = canon(new.login);
        let fields = new.fields(&login, author).into_iter();
        let mut row: Attributes = fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        row.insert("pk".to_owned(), text(user_key(&login)));
        row.insert("version".to_owned(), number(version + 1));
        if !stamps.is_empty() {
            row.insert("stamps".to_owned(), stamps_attribute(&stamps));
        }
        let mut puts = vec![(row.clone(), Some(slot.condition()))];
        puts.push((id_row(new.tenant, new.id, &login), None));
        if let Some(claim) = claim {
            let write = single_write(new.id, version + 1);
            puts.push(put_claim(new.tenant, &login, claim, write));
        }
        self.put_user(row, puts).await
    }

    /// Changes a user that was read. Returns `None` if another write came first: read again.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change(
        self,
        seen: &UserSnapshot,
        edit: UserEdit<'_>,
        author: &Author,
    ) -> Result<Option<UserEntry>, StoreError> {
        let (row, puts) = edited(seen, edit, author);
        self.put_user(row, puts).await
    }

    /// Makes one attempt to change a user that was read, which takes at most `timeout`. The caller
    /// repeats it, because it knows the time that is left.
    pub async fn change_once(
        self,
        seen: &UserSnapshot,
        edit: UserEdit<'_>,
        author: &Author,
        timeout: Duration,
    ) -> Executed {
        let (row, puts) = edited(seen, edit, author);
        self.store.count_directory_writes(puts.len());
        let writes = match transaction(&self.store.tables.directory, puts) {
            Ok(writes) => writes,
            Err(error) => return Executed::Failed(error),
        };
        match self.store.transact_once(writes, timeout).await {
            Ok(Transacted::Done) => Executed::Done,
            Ok(Transacted::Cancelled(reasons)) if is_written(&reasons, &row) => Executed::Done,
            Ok(Transacted::Cancelled(_)) => Executed::Refused(None),
            Err(error) if error.retryable() || error.is_signature_error() => Executed::Again(error),
            Err(error) => Executed::Failed(error),
        }
    }

    /// Writes everything or nothing; the user's row comes first.
    async fn put_user(
        self,
        row: Attributes,
        puts: Vec<RowPut>,
    ) -> Result<Option<UserEntry>, StoreError> {
        let table = self.store.tables.directory.as_str();
        self.store.count_directory_writes(puts.len());
        let written = match <[RowPut; 1]>::try_from(puts) {
            Ok([(row, condition)]) => self.store.put_into(table, row, condition).await?,
            Err(puts) => match self.store.transact(&transaction(table, puts)?).await? {
                Transacted::Done => true,
                Transacted::Cancelled(reasons) => is_written(&reasons, &row),
            },
        };
        if written {
            UserEntry::read(row)
        } else {
            Ok(None)
        }
    }
}

/// Returns the user's row after an edit, and all rows to put; the user's comes first.
fn edited(seen: &UserSnapshot, edit: UserEdit<'_>, author: &Author) -> (Attributes, Vec<RowPut>) {
    let UserEdit {
        difference,
        login,
        claim,
        stamps,
    } = edit;
    let UserSnapshot { entry, row } = seen;
    let user = &entry.user;
    let mut row = row.clone();
    for (attribute, assignment) in difference {
        match assignment {
            Assignment::Set(value) => {
                row.insert(attribute.name().to_owned(), to_attribute(value));
            }
            Assignment::Clear => {
                row.remove(attribute.name());
            }
        }
    }
    let renamed = login.map(|_| Attribute::Username);
    let changed = difference.iter().map(|(attribute, _)| *attribute);
    let changes = entry
        .changes
        .with(author, renamed.into_iter().chain(changed));
    let mut version = user.version + 1;
    row.insert("changes".to_owned(), changes);
    let unchanged = Condition::equals("id", number(user.id))
        .and(Condition::equals("version", number(user.version)));
    let mut puts = Vec::new();
    let mut current_login = canon(&user.login);
    if let Some((login, _)) = login {
        match login_attribute(login.shown(), login.canon()) {
            Some(shown) => row.insert("login".to_owned(), shown),
            None => row.remove("login"),
        };
    }
    if let Some((login, Some(slot))) = login {
        let (slot_version, slot_stamps) = slot.inherited();
        version = slot_version.max(user.version) + 1;
        row.insert("pk".to_owned(), text(user_key(login.canon())));
        row.insert("version".to_owned(), number(version));
        // Stamps belong to the login, not to the user.
        let stamps = stamps.unwrap_or(&slot_stamps);
        row.insert("stamps".to_owned(), stamps_attribute(stamps));
        puts.push((row.clone(), Some(slot.condition())));
        puts.push((tombstone(seen, author), Some(unchanged)));
        let id_row = id_row(&user.tenant, user.id, login.canon());
        puts.push((id_row, None));
        current_login = login.canon().into();
    } else {
        row.insert("version".to_owned(), number(version));
        puts.push((row.clone(), Some(unchanged)));
    }
    if let Some(claim) = claim {
        let write = single_write(user.id, version);
        puts.push(put_claim(&user.tenant, &current_login, claim, write));
    }
    (row, puts)
}

/// Returns the writes of a transaction.
fn transaction(table: &str, puts: Vec<RowPut>) -> Result<Vec<TransactWriteItem>, StoreError> {
    let writes = puts.into_iter().map(|(row, condition)| {
        let put = Write::put(table, row).returning_refusing_row();
        match condition {
            Some(condition) => put.only_if(condition).build(),
            None => put.build(),
        }
    });
    writes.collect()
}

/// Returns true if the first row of a refused transaction is there: an earlier attempt has written it.
fn is_written(reasons: &[CancellationReason], row: &Attributes) -> bool {
    refusing_row(reasons, 0).as_ref() == Some(row)
}

fn put_claim(tenant: &str, login: &str, claim: ClaimWrite<'_>, write: String) -> RowPut {
    let ClaimWrite {
        external_id,
        seen,
        runs,
    } = claim;
    let claim = Claim {
        login: login.to_owned(),
        runs: runs.iter().cloned().chain([write]).collect(),
    };
    let condition = match seen {
        None => Condition::row_absent(),
        Some(seen) => {
            let [(login, seen_login), (runs, seen_runs)] = seen.attributes();
            Condition::equals(login, seen_login).and(Condition::equals(runs, seen_runs))
        }
    };
    (claim.row(tenant, external_id), Some(condition))
}

/// A row to put, and the condition on the one that it replaces.
type RowPut = (Attributes, Option<Condition>);

/// Returns the row by which a user is found by id (protocol.md#renames).
fn id_row(tenant: &str, id: u64, canon: &str) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), text(id_key(tenant, id))),
        ("login".to_owned(), text(canon)),
    ])
}

/// Returns the tombstone for the login that a user leaves. It has neither tenant nor id, so it is
/// in no index.
fn tombstone(seen: &UserSnapshot, author: &Author) -> Attributes {
    let entry = &seen.entry;
    let until = expiry(later(author.at, TOMBSTONE_LIFETIME));
    HashMap::from([
        ("pk".to_owned(), text(user_key(&canon(&entry.user.login)))),
        ("version".to_owned(), number(entry.user.version + 1)),
        ("stamps".to_owned(), stamps_attribute(&entry.stamps)),
        (EXPIRES_AT.to_owned(), number(until)),
    ])
}
