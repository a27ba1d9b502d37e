//! How one who writes a single user comes by the claim on an external id (PROTOCOL §7.2).

use muster_aws::StoreError;
use muster_aws::claims::Claim;
use muster_aws::directory::Claiming;
use muster_aws::pauses::Pauses;

use super::{Directory, PATIENCE};
use crate::claiming::is_over;
use crate::planning::{has_external_id, user};

/// How often a claim is looked at that a run holds for a user who is not there yet.
const LOOKS: usize = 4;

/// What there is about an external id.
pub(super) enum Sought {
    /// The claim can be had.
    Free(Held),
    /// The user who has this `id` has it.
    Held(u64),
    /// A run is about to give the id to another user, or was until a moment ago.
    Promised,
}

/// A claim that can be had.
pub(super) struct Held {
    id: String,
    seen: Option<Claim>,
    runs: Vec<String>,
}

impl Held {
    pub(super) fn claiming(&self) -> Claiming<'_> {
        Claiming {
            external_id: &self.id,
            seen: self.seen.as_ref(),
            runs: &self.runs,
        }
    }
}

impl Directory<'_> {
    /// How the claim on an external id is to be had for the user at `login`.
    pub(super) async fn claim(&self, id: &str, login: &str) -> Result<Sought, StoreError> {
        let mut pauses = Pauses::new(PATIENCE);
        for _ in 0..LOOKS {
            let seen = self.store.claims(self.tenant, [id]).await?.remove(id);
            let free = |seen: Option<Claim>, runs: Vec<String>| {
                let id = id.to_owned();
                Ok(Sought::Free(Held { id, seen, runs }))
            };
            let Some(claim) = seen else {
                return free(None, Vec::new());
            };
            if claim.login == login {
                // The runs may still count on it.
                let live = self.live(&claim.runs).await?;
                return free(Some(claim), live);
            }
            let claimant = self.store.users([claim.login.as_str()]).await?;
            let claimant = claimant.get(&claim.login);
            let holder = claimant.filter(|stored| has_external_id(Some(stored), self.tenant, id));
            if let Some(holder) = user(holder) {
                return Ok(Sought::Held(holder.id));
            }
            if self.live(&claim.runs).await?.is_empty() {
                return free(Some(claim), Vec::new());
            }
            if !pauses.before_next().await {
                break;
            }
        }
        Ok(Sought::Promised)
    }

    /// The runs that are not over for long enough.
    async fn live(&self, runs: &[String]) -> Result<Vec<String>, StoreError> {
        let mut live = Vec::new();
        for run in runs {
            if !is_over(self.store, self.author.at, run).await? {
                live.push(run.clone());
            }
        }
        Ok(live)
    }
}
