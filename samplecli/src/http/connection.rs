//! The server and the identity of a command: flags override the environment, which overrides the
//! profile.

use clap::Args;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::http::url::ServerUrl;
use crate::profile::{self, DEFAULT_PROFILE, Identity, Profile, ProfileName};

/// The help heading of these arguments.
pub const CONNECTION_HEADING: &str = "Connection";

/// The arguments that select a server.
#[derive(Args)]
pub struct ServerArgs {
    /// URL of the server, such as http://127.0.0.1:9000
    #[arg(long, env = "MUSTER_URL", value_name = "URL", help_heading = CONNECTION_HEADING)]
    url: Option<String>,

    /// Profile with the server and the tokens
    #[arg(
        long,
        value_name = "NAME",
        default_value = DEFAULT_PROFILE,
        value_parser = ProfileName::parse,
        help_heading = CONNECTION_HEADING
    )]
    pub profile: ProfileName,
}

impl ServerArgs {
    /// Returns the URL given by flag or environment. An empty variable counts as unset.
    pub fn url(&self) -> Result<Option<ServerUrl>, Failure> {
        given(self.url.as_deref())
            .map(|url| ServerUrl::parse(url).map_err(Failure::usage))
            .transpose()
    }

    /// Returns the server and the token: the token given, or that of the profile.
    pub fn resolve(&self, identity: Identity, token: Option<&str>) -> Result<Connection, Failure> {
        let token = given(token);
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Failure::usage(format!(
                "invalid token in {}: expected printable ASCII characters without spaces",
                match identity {
                    Identity::Robot => "--token or MUSTER_TOKEN",
                    Identity::Operator => "--operator-token or MUSTER_OPERATOR_TOKEN",
                }
            )));
        }
        let url = self.url()?;
        if let (Some(url), Some(token)) = (&url, token) {
            return Ok(self.connection(identity, url.clone(), token, None));
        }
        let profile = profile::load(&self.profile)?;
        let stored_url = profile
            .as_ref()
            .map(|stored| ServerUrl::parse(&stored.url))
            .transpose()
            .map_err(Failure::failed)?;
        let Some(url) = url.or_else(|| stored_url.clone()) else {
            return Err(self.no_server(identity, token));
        };
        // A stored token must never be sent to another server than the one that issued it.
        let stored = profile.filter(|_| stored_url.as_ref() == Some(&url));
        let stored_token = stored
            .as_ref()
            .and_then(|profile| profile.sign_in(identity)?.token.as_deref());
        match token.or(stored_token) {
            Some(token) => Ok(self.connection(identity, url, token, stored.as_ref())),
            None => Err(Failure::not_signed_in(format!(
                "not signed in to {url}{}",
                as_operator(identity)
            ))
            .hint(self.sign_in(identity, &url, stored.as_ref()))),
        }
    }

    fn connection(
        &self,
        identity: Identity,
        url: ServerUrl,
        token: &str,
        profile: Option<&Profile>,
    ) -> Connection {
        let sign_in = self.sign_in(identity, &url, profile);
        Connection {
            url,
            token: SecretString::from(token),
            sign_in,
            flags: self.flags(),
        }
    }

    fn no_server(&self, identity: Identity, token: Option<&str>) -> Failure {
        if token.is_some() {
            return Failure::usage("a token is given, but no server")
                .hint("pass --url or set MUSTER_URL");
        }
        Failure::not_signed_in(format!("not signed in{}", as_operator(identity))).hint(format!(
            "run `muster login{} --url URL --username NAME{}`",
            identity.flag(),
            self.profile_flag()
        ))
    }

    /// Returns the hint on how to sign in.
    fn sign_in(&self, identity: Identity, url: &ServerUrl, profile: Option<&Profile>) -> String {
        let stored = profile.and_then(|profile| profile.sign_in(identity));
        let name = stored.map_or("NAME", |sign_in| sign_in.username.as_str());
        format!(
            "run `muster login{} --url {url} --username {name}{}`",
            identity.flag(),
            self.profile_flag()
        )
    }

    /// Returns the flags that select the same server and profile on another command line.
    fn flags(&self) -> String {
        let url = given(self.url.as_deref()).map(|url| format!(" --url {url}"));
        url.unwrap_or_default() + &self.profile_flag()
    }

    /// Returns the flag that selects the same profile on another command line.
    fn profile_flag(&self) -> String {
        let name = self.profile.as_str();
        if name == DEFAULT_PROFILE {
            String::new()
        } else {
            format!(" --profile {name}")
        }
    }
}

/// The arguments that select a server and a robot's token.
#[derive(Args)]
pub struct ConnectionArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// API token; prefer MUSTER_TOKEN, because other users of the machine can see arguments
    #[arg(
        long,
        env = "MUSTER_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = CONNECTION_HEADING
    )]
    token: Option<String>,
}

/// A server and a token for it.
pub struct Connection {
    pub url: ServerUrl,
    pub token: SecretString,
    /// The hint on how to sign in again if the token is refused.
    pub sign_in: String,
    /// The flags that select the same server and profile on another command line.
    pub flags: String,
}

impl ConnectionArgs {
    /// Returns the server and the token.
    pub fn resolve(&self) -> Result<Connection, Failure> {
        self.server.resolve(Identity::Robot, self.token.as_deref())
    }
}

fn as_operator(identity: Identity) -> &'static str {
    match identity {
        Identity::Robot => "",
        Identity::Operator => " as an operator",
    }
}

/// Returns a value that is not blank.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
