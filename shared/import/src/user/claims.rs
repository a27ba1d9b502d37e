//! Claims on external ids by single writes (protocol.md#claims).

use muster_aws::StoreError;
use muster_aws::backoff::Backoff;
use muster_aws::directory::Claim;
use muster_aws::directory::ClaimWrite;

use super::directory::{Directory, RETRY_POLICY};
use crate::records::claims::is_over;
use crate::records::directory::{has_external_id, user};

/// Maximum reads of a claim that a run holds for a user who does not have the id yet.
const MAX_CLAIM_READS: usize = 4;

/// The state of the claim on an external id.
pub(super) enum ClaimLookup {
    /// The claim is available.
    Available(AvailableClaim),
    /// The user with this `id` has the external id.
    HeldBy(u64),
    /// A run is about to give the external id to another user.
    Promised,
}

/// A claim that can be made or taken over.
pub(super) struct AvailableClaim {
    external_id: String,
    seen: Option<Claim>,
    /// Runs that still rely on the claim.
    runs: Vec<String>,
}

impl AvailableClaim {
    pub(super) fn claiming(&self) -> ClaimWrite<'_> {
        ClaimWrite {
            external_id: &self.external_id,
            seen: self.seen.as_ref(),
            runs: &self.runs,
        }
    }
}

impl Directory<'_> {
    /// Looks up the claim on an external id for the user at `login`.
    pub(super) async fn look_up_claim(
        &self,
        id: &str,
        login: &str,
    ) -> Result<ClaimLookup, StoreError> {
        let mut pauses = Backoff::new(RETRY_POLICY);
        for _ in 0..MAX_CLAIM_READS {
            let seen = self
                .store
                .directory()
                .claims(self.tenant, [id])
                .await?
                .remove(id);
            let available = |seen: Option<Claim>, runs: Vec<String>| {
                let external_id = id.to_owned();
                Ok(ClaimLookup::Available(AvailableClaim {
                    external_id,
                    seen,
                    runs,
                }))
            };
            let Some(claim) = seen else {
                return available(None, Vec::new());
            };
            // The runs before the user: a run that is over gives its user no id any more.
            let live = self.live_runs(&claim.runs).await?;
            if claim.login == login {
                // Its runs may still rely on it.
                return available(Some(claim), live);
            }
            let claimant = self.store.directory().users([claim.login.as_str()]).await?;
            let claimant = claimant.get(&claim.login);
            let holder = claimant.filter(|stored| has_external_id(Some(stored), self.tenant, id));
            if let Some(holder) = user(holder) {
                return Ok(ClaimLookup::HeldBy(holder.id));
            }
            if live.is_empty() {
                return available(Some(claim), Vec::new());
            }
            if !pauses.before_next().await {
                break;
            }
        }
        Ok(ClaimLookup::Promised)
    }

    /// Returns the runs that are not over.
    async fn live_runs(&self, runs: &[String]) -> Result<Vec<String>, StoreError> {
        let mut live = Vec::new();
        for run in runs {
            if !is_over(self.store, self.author.at, run).await? {
                live.push(run.clone());
            }
        }
        Ok(live)
    }
}
