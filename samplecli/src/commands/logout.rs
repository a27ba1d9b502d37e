//! `muster logout`: ends an operator's session and forgets the token.

use clap::Args;
use reqwest::Method;
use secrecy::SecretString;

use crate::failure::{Exit, Failure};
use crate::http::admin::AdminClient;
use crate::http::admin_resource::AdminResource;
use crate::http::connection::ServerArgs;
use crate::http::server::Server;
use crate::http::url::ServerUrl;
use crate::output::escape::escaped;
use crate::output::stderr;
use crate::profile::{self, Identity, SignIn};

/// Sign out and forget the token
///
/// Ends the session of an operator on the server. The token of a robot cannot be revoked: it is
/// forgotten, and expires within 30 minutes. The profile keeps the server and the user name, so
/// that `muster login` needs only the password.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster logout
  muster logout --operator")]
pub struct Logout {
    /// Sign out the operator instead of the robot
    #[arg(long)]
    operator: bool,

    #[command(flatten)]
    server: ServerArgs,
}

impl Logout {
    /// Signs out. Does nothing without a token.
    pub fn run(self) -> Result<Exit, Failure> {
        let identity = if self.operator {
            Identity::Operator
        } else {
            Identity::Robot
        };
        let stored = profile::load(&self.server.profile)?;
        let signed_in = stored.and_then(|profile| {
            let SignIn { username, token } = profile.sign_in(identity)?.clone();
            Some((profile, username, token?))
        });
        let Some((mut profile, username, token)) = signed_in else {
            stderr::println(&format!("no {} is signed in", identity.as_str()));
            return Ok(Exit::Ok);
        };
        let url = ServerUrl::parse(&profile.url).map_err(Failure::failed)?;
        // The token is forgotten even if the server cannot be reached.
        let forgotten = SignIn {
            username: username.clone(),
            token: None,
        };
        profile.set(identity, forgotten);
        profile::store(&self.server.profile, &profile)?;
        match identity {
            Identity::Robot => {}
            Identity::Operator => end_session(url.clone(), token)?,
        }
        stderr::println(&format!("signed out of {url} as {}", escaped(&username)));
        Ok(Exit::Ok)
    }
}

/// Ends the session on the server. A session that has already ended is not a failure.
fn end_session(url: ServerUrl, token: String) -> Result<(), Failure> {
    let client = AdminClient::new(Server::new(url)?, SecretString::from(token), String::new())?;
    match client.call_without_body(Method::DELETE, &AdminResource::session()) {
        Err(failure) if failure.exit() != Exit::NotSignedIn => {
            Err(failure
                .hint("the token was forgotten; on the server the session ends within 8 hours"))
        }
        _ => Ok(()),
    }
}
