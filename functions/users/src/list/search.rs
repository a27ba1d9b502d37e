//! Search for the users of a list. Users that the filter names are looked up, pages of all users
//! are read through the index, and for any other filter all users of the tenant are read, a bounded
//! number in memory at a time. A response is complete; if that would take too long or be too large,
//! the error says what to request instead.

use std::ops::ControlFlow;
use std::time::Duration;

use muster_aws::directory::{UserCount, UserPage};
use muster_aws::{Store, StoreError};
use muster_core::dialect::qvalon::filter::{ListUsersQuery, Paging, UserLookup};
use muster_core::limits;
use muster_core::plan::User;
use muster_web::http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::array::UserArray;
use super::invalid::bad_parameter;
use crate::error::UsersError;

/// Maximum duration of a search: the gateway's timeout is 29 s.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(24);
/// Maximum users of a list without pages.
const MAX_UNPAGED_USERS: u64 = 10_000;

/// The users of a list.
#[derive(Debug)]
pub(super) struct UserList {
    /// The users, as a JSON array.
    pub(super) json: Vec<u8>,
    /// All matches if the page is numbered, otherwise only the users found.
    pub(super) total: u64,
}

/// Finds the users of `tenant` that match `query`.
pub(super) async fn search(
    store: &Store,
    tenant: &str,
    query: &ListUsersQuery,
) -> Result<UserList, UsersError> {
    let mut search = Search {
        store,
        tenant,
        query,
        deadline: Instant::now() + SEARCH_TIMEOUT,
        found: 0,
        array: UserArray::default(),
    };
    match (query.filter.lookup(), query.paging) {
        (Some(named), _) => search.look_up(named).await?,
        (None, _) if !query.filter.is_empty() => search.walk().await?,
        (None, Paging::All) => {
            // Counting users is much cheaper than reading them.
            if search.count(MAX_UNPAGED_USERS).await?.total > MAX_UNPAGED_USERS {
                return Err(too_many());
            }
            search.walk().await?;
        }
        (None, Paging::After { after, size }) => search.read(after, size).await?,
        (None, Paging::Page { page, size }) => {
            let skipped = page.saturating_mul(size.into());
            let UserCount { total, cursor } = search.count(skipped).await?;
            if let Some(after) = cursor.filter(|_| skipped < total) {
                search.found = skipped;
                search.read(after, size).await?;
            }
            search.found = total;
        }
    }
    Ok(UserList {
        json: search.array.finish(),
        total: search.found,
    })
}

struct Search<'q> {
    store: &'q Store,
    tenant: &'q str,
    query: &'q ListUsersQuery,
    deadline: Instant,
    /// Number of users found so far.
    found: u64,
    array: UserArray,
}

impl Search<'_> {
    /// Reads the users that the filter names.
    async fn look_up(&mut self, named: UserLookup<'_>) -> Result<(), UsersError> {
        let users = self.wait(read_named(self.store, self.tenant, named));
        let mut users = users.await?.ok_or_else(|| {
            let field = match named {
                UserLookup::Logins(_) => "login",
                UserLookup::Ids(_) => "ids",
            };
            bad_parameter(
                field,
                "there was not enough time to read all these users: request fewer at a time",
            )
        })?;
        users.sort_unstable_by_key(|user| user.id);
        for user in &users {
            if self.add(user)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a page of all users, and no others.
    async fn read(&mut self, after: u64, size: u16) -> Result<(), UsersError> {
        let (mut after, mut left) = (Some(after), size);
        // The index may have entries without users.
        while let Some(from) = after.filter(|_| left > 0) {
            let page = self.store.directory().list(self.tenant, Some(from), left);
            let page = self.wait(page).await?;
            let UserPage { users, next } = page.ok_or_else(|| self.timed_out(Some(from)))?;
            for entry in users {
                if self.add(&entry.user)?.is_break() {
                    return Ok(());
                }
                left = left.saturating_sub(1);
            }
            after = next;
        }
        Ok(())
    }

    /// Reads all users until the page is full.
    async fn walk(&mut self) -> Result<(), UsersError> {
        let after = match self.query.paging {
            Paging::All | Paging::Page { .. } => 0,
            Paging::After { after, size: _ } => after,
        };
        let mut walk = self.store.directory().walk(self.tenant, after);
        let mut reached = None;
        loop {
            let piece = self.wait(walk.next()).await?;
            let Some(UserPage { users, next }) = piece.ok_or_else(|| self.timed_out(reached))?
            else {
                return Ok(());
            };
            for entry in users {
                if self.add(&entry.user)?.is_break() {
                    return Ok(());
                }
            }
            reached = next;
        }
    }

    /// Counts the users, and finds the cursor after `skipped` users.
    async fn count(&self, skipped: u64) -> Result<UserCount, UsersError> {
        let counted = self.wait(self.store.directory().count(self.tenant, skipped));
        counted.await?.ok_or_else(|| self.timed_out(None))
    }

    /// Adds a user to the response if it matches and belongs to the page. Breaks when the page is
    /// full.
    fn add(&mut self, user: &User) -> Result<ControlFlow<()>, UsersError> {
        let ListUsersQuery {
            filter,
            paging,
            fields,
        } = self.query;
        let skipped = matches!(paging, Paging::After { after, .. } if user.id <= *after);
        if skipped || !filter.matches(user) {
            return Ok(ControlFlow::Continue(()));
        }
        let index = self.found;
        self.found += 1;
        match *paging {
            Paging::All if index >= MAX_UNPAGED_USERS => return Err(too_many()),
            Paging::Page { page, size } if index / u64::from(size) != page => {}
            Paging::All | Paging::Page { .. } => self.array.add(user, fields)?,
            Paging::After { after: _, size } => {
                self.array.add(user, fields)?;
                if self.found == u64::from(size) {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Waits for the store until the deadline. Returns `None` if it has passed.
    async fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Option<T>, UsersError> {
        match timeout_at(self.deadline, work).await {
            Ok(done) => Ok(Some(done?)),
            Err(_) => Ok(None),
        }
    }

    /// Returns the error for a search that ran out of time after the id `reached`.
    fn timed_out(&self, reached: Option<u64>) -> UsersError {
        timed_out(self.query.paging, self.found, reached)
    }
}

async fn read_named(
    store: &Store,
    tenant: &str,
    named: UserLookup<'_>,
) -> Result<Vec<User>, StoreError> {
    match named {
        UserLookup::Logins(logins) => {
            let found = store
                .directory()
                .users(logins.iter().map(String::as_str))
                .await?;
            let users = found.into_values().filter_map(|stored| stored.user);
            Ok(users.filter(|user| user.tenant == tenant).collect())
        }
        UserLookup::Ids(ids) => {
            // Ids are smaller than this.
            let limit = limits::INTEGER_LIMIT.unsigned_abs();
            let ids = ids.iter().copied().filter(|id| *id < limit);
            let found = store.directory().users_by_id(tenant, ids).await?;
            Ok(found.into_values().collect())
        }
    }
}

fn too_many() -> UsersError {
    bad_parameter(
        "page",
        "more than 10,000 users match: request them in pages, with page and size or with after and \
         size",
    )
}

/// Returns the error for a search that ran out of time. It says what to request instead.
fn timed_out(paging: Paging, found: u64, reached: Option<u64>) -> UsersError {
    match (paging, found, reached) {
        (Paging::All | Paging::Page { .. }, ..) => bad_parameter(
            "page",
            "there was not enough time to read all users: read them in pages with after and size, or \
             name users with ids or login",
        ),
        (Paging::After { .. }, 0, Some(reached)) => bad_parameter(
            "after",
            &format!(
                "no user up to the id {reached} matches, and there was not enough time to read \
                 further: continue with after={reached}"
            ),
        ),
        (Paging::After { .. }, 0, None) => {
            tracing::error!("request timed out before a user was read");
            let message = "the service is slow: try again in a minute";
            UsersError::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
        (Paging::After { .. }, found, _) => bad_parameter(
            "size",
            &format!(
                "there was only enough time to find {found} users: request at most {} with size",
                found.div_ceil(2)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn a_search_that_runs_out_of_time_says_what_to_request_instead() {
        let after = Paging::After { after: 0, size: 9 };
        let page = Paging::Page { page: 3, size: 9 };
        for (paging, found, reached, parts) in [
            (Paging::All, 5, Some(7), ["page: ", "after and size"]),
            (page, 0, None, ["page: ", "ids or login"]),
            (after, 0, Some(4_711), ["after: ", "after=4711"]),
            (after, 5, Some(4_711), ["size: ", "at most 3 with size"]),
            (after, 1, None, ["size: ", "at most 1 with size"]),
        ] {
            let error = timed_out(paging, found, reached);
            let UsersError::Refused(error, StatusCode::BAD_REQUEST) = error else {
                panic!("{error:?}");
            };
            let text = format!("{error:?}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
        let slow = timed_out(after, 0, None).into_response();
        assert_eq!(slow.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
