//! `muster login`: trades a user name and a password for a token, and keeps the token.

use std::env;
use std::io::{self, ErrorKind, IsTerminal};

use clap::Args;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use crate::commands::{password_from_stdin, run_async};
use crate::connection::ServerArgs;
use crate::failure::{Exit, Failure};
use crate::profile::{self, Profile};
use crate::server::{Answer, NoAnswer, Server, ServerUrl};
use crate::terminal::{self, shown};

/// Sign in and keep the token, not the password, in a profile
#[derive(Args)]
#[command(after_help = "\
The password is asked for on the terminal, without echo. For scripts there is --password-stdin
and the variable MUSTER_PASSWORD; no flag takes it, for other users of the machine can see flags.

Examples:
  muster login --url http://127.0.0.1:9000 --username hr-robot
  muster login                              # again, as before
  pass show muster | muster login --profile test --url https://users.example.com \\
      --username hr-robot --password-stdin")]
pub struct Login {
    #[command(flatten)]
    server: ServerArgs,

    /// The robot that signs in; without it the one of the profile
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// Read the password from standard input, its first line
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Deserialize)]
struct Reply {
    token: String,
    status: String,
}

impl Login {
    /// Signs in.
    pub fn run(self) -> Result<Exit, Failure> {
        let (url, username) = self.whom()?;
        if url.is_exposed() {
            terminal::say(&format!(
                "warning: {url} is not encrypted: password and token can be read on the way"
            ));
        }
        let server = Server::new(url.clone())?;
        let password = self.password(&username)?;
        let answer =
            run_async(server.authenticate(&username, &password))?.map_err(|error| match error {
                NoAnswer::Unreachable(cause) => server.unreachable(&cause),
                NoAnswer::Lost(cause) => {
                    Failure::failed(format!("no answer from {url}: {cause}")).next("try again")
                }
            })?;
        let token = token(&server, &answer)?;
        let profile = Profile {
            url: url.to_string(),
            username,
            token,
        };
        let path = profile::store(&self.server.profile, &profile)?;
        terminal::say(&format!(
            "signed in to {url} as {}",
            shown(&profile.username)
        ));
        terminal::say(&format!(
            "the token is kept in {} and is good for 30 minutes",
            path.display()
        ));
        Ok(Exit::Ok)
    }

    /// Server and user name, from the arguments or from the last time.
    fn whom(&self) -> Result<(ServerUrl, String), Failure> {
        let url = self.server.url()?;
        let (url, username) = match (url, self.username.clone()) {
            (Some(url), Some(username)) => (url, username),
            (url, username) => {
                let stored = profile::load(&self.server.profile)?;
                let stored_url = stored
                    .as_ref()
                    .map(|profile| ServerUrl::parse(&profile.url))
                    .transpose();
                let url = match url {
                    Some(url) => url,
                    None => stored_url.map_err(Failure::failed)?.ok_or_else(|| {
                        Failure::usage("no server is named")
                            .next("give --url, such as --url http://127.0.0.1:9000")
                    })?,
                };
                let username = username
                    .or_else(|| stored.map(|profile| profile.username))
                    .ok_or_else(|| {
                        Failure::usage("no user name is given").next("give --username NAME")
                    })?;
                (url, username)
            }
        };
        if username.is_empty() {
            return Err(Failure::usage("the user name is empty").next("give --username NAME"));
        }
        Ok((url, username))
    }

    fn password(&self, username: &str) -> Result<SecretString, Failure> {
        let password = if self.password_stdin {
            password_from_stdin()?
        } else if let Some(password) = env::var("MUSTER_PASSWORD")
            .ok()
            .filter(|password| !password.is_empty())
        {
            password
        } else {
            ask(username)?
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").next("nothing was sent"));
        }
        Ok(SecretString::from(password))
    }
}

fn ask(username: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage("there is no terminal to ask for the password on")
                .next("pipe it in with --password-stdin, or set MUSTER_PASSWORD"),
        );
    }
    rpassword::prompt_password(format!("Password of {}: ", shown(username))).map_err(|error| {
        match error.kind() {
            ErrorKind::Interrupted | ErrorKind::UnexpectedEof => {
                Failure::failed("no password was given: nothing was sent")
            }
            _ => Failure::failed(format!("cannot ask for the password: {error}"))
                .next("pipe it in with --password-stdin, or set MUSTER_PASSWORD"),
        }
    })
}

/// The token of an answer, or what is wrong.
fn token(server: &Server, answer: &Answer) -> Result<String, Failure> {
    let reply = serde_json::from_slice::<Reply>(&answer.body).ok();
    match (answer.status, reply) {
        (StatusCode::OK, Some(reply)) if !reply.token.is_empty() => Ok(reply.token),
        (StatusCode::UNAUTHORIZED, Some(reply)) => Err(Failure::not_signed_in(reply.status)
            .next("check --username and the password: robots sign in here, not users")),
        (StatusCode::TOO_MANY_REQUESTS, Some(reply)) => {
            let when = answer.retry_after().unwrap_or_else(|| "later".to_owned());
            Err(Failure::failed(reply.status).next(format!("try again {when}")))
        }
        (status, Some(reply)) => Err(Failure::failed(format!(
            "signing in failed with {status}: {}",
            reply.status
        ))),
        (status, None) if status.is_server_error() => {
            Err(Failure::failed(format!("the server failed with {status}"))
                .next("try again; if it stays so, ask the operator"))
        }
        (_, None) => Err(server.foreign(answer)),
    }
}
