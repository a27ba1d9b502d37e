//! `muster login`: exchanges a user name and a password for a token, and stores the token.

use std::env;

use clap::Args;
use muster_api::{AuthenticateResponse, CreateSessionRequest, CreateSessionResponse};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::http::admin;
use crate::http::connection::ServerArgs;
use crate::http::response::{NoResponse, Response};
use crate::http::server::{Server, block_on};
use crate::http::url::ServerUrl;
use crate::output::escape::escaped;
use crate::output::printer::{OutputFormat, Printer};
use crate::output::stderr;
use crate::profile::{self, Identity, Profile, SignIn};
use crate::prompts::{Prompts, password_from_stdin};

/// Sign in and store the token in a profile
///
/// Robots import users, operators manage everything else: sign in an operator with `--operator`. A
/// profile stores the tokens of one robot and one operator. Passwords are not stored.
#[derive(Args)]
#[command(after_help = "\
Prompts for the password without echo. Scripts use --password-stdin or the variable MUSTER_PASSWORD.
There is no flag for the password, because other users of the machine can see flags.

Examples:
  muster login --url http://127.0.0.1:9000 --username hr-robot
  muster login --operator --username anna   # to the server of the profile
  muster login                              # again, with the same user name
  pass show muster | muster login --profile test --url https://users.example.com \\
      --username hr-robot --password-stdin")]
pub struct Login {
    /// Sign in as an operator instead of a robot
    #[arg(long)]
    operator: bool,

    /// User name [default: that of the last sign-in]
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// A token and its description.
struct IssuedToken {
    token: String,
    /// `hr-robot`, or `anna, operator of the tenant acme with the role manage`
    holder: String,
    /// `for 30 minutes`, or `until …`
    validity: String,
}

impl Login {
    /// Signs in.
    pub fn run(self, prompts: Prompts) -> Result<Exit, Failure> {
        let identity = if self.operator {
            Identity::Operator
        } else {
            Identity::Robot
        };
        let stored = profile::load(&self.server.profile);
        let (url, username) = self.account(identity, &stored)?;
        if url.is_exposed() {
            stderr::println(&format!(
                "warning: the connection to {url} is not encrypted: password and token can be \
                 intercepted"
            ));
        }
        let server = Server::new(url.clone())?;
        let password = self.password(&username, prompts)?;
        let issued = match identity {
            Identity::Robot => sign_in_robot(&server, &username, &password),
            Identity::Operator => sign_in_operator(&server, &username, password),
        }?;
        // The other identity stays signed in, unless it belongs to another server.
        let mut profile = stored
            .ok()
            .flatten()
            .filter(|profile| ServerUrl::parse(&profile.url).as_ref() == Ok(&url))
            .unwrap_or_else(|| Profile::new(url.to_string()));
        let token = Some(issued.token);
        profile.set(identity, SignIn { username, token });
        let path = profile::store(&self.server.profile, &profile)?;
        stderr::println(&format!(
            "signed in to {url} as {}",
            escaped(&issued.holder)
        ));
        stderr::println(&format!(
            "the token is stored in {} and is valid {}",
            path.display(),
            issued.validity
        ));
        Ok(Exit::Ok)
    }

    /// Returns the server and the user name, from the arguments or the last sign-in.
    fn account(
        &self,
        identity: Identity,
        stored: &Result<Option<Profile>, Failure>,
    ) -> Result<(ServerUrl, String), Failure> {
        let (url, username) = match (self.server.url()?, self.username.clone()) {
            (Some(url), Some(username)) => (url, username),
            (url, username) => {
                // An invalid profile is an error only if it is needed.
                let stored = match stored {
                    Ok(stored) => stored.as_ref(),
                    Err(failure) => return Err(failure.clone()),
                };
                let stored_url = stored
                    .map(|profile| ServerUrl::parse(&profile.url))
                    .transpose();
                let url = match url {
                    Some(url) => url,
                    None => stored_url.map_err(Failure::failed)?.ok_or_else(|| {
                        Failure::usage("no server given")
                            .hint("pass --url, such as --url http://127.0.0.1:9000")
                    })?,
                };
                let last = stored.and_then(|profile| profile.sign_in(identity));
                let username = username
                    .or_else(|| last.map(|sign_in| sign_in.username.clone()))
                    .ok_or_else(|| {
                        Failure::usage("no user name given").hint("pass --username NAME")
                    })?;
                (url, username)
            }
        };
        if username.is_empty() {
            return Err(Failure::usage("the user name is empty").hint("pass --username NAME"));
        }
        Ok((url, username))
    }

    fn password(&self, username: &str, prompts: Prompts) -> Result<SecretString, Failure> {
        let password = if self.password_stdin {
            password_from_stdin()?
        } else if let Some(password) = env::var("MUSTER_PASSWORD")
            .ok()
            .filter(|password| !password.is_empty())
        {
            password
        } else {
            prompts.password(
                &format!("Password of {}: ", escaped(username)),
                "use --password-stdin, or set MUSTER_PASSWORD",
            )?
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").hint("nothing was sent"));
        }
        Ok(SecretString::from(password))
    }
}

fn sign_in_robot(
    server: &Server,
    name: &str,
    password: &SecretString,
) -> Result<IssuedToken, Failure> {
    let response = received(server, block_on(server.authenticate(name, password))?)?;
    Ok(IssuedToken {
        token: token(server, &response)?,
        holder: name.to_owned(),
        validity: "for 30 minutes".to_owned(),
    })
}

fn sign_in_operator(
    server: &Server,
    name: &str,
    password: SecretString,
) -> Result<IssuedToken, Failure> {
    let name = name.to_owned();
    let body = json!(CreateSessionRequest { name, password });
    let path = ["admin", "v1", "sessions"];
    let sent = block_on(server.call(None, Method::POST, &path, &[], Some(&body)))?;
    let response = received(server, sent)?;
    if response.status != StatusCode::CREATED {
        let hint = "check --username and the password: --operator is for operators, not for robots \
                    or users";
        return Err(admin::refusal(server, &response, None, hint));
    }
    let session: CreateSessionResponse =
        serde_json::from_slice(&response.body).map_err(|_| server.unexpected(&response))?;
    let expires_at = Printer::new(OutputFormat::Table).timestamp(session.expires_at);
    let operator = session.operator;
    Ok(IssuedToken {
        token: session.token,
        holder: format!(
            "{}, operator of the tenant {} with the role {}",
            operator.name,
            operator.tenant,
            operator.role.as_str()
        ),
        validity: format!("until {expires_at}"),
    })
}

fn received(server: &Server, sent: Result<Response, NoResponse>) -> Result<Response, Failure> {
    sent.map_err(|error| match error {
        NoResponse::Unreachable(cause) => server.unreachable(&cause),
        NoResponse::Lost(cause) => {
            Failure::failed(format!("no response from {}: {cause}", server.url())).hint("try again")
        }
    })
}

/// Returns the token of a response.
fn token(server: &Server, response: &Response) -> Result<String, Failure> {
    let reply = serde_json::from_slice::<AuthenticateResponse>(&response.body).ok();
    match (response.status, reply) {
        (StatusCode::OK, Some(reply)) if !reply.token.is_empty() => Ok(reply.token),
        (StatusCode::UNAUTHORIZED, Some(reply)) => Err(Failure::not_signed_in(reply.status)
            .hint("check --username and the password: without --operator, robots sign in")),
        (StatusCode::TOO_MANY_REQUESTS, Some(reply)) => {
            Err(Failure::failed(reply.status).hint(response.retry_hint()))
        }
        (status, Some(reply)) => Err(Failure::failed(format!(
            "signing in failed with {status}: {}",
            reply.status
        ))),
        (status, None) if status.is_server_error() => {
            Err(Failure::failed(format!("the server failed with {status}"))
                .hint("try again; if the error persists, contact the administrator of the service"))
        }
        (_, None) => Err(server.unexpected(response)),
    }
}
