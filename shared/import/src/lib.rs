//! The steps of a run: acquire the task, check the input, plan every record, write what changes,
//! finish; and of the change of one user ([`Directory`]), which is planned the same way. Dialects and functions call these; what a record means is `muster-core`'s, how rows
//! stand in DynamoDB is `muster-aws`'s.

mod apply;
mod background;
mod claiming;
mod deadline;
mod ending;
mod foresight;
mod handing;
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

pub use self::background::Runner;
pub use self::deadline::Deadline;
pub use self::later::import_later;
pub use self::single::{Directory, Judge, Whom, Written};
pub use self::sweeping::Swept;
pub use self::sync::{IdempotencyKey, Outcome, SyncImport, SyncRequest, import};
pub use self::times::{TIMES, Times};
