//! The directory: users by login, read consistently and written only under conditions. Each user is
//! one row, which carries uniqueness across tenants, ownership and data, so a create is one
//! conditional write. Claims reserve the external ids. The callers decide what to write.

mod attributes;
mod author;
mod claims;
mod edit;
mod entry;
mod execute;
mod handle;
mod history;
mod list;
mod puts;
mod read;
mod row;
mod single;
mod stamps;
mod statement;
mod take;
mod users;
mod walk;

pub use self::author::{Author, Writer};
pub use self::claims::Claim;
pub use self::edit::{ClaimWrite, LoginSlot, Tombstone, UserEdit, UserSnapshot};
pub use self::entry::{UserEntry, UserKey};
pub use self::execute::{Executed, MAX_STATEMENTS};
pub use self::handle::Directory;
pub use self::history::{ChangeHistory, RecordedChange};
pub use self::list::UserPage;
pub use self::row::LoginRow;
pub use self::stamps::{Outcome, Stamp, Stamps};
pub use self::statement::Statement;
pub use self::take::Taker;
pub use self::users::{NewUser, UserVersion};
pub use self::walk::{UserCount, UserWalk};
