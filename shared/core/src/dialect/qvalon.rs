//! QVALON's user resource on the wire (CONTRACT §3): the user object, to the byte and in its order,
//! what can be asked for beside it, and the bodies that make and change users.

pub mod filter;
mod read;
mod schema;
mod user;

pub use self::read::{create, judge, update};
pub use self::schema::{NewUser, UserChanges};
pub use self::user::{Fields, UserObject};

use crate::attribute::Attribute;

/// The path of all users.
pub const USERS_PATH: &str = "/v1/orgstruct/users";
/// The path of one user.
pub const USER_PATH: &str = "/v1/orgstruct/users/{id}";

/// The languages that can be named.
const LANGUAGES: &[&str] = &["ru_RU", "en_EN"];

/// The key of an attribute; its name in the catalogue, where the dialect has none.
#[must_use]
pub fn key(attribute: Attribute) -> &'static str {
    let spec = attribute.spec();
    spec.qvalon.unwrap_or(spec.name)
}
