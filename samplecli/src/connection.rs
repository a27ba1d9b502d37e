//! Which server a command talks to, and as whom: a flag wins over the environment, the
//! environment over the profile.

use clap::Args;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::profile::{self, Profile, ProfileName, Who};
use crate::server::ServerUrl;

/// The heading below which help lists these arguments.
pub const CONNECTION: &str = "Connection";

/// The arguments that name a server.
#[derive(Args)]
pub struct ServerArgs {
    /// The server, such as http://127.0.0.1:9000
    #[arg(long, env = "MUSTER_URL", value_name = "URL", help_heading = CONNECTION)]
    url: Option<String>,

    /// The profile that keeps the server and the tokens
    #[arg(
        long,
        value_name = "NAME",
        default_value = profile::DEFAULT,
        value_parser = ProfileName::parse,
        help_heading = CONNECTION
    )]
    pub profile: ProfileName,
}

impl ServerArgs {
    /// The server named by flag or environment. An empty variable counts as none.
    pub fn url(&self) -> Result<Option<ServerUrl>, Failure> {
        given(self.url.as_deref())
            .map(|url| ServerUrl::parse(url).map_err(Failure::usage))
            .transpose()
    }

    /// The server and the token to use, the token being the one given or the profile's.
    pub fn resolve(&self, who: Who, token: Option<&str>) -> Result<Connection, Failure> {
        let token = given(token);
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Failure::usage(format!(
                "the token given by {} holds spaces or other characters that no token has",
                match who {
                    Who::Robot => "--token or MUSTER_TOKEN",
                    Who::Operator => "--operator-token or MUSTER_OPERATOR_TOKEN",
                }
            )));
        }
        let url = self.url()?;
        if let (Some(url), Some(token)) = (&url, token) {
            return Ok(self.connection(who, url.clone(), token, None));
        }
        let profile = profile::load(&self.profile)?;
        let stored_url = profile
            .as_ref()
            .map(|stored| ServerUrl::parse(&stored.url))
            .transpose()
            .map_err(Failure::failed)?;
        let Some(url) = url.or_else(|| stored_url.clone()) else {
            return Err(self.nowhere(who, token));
        };
        // A stored token belongs to the server that gave it: another one must never see it.
        let stored = profile.filter(|_| stored_url.as_ref() == Some(&url));
        let stored_token = stored
            .as_ref()
            .and_then(|profile| profile.sign_in(who)?.token.as_deref());
        match token.or(stored_token) {
            Some(token) => Ok(self.connection(who, url, token, stored.as_ref())),
            None => Err(Failure::not_signed_in(format!(
                "not signed in to {url}{}",
                as_operator(who)
            ))
            .next(self.sign_in(who, &url, stored.as_ref()))),
        }
    }

    fn connection(
        &self,
        who: Who,
        url: ServerUrl,
        token: &str,
        profile: Option<&Profile>,
    ) -> Connection {
        let sign_in = self.sign_in(who, &url, profile);
        Connection {
            url,
            token: SecretString::from(token),
            sign_in,
            flags: self.flags(),
        }
    }

    fn nowhere(&self, who: Who, token: Option<&str>) -> Failure {
        if token.is_some() {
            return Failure::usage("there is a token, but no server to show it to")
                .next("give --url or set MUSTER_URL");
        }
        Failure::not_signed_in(format!("not signed in{}", as_operator(who))).next(format!(
            "run `muster login{} --url URL --username NAME{}`",
            who.flag(),
            self.profile_flag()
        ))
    }

    fn sign_in(&self, who: Who, url: &ServerUrl, profile: Option<&Profile>) -> String {
        let stored = profile.and_then(|profile| profile.sign_in(who));
        let name = stored.map_or("NAME", |sign_in| sign_in.username.as_str());
        format!(
            "run `muster login{} --url {url} --username {name}{}`",
            who.flag(),
            self.profile_flag()
        )
    }

    /// What names this server and profile on another command line, as far as they were given.
    fn flags(&self) -> String {
        let url = given(self.url.as_deref()).map(|url| format!(" --url {url}"));
        url.unwrap_or_default() + &self.profile_flag()
    }

    /// What names this profile on another command line.
    pub fn profile_flag(&self) -> String {
        let name = self.profile.as_str();
        if name == profile::DEFAULT {
            String::new()
        } else {
            format!(" --profile {name}")
        }
    }
}

/// The arguments that name a server and a robot's token.
#[derive(Args)]
pub struct ConnectionArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The token; better put into MUSTER_TOKEN, for other users of the machine can see arguments
    #[arg(
        long,
        env = "MUSTER_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = CONNECTION
    )]
    token: Option<String>,
}

/// A server, and the token to show it.
pub struct Connection {
    pub url: ServerUrl,
    pub token: SecretString,
    /// How to sign in again, should the token be refused.
    pub sign_in: String,
    /// What names the same server and profile on another command line.
    pub flags: String,
}

impl ConnectionArgs {
    /// The server and the token to use.
    pub fn resolve(&self) -> Result<Connection, Failure> {
        self.server.resolve(Who::Robot, self.token.as_deref())
    }
}

fn as_operator(who: Who) -> &'static str {
    match who {
        Who::Robot => "",
        Who::Operator => " as an operator",
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
