//! How the users of a list are found, and which of them are answered: users who are named are
//! looked up, a part of all is read where the index says that it is, and for any other filter the
//! tenant is walked through, a bounded piece in memory at a time. What is answered is complete, or
//! refused with what to ask instead.

use std::ops::ControlFlow;
use std::time::Duration;

use muster_aws::directory::{Counted, UserPage};
use muster_aws::{Store, StoreError};
use muster_core::dialect::qvalon::filter::{Named, Paging, Query};
use muster_core::limits;
use muster_core::plan::User;
use muster_web::http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::refused;
use crate::failure::Failure;

/// After this no read is waited for any more: a gateway's patience ends after 29 s.
const PATIENCE: Duration = Duration::from_secs(24);
/// Users of a list that is not asked for in parts.
const MOST: u64 = 10_000;

/// What is found.
#[derive(Debug)]
pub(super) struct Found {
    /// The users, as a JSON array.
    pub(super) json: Vec<u8>,
    /// How many match, if the page has a number; else how many of them have been met.
    pub(super) total: u64,
}

/// Finds what `query` asks for among the users of `tenant`.
pub(super) async fn search(store: &Store, tenant: &str, query: &Query) -> Result<Found, Failure> {
    let mut search = Search {
        store,
        tenant,
        query,
        until: Instant::now() + PATIENCE,
        met: 0,
        answer: Answer::default(),
    };
    match (query.filter.named(), query.paging) {
        (Some(named), _) => search.look_up(named).await?,
        (None, _) if !query.filter.is_empty() => search.walk().await?,
        (None, Paging::All) => {
            // To count them takes a small part of what it takes to read them.
            if search.count(MOST).await?.total > MOST {
                return Err(too_many());
            }
            search.walk().await?;
        }
        (None, Paging::After { after, size }) => search.read(after, size).await?,
        (None, Paging::Page { page, size }) => {
            let passed = page.saturating_mul(size.into());
            let Counted { total, behind } = search.count(passed).await?;
            if let Some(behind) = behind.filter(|_| passed < total) {
                search.met = passed;
                search.read(behind, size).await?;
            }
            search.met = total;
        }
    }
    Ok(Found {
        json: search.answer.end(),
        total: search.met,
    })
}

struct Search<'q> {
    store: &'q Store,
    tenant: &'q str,
    query: &'q Query,
    until: Instant,
    /// Users so far who match.
    met: u64,
    answer: Answer,
}

impl Search<'_> {
    /// Reads the users who are named.
    async fn look_up(&mut self, named: Named<'_>) -> Result<(), Failure> {
        let users = self.wait(read_named(self.store, self.tenant, named));
        let mut users = users.await?.ok_or_else(|| {
            let field = match named {
                Named::Logins(_) => "login",
                Named::Ids(_) => "ids",
            };
            refused(
                field,
                "names so many users that it takes too long: ask for fewer at a time",
            )
        })?;
        users.sort_unstable_by_key(|user| user.id);
        for user in &users {
            if self.meet(user)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a part of all users and nobody else.
    async fn read(&mut self, after: u64, size: u16) -> Result<(), Failure> {
        let (mut after, mut left) = (Some(after), size);
        // The index may name fewer users than it has entries.
        while let Some(from) = after.filter(|_| left > 0) {
            let page = self.store.list_users(self.tenant, Some(from), left);
            let page = self.wait(page).await?;
            let UserPage { users, next } = page.ok_or_else(|| self.late(Some(from)))?;
            for entry in users {
                if self.meet(&entry.user)?.is_break() {
                    return Ok(());
                }
                left = left.saturating_sub(1);
            }
            after = next;
        }
        Ok(())
    }

    /// Looks at all users, as far as those who match are wanted.
    async fn walk(&mut self) -> Result<(), Failure> {
        let after = match self.query.paging {
            Paging::All | Paging::Page { .. } => 0,
            Paging::After { after, size: _ } => after,
        };
        let mut walk = self.store.walk_users(self.tenant, after);
        let mut reached = None;
        loop {
            let piece = self.wait(walk.next()).await?;
            let Some(UserPage { users, next }) = piece.ok_or_else(|| self.late(reached))? else {
                return Ok(());
            };
            for entry in users {
                if self.meet(&entry.user)?.is_break() {
                    return Ok(());
                }
            }
            reached = next;
        }
    }

    async fn count(&self, passed: u64) -> Result<Counted, Failure> {
        let counted = self.wait(self.store.count_users(self.tenant, passed));
        counted.await?.ok_or_else(|| self.late(None))
    }

    /// Answers a user, or counts it, if it matches; tells when no more are wanted.
    fn meet(&mut self, user: &User) -> Result<ControlFlow<()>, Failure> {
        let Query {
            filter,
            paging,
            fields,
        } = self.query;
        let passed = matches!(paging, Paging::After { after, .. } if user.id <= *after);
        if passed || !filter.matches(user) {
            return Ok(ControlFlow::Continue(()));
        }
        let place = self.met;
        self.met += 1;
        match *paging {
            Paging::All if place >= MOST => return Err(too_many()),
            Paging::Page { page, size } if place / u64::from(size) != page => {}
            Paging::All | Paging::Page { .. } => self.answer.add(user, fields)?,
            Paging::After { after: _, size } => {
                self.answer.add(user, fields)?;
                if self.met == u64::from(size) {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Waits for the store while there is time; `None`: there is none left.
    async fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Option<T>, Failure> {
        match timeout_at(self.until, work).await {
            Ok(done) => Ok(Some(done?)),
            Err(_) => Ok(None),
        }
    }

    /// There is no time to look at users behind `reached`: what to ask instead.
    fn late(&self, reached: Option<u64>) -> Failure {
        late(self.query.paging, self.met, reached)
    }
}

async fn read_named(
    store: &Store,
    tenant: &str,
    named: Named<'_>,
) -> Result<Vec<User>, StoreError> {
    match named {
        Named::Logins(logins) => {
            let found = store.users(logins.iter().map(String::as_str)).await?;
            let users = found.into_values().filter_map(|stored| stored.user);
            Ok(users.filter(|user| user.tenant == tenant).collect())
        }
        Named::Ids(ids) => {
            // Nobody has a greater one.
            let last = limits::INTEGER.unsigned_abs();
            let ids = ids.iter().copied().filter(|id| *id < last);
            let found = store.users_by_id(tenant, ids).await?;
            Ok(found.into_values().collect())
        }
    }
}

fn too_many() -> Failure {
    refused(
        "page",
        "more than 10,000 users match: ask for them in parts, with page and size, or with after \
         and size",
    )
}

fn late(paging: Paging, met: u64, reached: Option<u64>) -> Failure {
    match (paging, met, reached) {
        (Paging::All | Paging::Page { .. }, ..) => refused(
            "page",
            "looking at all users takes too long for one request: walk through them with after \
             and size, or name users with ids or login",
        ),
        (Paging::After { .. }, 0, Some(reached)) => refused(
            "after",
            &format!(
                "no user up to the id {reached} matches, and looking further takes too long for \
                 one request: go on with after={reached}"
            ),
        ),
        (Paging::After { .. }, 0, None) => {
            tracing::error!("no user was read in time");
            let message = "the service is slow: try again in a minute";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
        (Paging::After { .. }, met, _) => refused(
            "size",
            &format!(
                "there was time to find {met} users only: ask for at most {} with size",
                met.div_ceil(2)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn who_runs_out_of_time_is_told_what_to_ask_instead() {
        let after = Paging::After { after: 0, size: 9 };
        let page = Paging::Page { page: 3, size: 9 };
        for (paging, met, reached, parts) in [
            (Paging::All, 5, Some(7), ["page: ", "after and size"]),
            (page, 0, None, ["page: ", "ids or login"]),
            (after, 0, Some(4_711), ["after: ", "after=4711"]),
            (after, 5, Some(4_711), ["size: ", "at most 3 with size"]),
            (after, 1, None, ["size: ", "at most 1 with size"]),
        ] {
            let failure = late(paging, met, reached);
            let Failure::Refused(problem, StatusCode::BAD_REQUEST) = failure else {
                panic!("{failure:?}");
            };
            let said = format!("{problem:?}");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
        let slow = late(after, 0, None).into_response();
        assert_eq!(slow.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
