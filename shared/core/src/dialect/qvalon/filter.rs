//! Filters of the user list (contract.md#qvalon): the conditions on users, and the logins or ids
//! that allow a direct lookup. `query` builds them from query parameters.

mod condition;
mod parameters;
mod query;
mod values;

pub use self::condition::{UserFilter, UserLookup};
pub use self::parameters::{PARAMETERS, Parameter, ParameterKind};
pub use self::query::{InvalidParameter, ListUsersQuery, Paging};

#[cfg(test)]
mod tests;
