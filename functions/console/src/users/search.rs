//! Which users a list is about, and how they are found: at once by what is unique, else by walking
//! through the tenant, a bounded piece in each request.

use muster_aws::directory::{Entry, UserKey, UserPage};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::login::{Login, canon};
use muster_core::value::Value;

/// Users that are read at once.
const PIECE: u16 = 500;
/// Pieces that one request looks at.
const PIECES: usize = 4;

/// Where a text is looked for, besides in the login.
const SEARCHED: [Attribute; 6] = [
    Attribute::Name,
    Attribute::FirstName,
    Attribute::LastName,
    Attribute::MiddleName,
    Attribute::Email,
    Attribute::ExternalId,
];

/// What is to be true of a user; what is absent is of no matter.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) id: Option<u64>,
    pub(super) login: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) text: Option<String>,
    pub(super) active: Option<bool>,
    pub(super) role: Option<String>,
    /// Behind which id.
    pub(super) after: Option<u64>,
}

/// At most `limit` users of `tenant` who are wanted.
pub(super) async fn search(
    store: &Store,
    tenant: &str,
    wanted: &Wanted,
    limit: u16,
) -> Result<UserPage, StoreError> {
    let login = wanted.login.as_deref().map(Login::parse);
    let key = match (wanted.id, &login, &wanted.external_id) {
        (Some(id), _, _) => UserKey::Id(id),
        (None, Some(Ok(login)), _) => UserKey::Login(login),
        // What cannot be a login is nobody's.
        (None, Some(Err(_)), _) => return Ok(page_of(None)),
        (None, None, Some(id)) => UserKey::ExternalId(id),
        (None, None, None) => return walk(store, tenant, wanted, limit).await,
    };
    let found = store.find_user(tenant, key).await?;
    let test = Test::new(wanted);
    Ok(page_of(found.filter(|entry| test.fits(entry))))
}

fn page_of(found: Option<Entry>) -> UserPage {
    UserPage {
        users: found.into_iter().collect(),
        next: None,
    }
}

async fn walk(
    store: &Store,
    tenant: &str,
    wanted: &Wanted,
    limit: u16,
) -> Result<UserPage, StoreError> {
    if let (None, None, None) = (&wanted.text, wanted.active, &wanted.role) {
        return store.list_users(tenant, wanted.after, limit).await;
    }
    let test = Test::new(wanted);
    let (mut users, mut next) = (Vec::<Entry>::new(), wanted.after);
    for _ in 0..PIECES {
        let piece = store.list_users(tenant, next, PIECE).await?;
        next = piece.next;
        for entry in piece.users.into_iter().filter(|entry| test.fits(entry)) {
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

/// What is wanted, ready to be compared with many users.
struct Test<'w> {
    wanted: &'w Wanted,
    login: Option<String>,
    text: Option<String>,
}

impl<'w> Test<'w> {
    fn new(wanted: &'w Wanted) -> Self {
        let folded = |text: &Option<String>| text.as_deref().map(|text| canon(text).into_owned());
        Self {
            wanted,
            login: folded(&wanted.login),
            text: folded(&wanted.text),
        }
    }

    fn fits(&self, entry: &Entry) -> bool {
        let Wanted {
            id,
            login: _,
            external_id,
            text: _,
            active,
            role,
            after,
        } = self.wanted;
        let user = &entry.user;
        id.is_none_or(|id| user.id == id)
            && after.is_none_or(|after| user.id > after)
            && active.is_none_or(|active| entry.is_active() == active)
            && is(role, text_of(entry, Attribute::Role))
            && is(external_id, text_of(entry, Attribute::ExternalId))
            && (self.login.as_deref()).is_none_or(|login| canon(&user.login) == login)
            && (self.text.as_deref()).is_none_or(|text| holds(entry, text))
    }
}

/// Whether a value is the one that is wanted, if one is.
fn is(wanted: &Option<String>, value: Option<&str>) -> bool {
    wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
}

/// Whether a text, folded as logins are, is part of what tells people apart.
fn holds(entry: &Entry, text: &str) -> bool {
    let values = SEARCHED.iter().filter_map(|one| text_of(entry, *one));
    std::iter::once(entry.user.login.as_str())
        .chain(values)
        .any(|value| canon(value).contains(text))
}

fn text_of(entry: &Entry, attribute: Attribute) -> Option<&str> {
    match entry.user.values.get(&attribute) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
