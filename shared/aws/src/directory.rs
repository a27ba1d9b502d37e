//! The directory: users by login, read consistently and written only under conditions.
//! One table row is one user: it carries uniqueness across tenants, ownership and data
//! (so a create is one conditional write). What to write is decided elsewhere.

mod read;
mod row;
mod statement;

pub use self::row::{Author, Outcome, Stamp, Stamps, Stored};
pub use self::statement::{BATCH, Executed, NewUser, Statement};
