//! Which server a command talks to, and as whom: a flag wins over the environment, the
//! environment over the profile.

use clap::Args;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::profile::{self, Profile, ProfileName};
use crate::server::ServerUrl;

/// The arguments that name a server.
#[derive(Args)]
pub struct ServerArgs {
    /// The server, such as http://127.0.0.1:9000
    #[arg(long, env = "MUSTER_URL", value_name = "URL")]
    url: Option<String>,

    /// The profile that keeps the server and the token
    #[arg(long, value_name = "NAME", default_value = profile::DEFAULT, value_parser = ProfileName::parse)]
    pub profile: ProfileName,
}

impl ServerArgs {
    /// The server named by flag or environment. An empty variable counts as none.
    pub fn url(&self) -> Result<Option<ServerUrl>, Failure> {
        given(self.url.as_deref())
            .map(|url| ServerUrl::parse(url).map_err(Failure::usage))
            .transpose()
    }
}

/// The arguments that name a server and a token.
#[derive(Args)]
pub struct ConnectionArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The token; better put into MUSTER_TOKEN, for other users of the machine can see arguments
    #[arg(
        long,
        env = "MUSTER_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
}

/// A server, and the token to show it.
pub struct Connection {
    pub url: ServerUrl,
    pub token: SecretString,
    /// How to sign in again, should the token be refused.
    pub sign_in: String,
}

impl ConnectionArgs {
    /// The server and the token to use.
    pub fn resolve(&self) -> Result<Connection, Failure> {
        if given(self.token.as_deref())
            .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Failure::usage(
                "the token given by --token or MUSTER_TOKEN holds spaces or other characters that no token has",
            ));
        }
        let url = self.server.url()?;
        if let (Some(url), Some(token)) = (&url, given(self.token.as_deref())) {
            return Ok(self.connection(url.clone(), token, None));
        }
        let profile = profile::load(&self.server.profile)?;
        let stored_url = profile
            .as_ref()
            .map(|stored| ServerUrl::parse(&stored.url))
            .transpose()
            .map_err(Failure::failed)?;
        let Some(url) = url.or_else(|| stored_url.clone()) else {
            return Err(self.nowhere());
        };
        // A stored token belongs to the server that gave it: another one must never see it.
        let stored = profile.filter(|_| stored_url.as_ref() == Some(&url));
        let token =
            given(self.token.as_deref()).or(stored.as_ref().map(|profile| profile.token.as_str()));
        match token {
            Some(token) => Ok(self.connection(url, token, stored.as_ref())),
            None => Err(Failure::not_signed_in(format!("not signed in to {url}"))
                .next(self.sign_in(&url, None))),
        }
    }

    fn connection(&self, url: ServerUrl, token: &str, profile: Option<&Profile>) -> Connection {
        let sign_in = self.sign_in(&url, profile);
        Connection {
            url,
            token: SecretString::from(token.trim()),
            sign_in,
        }
    }

    fn nowhere(&self) -> Failure {
        let next = format!(
            "run `muster login --url URL --username NAME{}`",
            self.profile_flag()
        );
        if given(self.token.as_deref()).is_some() {
            Failure::usage("there is a token, but no server to show it to")
                .next("give --url or set MUSTER_URL")
        } else {
            Failure::not_signed_in("not signed in").next(next)
        }
    }

    fn sign_in(&self, url: &ServerUrl, profile: Option<&Profile>) -> String {
        let name = profile.map_or("NAME", |profile| profile.username.as_str());
        format!(
            "run `muster login --url {url} --username {name}{}`",
            self.profile_flag()
        )
    }

    fn profile_flag(&self) -> String {
        let name = self.server.profile.as_str();
        if name == profile::DEFAULT {
            String::new()
        } else {
            format!(" --profile {name}")
        }
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
