//! What an idempotency key says of a request before there is a run (CONTRACT §1, PROTOCOL §11).

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;
use muster_aws::holds::HoldKind;
use muster_aws::keys::{KeyState, KeyUse, RequestKey};
use muster_aws::runs::NewRun;
use muster_aws::{Store, StoreError};
use muster_core::settings::TaskSettings;

use crate::sync::{IdempotencyKey, SyncImport, SyncRequest, retry_after};

/// The key that the run is to begin under, if the client gave one; or what the key says
/// the answer is.
pub(crate) async fn under_key(
    store: &Store,
    request: &SyncRequest,
    now: Timestamp,
) -> Result<ControlFlow<SyncImport, Option<KeyUse>>, StoreError> {
    let Some(IdempotencyKey { text, path, query }) = request.key.clone() else {
        return Ok(Continue(None));
    };
    let (tenant, task, body) = (
        request.tenant.clone(),
        request.task.id,
        request.body.clone(),
    );
    // A body of megabytes takes a while to hash.
    let hashed = tokio::task::spawn_blocking(move || {
        RequestKey::new(&tenant, task, &path, &query, &text, &body)
    });
    let key = match hashed.await {
        Ok(key) => key,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    let state = store.look_up_key(&key, now).await?;
    Ok(known(state, &request.task, now).map_continue(Some))
}

/// What a key says of a request, unless a run may begin under it.
fn known(state: KeyState, task: &TaskSettings, now: Timestamp) -> ControlFlow<SyncImport, KeyUse> {
    Break(match state {
        KeyState::Free(key) => return Continue(key),
        KeyState::OtherBody => SyncImport::KeyReused,
        KeyState::Running { until } => SyncImport::KeyRunning {
            retry_after: retry_after(task, HoldKind::Sync, Some(until), now),
        },
        KeyState::Answered { run, answer } => SyncImport::Replayed { run, answer },
    })
}

/// What keeps a run from its task: another run, or, if that has come under the same key just
/// before, what the key says now.
pub(crate) async fn kept_out(
    store: &Store,
    task: &TaskSettings,
    run: &NewRun,
    retry_after: u64,
) -> Result<SyncImport, StoreError> {
    let busy = SyncImport::Busy { retry_after };
    let Some(key) = &run.key else {
        return Ok(busy);
    };
    let now = Timestamp::now();
    let state = store.look_up_key(key.key(), now).await?;
    Ok(known(state, task, now).break_value().unwrap_or(busy))
}
