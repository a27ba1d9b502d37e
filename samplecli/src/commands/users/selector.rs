//! The user of a command line: an id or a login.

use clap::Args;

use crate::failure::Failure;
use crate::output::escape::escaped;

/// The hint on how to find a user.
pub const FIND_USER_HINT: &str =
    "`muster users list --text TEXT` finds users by parts of login, name or e-mail";

/// Selects a user.
#[derive(Args)]
pub struct UserSelector {
    /// Id or login of the user
    #[arg(value_name = "USER")]
    pub user: String,
    /// Interpret USER as a login even if it is all digits
    #[arg(long)]
    login: bool,
}

impl UserSelector {
    /// Returns the id, if the user is selected by id.
    pub fn id(&self) -> Option<u64> {
        (!self.login).then(|| self.user.parse().ok()).flatten()
    }
}

/// Returns the failure for an unknown login.
pub fn not_found(login: &str) -> Failure {
    Failure::failed(format!("user {} was not found", escaped(login))).hint(FIND_USER_HINT)
}
