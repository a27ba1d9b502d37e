//! The check of an idempotency key before there is a run (contract.md#idempotency-keys,
//! protocol.md#idempotency).

use jiff::Timestamp;
use muster_aws::runs::NewRun;
use muster_aws::runs::idempotency::{KeyState, KeyUse, RequestKey};
use muster_aws::runs::task_lock::LockKind;
use muster_aws::{Store, StoreError};
use muster_core::settings::TaskSettings;

use super::outcome::{IdempotencyKey, ImportRequest, ImportResult};
use crate::blocking;
use crate::run::task::retry_after;

/// The result of a key check.
pub(crate) enum KeyCheck {
    /// A run may begin, under this key if the client sent one.
    Proceed(Option<KeyUse>),
    /// The key determines the response.
    Answered(ImportResult),
}

/// Looks up the key of a request, if it has one.
///
/// # Errors
/// Returns an error if the store request fails.
pub(crate) async fn check_key(
    store: &Store,
    request: &ImportRequest,
    now: Timestamp,
) -> Result<KeyCheck, StoreError> {
    let Some(IdempotencyKey { text, path, query }) = request.key.clone() else {
        return Ok(KeyCheck::Proceed(None));
    };
    let (tenant, task, body) = (
        request.tenant.clone(),
        request.task.id,
        request.body.clone(),
    );
    // Hashing a body of megabytes takes a while.
    let key =
        blocking::run(move || RequestKey::new(&tenant, task, &path, &query, &text, &body)).await;
    let state = store.idempotency().look_up(&key, now).await?;
    Ok(check_state(state, &request.task, now))
}

fn check_state(state: KeyState, task: &TaskSettings, now: Timestamp) -> KeyCheck {
    KeyCheck::Answered(match state {
        KeyState::Free(key) => return KeyCheck::Proceed(Some(key)),
        KeyState::OtherBody => ImportResult::KeyReused,
        KeyState::Running { until } => ImportResult::KeyRunning {
            retry_after: retry_after(task, LockKind::Sync, Some(until), now),
        },
        KeyState::Answered { run, answer } => ImportResult::Replayed {
            run,
            response: answer,
        },
    })
}

/// Returns the response to a request whose task is locked: `Busy`, unless the lock is that of a
/// concurrent request under the same key. Then the key's current state determines the response.
///
/// # Errors
/// Returns an error if the store request fails.
pub(crate) async fn refusal_under_key(
    store: &Store,
    task: &TaskSettings,
    run: &NewRun,
    retry_after: u64,
) -> Result<ImportResult, StoreError> {
    let busy = ImportResult::Busy { retry_after };
    let Some(key) = &run.key else {
        return Ok(busy);
    };
    let now = Timestamp::now();
    let state = store.idempotency().look_up(key.key(), now).await?;
    Ok(match check_state(state, task, now) {
        KeyCheck::Proceed(_) => busy,
        KeyCheck::Answered(response) => response,
    })
}
