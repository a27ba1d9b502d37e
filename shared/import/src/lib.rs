//! The steps of a run: acquire the task, check the input, plan every record, write what changes,
//! finish; and of the change of one user ([`Directory`]), which is planned the same way. Dialects and functions call these; what a record means is `muster-core`'s, how rows
//! stand in DynamoDB is `muster-aws`'s.

mod apply;
mod background;
mod claiming;
mod deadline;
mod ending;
mod foresight;
mod keyed;
mod later;
mod managers;
mod pace;
mod planning;
mod processing;
mod sending;
mod settling;
mod single;
mod stamped;
mod stopping;
mod sweeping;
mod sync;
mod threshold;
mod times;
pub mod uploads;
mod work;
mod writing;

pub use self::background::{Runner, upload_key};
pub use self::deadline::Deadline;
pub use self::later::import_later;
pub use self::single::{Directory, Judge, Whom, Written};
pub use self::sweeping::Swept;
pub use self::sync::{IdempotencyKey, Outcome, SyncImport, SyncRequest, import};
pub use self::times::{TIMES, Times};

use muster_aws::holds::Interrupted;
use muster_aws::{Store, StoreError};

/// Ends synchronous runs whose function is gone. To be called every minute.
///
/// # Errors
/// The store's; what was ended by then stays so.
pub async fn sweep_expired(
    store: &Store,
    now: jiff::Timestamp,
    times: Times,
) -> Result<Vec<Interrupted>, StoreError> {
    store.end_expired(now, times.sweep_grace).await
}
