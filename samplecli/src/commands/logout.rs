//! `muster logout`: ends an operator's session at the server, and forgets the token.

use clap::Args;
use reqwest::Method;
use secrecy::SecretString;

use crate::admin::{Admin, Place};
use crate::commands::Output;
use crate::connection::ServerArgs;
use crate::failure::{Exit, Failure};
use crate::profile::{self, SignIn, Who};
use crate::server::{Server, ServerUrl};
use crate::terminal::{self, shown};
use crate::view::View;

/// Sign out and forget the token
///
/// An operator's session ends at the server. A robot's token cannot be ended there: it is
/// forgotten, and lapses within 30 minutes. Server and user name stay in the profile, so that
/// `muster login` needs only the password.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster logout
  muster logout --operator")]
pub struct Logout {
    /// Sign the operator out, not the robot
    #[arg(long)]
    operator: bool,

    #[command(flatten)]
    server: ServerArgs,
}

impl Logout {
    /// Signs out. Without a token it has nothing to do.
    pub fn run(self) -> Result<Exit, Failure> {
        let who = if self.operator {
            Who::Operator
        } else {
            Who::Robot
        };
        let stored = profile::load(&self.server.profile)?;
        let signed_in = stored.and_then(|profile| {
            let SignIn { username, token } = profile.sign_in(who)?.clone();
            Some((profile, username, token?))
        });
        let Some((mut profile, username, token)) = signed_in else {
            terminal::say(&format!("no {} is signed in", who.as_str()));
            return Ok(Exit::Ok);
        };
        let url = ServerUrl::parse(&profile.url).map_err(Failure::failed)?;
        // The token is forgotten whatever the server says to it.
        let forgotten = SignIn {
            username: username.clone(),
            token: None,
        };
        profile.set(who, forgotten);
        profile::store(&self.server.profile, &profile)?;
        match who {
            Who::Robot => {}
            Who::Operator => end(url.clone(), token)?,
        }
        terminal::say(&format!("signed out of {url} as {}", shown(&username)));
        Ok(Exit::Ok)
    }
}

/// Ends the session at the server; one that is over already is no failure.
fn end(url: ServerUrl, token: String) -> Result<(), Failure> {
    let admin = Admin::new(
        Server::new(url)?,
        SecretString::from(token),
        String::new(),
        View::new(Output::Human),
    )?;
    match admin.tell(Method::DELETE, &Place::session()) {
        Err(failure) if failure.exit() != Exit::NotSignedIn => Err(failure
            .next("the token is forgotten here; at the server the session ends within 8 hours")),
        _ => Ok(()),
    }
}
