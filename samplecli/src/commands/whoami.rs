//! `muster whoami`: who is signed in where.

use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;

use crate::admin::{AdminArgs, Place};
use crate::failure::{Exit, Failure};
use crate::view::{Cell, Sheet, line};

/// Show which operator is signed in, with tenant, role and the end of the session
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 an operator is signed in, 1 failure, 4 no operator is, or the session has ended.

Examples:
  muster whoami
  muster whoami --output json | jq -r .role")]
pub struct Whoami {
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Deserialize)]
struct Session {
    name: String,
    tenant: String,
    role: String,
    expires_at: Timestamp,
}

impl Sheet for Session {
    fn lines(self) -> Vec<(String, Cell)> {
        vec![
            line("Operator", Cell::Text(self.name)),
            line("Tenant", Cell::Text(self.tenant)),
            line("Role", Cell::Text(self.role)),
            line("Session ends", Cell::Time(self.expires_at)),
        ]
    }
}

impl Whoami {
    /// Asks the server, for only that knows whether the session still stands.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        admin.show::<Session>(&admin.get(&Place::session())?)
    }
}
