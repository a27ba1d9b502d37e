//! The directory: users by login, read consistently and written only under conditions.
//! One table row is one user: it carries uniqueness across tenants, ownership and data
//! (so a create is one conditional write). What to write is decided elsewhere.

mod author;
mod changes;
mod entry;
mod execute;
mod list;
mod read;
mod row;
mod single;
mod stamps;
mod statement;
mod walk;

pub use self::author::{Author, Writer};
pub use self::changes::{Change, Changes};
pub use self::entry::{Entry, UserKey};
pub(crate) use self::execute::Way;
pub use self::execute::{BATCH, Executed};
pub use self::list::UserPage;
pub use self::row::Stored;
pub use self::single::{Claiming, Seat, Seen, Tombstone, UserEdit};
pub use self::stamps::{Outcome, Stamp, Stamps};
pub use self::statement::{NewUser, SeenUser, Statement};
pub use self::walk::{Counted, Walk};
