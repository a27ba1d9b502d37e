//! Users written one at a time: the whole row, with the claims that go with it, under conditions on
//! all of it that was read before (PROTOCOL §7). A row that a condition finds and that is the very
//! one to be written was written by a try whose answer was lost.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::value::Assignment;

use super::author::Author;
use super::entry::{Entry, UserKey};
use super::row::{Stored, id_key, login_attribute, to_attribute, user_key};
use super::stamps::{Stamps, stamps_attribute};
use super::statement::NewUser;
use crate::Store;
use crate::claims::{Claim, alone};
use crate::error::StoreError;
use crate::row::{Attributes, EXPIRES_AT, expiry, later, number, text};
use crate::transact::{Transacted, found};

/// How long a login remembers its runs after its user has got another one: as long as stamps count.
const TOMBSTONE_KEPT: Duration = Duration::from_secs(72 * 3_600);

/// A user as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The user.
    pub entry: Entry,
    /// The row, with all that this version does not know.
    row: Attributes,
}

/// What stands under a login.
#[derive(Debug, Clone, PartialEq)]
pub enum Seat {
    /// Nothing.
    Free,
    /// What a user left there who has another login now.
    Tombstone(Tombstone),
    /// A user, of whatever tenant.
    Taken(Box<Seen>),
}

/// What a user has left under an earlier login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    version: u64,
    stamps: Stamps,
}

/// The claim on the external id of a user that is written.
#[derive(Debug, Clone, Copy)]
pub struct Claiming<'c> {
    /// The external id.
    pub external_id: &'c str,
    /// The claim that stands; it must not have changed when the user is written.
    pub seen: Option<&'c Claim>,
    /// The runs that count on the claim as well.
    pub runs: &'c [String],
}

/// What changes of a user.
#[derive(Debug, Clone, Copy)]
pub struct UserEdit<'c> {
    /// What to set and clear.
    pub difference: &'c [(Attribute, &'c Assignment<'c>)],
    /// The new login, if it is spelt differently, and what stands there if it is another one.
    pub login: Option<(&'c Login<'c>, Option<&'c Seat>)>,
    /// The claim to be made or moved.
    pub claim: Option<Claiming<'c>>,
}

impl Seat {
    fn read(row: Option<Attributes>) -> Result<Self, StoreError> {
        let Some(row) = row else {
            return Ok(Self::Free);
        };
        if let Some(entry) = Entry::read(row.clone())? {
            return Ok(Self::Taken(Box::new(Seen { entry, row })));
        }
        let Stored {
            version, stamps, ..
        } = Stored::read(row)?;
        Ok(Self::Tombstone(Tombstone { version, stamps }))
    }

    /// The version and the stamps that a user who comes here continues.
    fn left(&self) -> (u64, Stamps) {
        match self {
            Self::Tombstone(Tombstone { version, stamps }) => (*version, stamps.clone()),
            Self::Free | Self::Taken(_) => (0, Stamps::new()),
        }
    }

    /// Holds while nobody has come here; a seat that is taken is none to come to.
    fn condition(&self) -> Condition {
        match self {
            Self::Free | Self::Taken(_) => Condition::Absent,
            Self::Tombstone(Tombstone { version, .. }) => Condition::Tombstone(*version),
        }
    }
}

impl Store {
    /// The user of `tenant` whom `key` names, to be changed.
    ///
    /// # Errors
    /// The store's.
    pub async fn see_user(
        &self,
        tenant: &str,
        key: UserKey<'_>,
    ) -> Result<Option<Seen>, StoreError> {
        let Some(row) = self.user_row(tenant, key).await? else {
            return Ok(None);
        };
        let entry = Entry::read(row.clone())?;
        Ok(entry.map(|entry| Seen { entry, row }))
    }

    /// What stands under a login.
    ///
    /// # Errors
    /// The store's.
    pub async fn seat(&self, login: &Login<'_>) -> Result<Seat, StoreError> {
        Seat::read(self.row_at(login.canon()).await?)
    }

    /// Makes a user on a seat that is not taken. `None`: somebody was faster; look again.
    ///
    /// # Errors
    /// The store's.
    pub async fn create_user(
        &self,
        new: &NewUser<'_>,
        seat: &Seat,
        claim: Option<Claiming<'_>>,
        author: &Author,
    ) -> Result<Option<Entry>, StoreError> {
        let (version, stamps) = seat.left();
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
        let mut puts = vec![self.put_row(row.clone(), seat.condition())?];
        puts.push(self.put_row(id_row(new.tenant, new.id, &login), Condition::None)?);
        if let Some(claim) = claim {
            let write = alone(new.id, version + 1);
            puts.push(self.put_claim(new.tenant, &login, claim, write)?);
        }
        self.put_user(row, puts).await
    }

    /// Changes a user who has been seen. `None`: somebody was faster; look again.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_user(
        &self,
        seen: &Seen,
        edit: UserEdit<'_>,
        author: &Author,
    ) -> Result<Option<Entry>, StoreError> {
        let UserEdit {
            difference,
            login,
            claim,
        } = edit;
        let Seen { entry, row } = seen;
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
            .and(author, renamed.into_iter().chain(changed));
        let mut version = user.version + 1;
        row.insert("changes".to_owned(), changes);
        let unchanged = Condition::Unchanged {
            id: user.id,
            version: user.version,
        };
        let mut puts = Vec::new();
        let mut now_at = canon(&user.login);
        if let Some((login, _)) = login {
            match login_attribute(login.shown(), login.canon()) {
                Some(shown) => row.insert("login".to_owned(), shown),
                None => row.remove("login"),
            };
        }
        if let Some((login, Some(seat))) = login {
            let (left, stamps) = seat.left();
            version = left.max(user.version) + 1;
            row.insert("pk".to_owned(), text(user_key(login.canon())));
            row.insert("version".to_owned(), number(version));
            // Stamps belong to the login, not to the person.
            row.insert("stamps".to_owned(), stamps_attribute(&stamps));
            puts.push(self.put_row(row.clone(), seat.condition())?);
            puts.push(self.put_row(tombstone(seen, author), unchanged)?);
            let id_row = id_row(&user.tenant, user.id, login.canon());
            puts.push(self.put_row(id_row, Condition::None)?);
            now_at = login.canon().into();
        } else {
            row.insert("version".to_owned(), number(version));
            puts.push(self.put_row(row.clone(), unchanged)?);
        }
        if let Some(claim) = claim {
            let write = alone(user.id, version);
            puts.push(self.put_claim(&user.tenant, &now_at, claim, write)?);
        }
        self.put_user(row, puts).await
    }

    fn put_claim(
        &self,
        tenant: &str,
        login: &str,
        claim: Claiming<'_>,
        write: String,
    ) -> Result<Put, StoreError> {
        let Claiming {
            external_id,
            seen,
            runs,
        } = claim;
        let claim = Claim {
            login: login.to_owned(),
            runs: runs.iter().cloned().chain([write]).collect(),
        };
        let condition = seen.map_or(Condition::Absent, |seen| Condition::Claim(seen.clone()));
        self.put_row(claim.row(tenant, external_id), condition)
    }

    fn put_row(&self, row: Attributes, condition: Condition) -> Result<Put, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.directory)
            .set_item(Some(row))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (text, values) = condition.expression();
        let Some(text) = text else {
            return Ok(put.build()?);
        };
        let mut put = put.condition_expression(text);
        for (name, value) in values {
            put = put
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        Ok(put.build()?)
    }

    /// Writes everything or nothing; the user's row comes first.
    async fn put_user(&self, row: Attributes, puts: Vec<Put>) -> Result<Option<Entry>, StoreError> {
        self.directory_writes
            .fetch_add(puts.len() as u64, Ordering::Relaxed);
        let written = match <[Put; 1]>::try_from(puts) {
            Ok([put]) => self.put_one(&row, put).await?,
            Err(puts) => {
                let writes: Vec<_> = puts
                    .into_iter()
                    .map(|put| TransactWriteItem::builder().put(put).build())
                    .collect();
                match self.transact(&writes).await? {
                    Transacted::Done => true,
                    Transacted::Cancelled(reasons) => found(&reasons, 0).as_ref() == Some(&row),
                }
            }
        };
        if written { Entry::read(row) } else { Ok(None) }
    }

    async fn put_one(&self, row: &Attributes, put: Put) -> Result<bool, StoreError> {
        let sent = self
            .client
            .put_item()
            .table_name(put.table_name)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_names(put.expression_attribute_names)
            .set_expression_attribute_values(put.expression_attribute_values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(failed.item() == Some(row))
            }
            _ => Err(StoreError::from_sdk("PutItem", &error)),
        }
    }
}

/// What must be true of the row that is replaced.
enum Condition {
    None,
    Absent,
    Tombstone(u64),
    Unchanged { id: u64, version: u64 },
    Claim(Claim),
}

impl Condition {
    fn expression(self) -> (Option<&'static str>, Vec<(&'static str, AttributeValue)>) {
        match self {
            Self::None => (None, Vec::new()),
            Self::Absent => (Some("attribute_not_exists(pk)"), Vec::new()),
            Self::Tombstone(version) => (
                Some("#version = :version AND attribute_not_exists(id)"),
                vec![("version", number(version))],
            ),
            Self::Unchanged { id, version } => (
                Some("#id = :id AND #version = :version"),
                vec![("id", number(id)), ("version", number(version))],
            ),
            Self::Claim(claim) => (
                Some("#login = :login AND #runs = :runs"),
                claim.attributes().into(),
            ),
        }
    }
}

/// Where a user is to be found by the id (PROTOCOL §7.3).
fn id_row(tenant: &str, id: u64, canon: &str) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), text(id_key(tenant, id))),
        ("login".to_owned(), text(canon)),
    ])
}

/// What stays under the login that a user leaves: neither tenant nor id, so it is in no index.
fn tombstone(seen: &Seen, author: &Author) -> Attributes {
    let entry = &seen.entry;
    let until = expiry(later(author.at, TOMBSTONE_KEPT));
    HashMap::from([
        ("pk".to_owned(), text(user_key(&canon(&entry.user.login)))),
        ("version".to_owned(), number(entry.user.version + 1)),
        ("stamps".to_owned(), stamps_attribute(&entry.stamps)),
        (EXPIRES_AT.to_owned(), number(until)),
    ])
}
