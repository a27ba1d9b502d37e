//! Search for users: directly by what is unique, or else by reading through the tenant's users, a
//! bounded number per request.

use muster_aws::directory::{UserEntry, UserKey, UserPage};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::text::nfc;
use muster_core::value::Value;

/// Users per read.
const USERS_PER_READ: u16 = 500;
/// Maximum reads per request.
const MAX_READS: usize = 4;

/// Attributes that a text is searched in, besides the login.
const SEARCHED_ATTRIBUTES: [Attribute; 6] = [
    Attribute::Name,
    Attribute::FirstName,
    Attribute::LastName,
    Attribute::MiddleName,
    Attribute::Email,
    Attribute::ExternalId,
];

/// Conditions on a user. Absent ones are not checked.
#[derive(Debug, Default)]
pub(super) struct UserFilter {
    pub(super) id: Option<u64>,
    pub(super) login: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) text: Option<String>,
    pub(super) active: Option<bool>,
    pub(super) role: Option<String>,
    /// Only users with a greater id.
    pub(super) after: Option<u64>,
}

/// Finds at most `limit` users of `tenant` that match.
pub(super) async fn search(
    store: &Store,
    tenant: &str,
    filter: &UserFilter,
    limit: u16,
) -> Result<UserPage, StoreError> {
    let login = filter.login.as_deref().map(Login::parse);
    let external_id = filter.external_id.as_deref().map(nfc);
    let key = match (filter.id, &login, &external_id) {
        (Some(id), _, _) => UserKey::Id(id),
        (None, Some(Ok(login)), _) => UserKey::Login(login),
        // No user has an invalid login.
        (None, Some(Err(_)), _) => return Ok(page_of(None)),
        (None, None, Some(id)) => UserKey::ExternalId(id),
        (None, None, None) => return read_through(store, tenant, filter, limit).await,
    };
    let found = store.directory().find(tenant, key).await?;
    let matcher = Matcher::new(filter);
    Ok(page_of(found.filter(|entry| matcher.matches(entry))))
}

fn page_of(found: Option<UserEntry>) -> UserPage {
    UserPage {
        users: found.into_iter().collect(),
        next: None,
    }
}

async fn read_through(
    store: &Store,
    tenant: &str,
    filter: &UserFilter,
    limit: u16,
) -> Result<UserPage, StoreError> {
    if let (None, None, None) = (&filter.text, filter.active, &filter.role) {
        return store.directory().list(tenant, filter.after, limit).await;
    }
    let matcher = Matcher::new(filter);
    let (mut users, mut next) = (Vec::<UserEntry>::new(), filter.after);
    for _ in 0..MAX_READS {
        let read = store.directory().list(tenant, next, USERS_PER_READ).await?;
        next = read.next;
        for entry in read
            .users
            .into_iter()
            .filter(|entry| matcher.matches(entry))
        {
            if users.len() == usize::from(limit) {
                let next = users.last().map(|last| last.user.id);
                return Ok(UserPage { users, next });
            }
            users.push(entry);
        }
        if next.is_none() {
            break;
        }
    }
    Ok(UserPage { users, next })
}

/// A filter, prepared for comparison with many users.
struct Matcher<'f> {
    filter: &'f UserFilter,
    canonical_login: Option<String>,
    canonical_text: Option<String>,
}

impl<'f> Matcher<'f> {
    fn new(filter: &'f UserFilter) -> Self {
        let canonical =
            |text: &Option<String>| text.as_deref().map(|text| canon(text).into_owned());
        Self {
            filter,
            canonical_login: canonical(&filter.login),
            canonical_text: canonical(&filter.text),
        }
    }

    fn matches(&self, entry: &UserEntry) -> bool {
        let UserFilter {
            id,
            login: _,
            external_id,
            text: _,
            active,
            role,
            after,
        } = self.filter;
        let user = &entry.user;
        let (login, text) = (&self.canonical_login, &self.canonical_text);
        id.is_none_or(|id| user.id == id)
            && after.is_none_or(|after| user.id > after)
            && active.is_none_or(|active| entry.is_active() == active)
            && equals(role.as_deref(), text_of(entry, Attribute::Role))
            && equals(
                external_id.as_deref(),
                text_of(entry, Attribute::ExternalId),
            )
            && (login.as_deref()).is_none_or(|login| canon(&user.login) == login)
            && (text.as_deref()).is_none_or(|text| contains(entry, text))
    }
}

/// Returns true if there is no condition or the value meets it. Both are compared in NFC.
fn equals(condition: Option<&str>, value: Option<&str>) -> bool {
    condition.is_none_or(|expected| value.map(nfc) == Some(nfc(expected)))
}

/// Returns true if the login or a searched attribute contains a text, compared as logins are.
fn contains(entry: &UserEntry, canonical_text: &str) -> bool {
    let values = SEARCHED_ATTRIBUTES
        .iter()
        .filter_map(|attribute| text_of(entry, *attribute));
    std::iter::once(entry.user.login.as_str())
        .chain(values)
        .any(|value| canon(value).contains(canonical_text))
}

fn text_of(entry: &UserEntry, attribute: Attribute) -> Option<&str> {
    match entry.user.values.get(&attribute) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
