//! `muster whoami`: the operator who is signed in.

use clap::Args;
use muster_api::SessionResponse;

use crate::commands::admin::AdminArgs;
use crate::failure::{Exit, Failure};
use crate::http::admin_resource::AdminResource;
use crate::output::cell::{Cell, DetailView, field};

/// Show the operator who is signed in, with tenant, role and the end of the session
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 signed in, 1 failure, 4 not signed in, or the session has ended.

Examples:
  muster whoami
  muster whoami --output json | jq -r .role")]
pub struct Whoami {
    #[command(flatten)]
    admin: AdminArgs,
}

impl DetailView for SessionResponse {
    fn fields(self) -> Vec<(String, Cell)> {
        vec![
            field("Operator", self.operator.name),
            field("Tenant", self.operator.tenant),
            field("Role", Cell::text(self.operator.role.as_str())),
            field("Session ends", self.expires_at),
        ]
    }
}

impl Whoami {
    /// Requests the session: only the server knows whether it is still valid.
    pub fn run(self) -> Result<Exit, Failure> {
        let admin = self.admin.open()?;
        admin.get_and_print::<SessionResponse>(&AdminResource::session())
    }
}
