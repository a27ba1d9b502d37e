//! `muster login`: trades a user name and a password for a token, and keeps the token.

use std::env;

use clap::Args;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::admin;
use crate::asking::Asking;
use crate::commands::{Output, password_from_stdin, run_async};
use crate::connection::ServerArgs;
use crate::failure::{Exit, Failure};
use crate::profile::{self, Profile, SignIn, Who};
use crate::server::{Answer, NoAnswer, Server, ServerUrl};
use crate::terminal::{self, shown};
use crate::view::View;

/// Sign in and keep the token, not the password, in a profile
///
/// Robots send data, operators look after everything else: `--operator` signs an operator in. A
/// profile keeps one of each, so that import and the rest work side by side.
#[derive(Args)]
#[command(after_help = "\
The password is asked for on the terminal, without echo. For scripts there is --password-stdin
and the variable MUSTER_PASSWORD; no flag takes it, for other users of the machine can see flags.

Examples:
  muster login --url http://127.0.0.1:9000 --username hr-robot
  muster login --operator --username anna   # at the server of the profile
  muster login                              # again, as before
  pass show muster | muster login --profile test --url https://users.example.com \\
      --username hr-robot --password-stdin")]
pub struct Login {
    /// Sign in as an operator, not as a robot
    #[arg(long)]
    operator: bool,

    /// Who signs in; without it as the last time
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// Read the password from standard input, its first line
    #[arg(long)]
    password_stdin: bool,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
struct Reply {
    token: String,
    status: String,
}

#[derive(Deserialize)]
struct Session {
    token: String,
    expires_at: Timestamp,
    operator: SessionOperator,
}

#[derive(Deserialize)]
struct SessionOperator {
    tenant: String,
    role: String,
}

/// A token, and what to say about it.
struct Granted {
    token: String,
    /// `as hr-robot`, `as anna, who may manage the tenant acme`
    holder: String,
    /// How long it is good.
    lasts: String,
}

impl Login {
    /// Signs in.
    pub fn run(self, asking: Asking) -> Result<Exit, Failure> {
        let who = if self.operator {
            Who::Operator
        } else {
            Who::Robot
        };
        let stored = profile::load(&self.server.profile);
        let (url, username) = self.whom(who, &stored)?;
        if url.is_exposed() {
            terminal::say(&format!(
                "warning: {url} is not encrypted: password and token can be read on the way"
            ));
        }
        let server = Server::new(url.clone())?;
        let password = self.password(&username, asking)?;
        let granted = match who {
            Who::Robot => robot(&server, &username, &password),
            Who::Operator => operator(&server, &username, &password),
        }?;
        // The other's token stays, unless it belongs to another server.
        let mut profile = stored
            .ok()
            .flatten()
            .filter(|profile| ServerUrl::parse(&profile.url).as_ref() == Ok(&url))
            .unwrap_or_else(|| Profile::new(url.to_string()));
        let token = Some(granted.token);
        profile.set(who, SignIn { username, token });
        let path = profile::store(&self.server.profile, &profile)?;
        terminal::say(&format!("signed in to {url} as {}", shown(&granted.holder)));
        terminal::say(&format!(
            "the token is kept in {} and is good {}",
            path.display(),
            granted.lasts
        ));
        Ok(Exit::Ok)
    }

    /// Server and user name, from the arguments or from the last time.
    fn whom(
        &self,
        who: Who,
        stored: &Result<Option<Profile>, Failure>,
    ) -> Result<(ServerUrl, String), Failure> {
        let (url, username) = match (self.server.url()?, self.username.clone()) {
            (Some(url), Some(username)) => (url, username),
            (url, username) => {
                // Only now does it matter that a profile cannot be read.
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
                        Failure::usage("no server is named")
                            .next("give --url, such as --url http://127.0.0.1:9000")
                    })?,
                };
                let last = stored.and_then(|profile| profile.sign_in(who));
                let username = username
                    .or_else(|| last.map(|sign_in| sign_in.username.clone()))
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

    fn password(&self, username: &str, asking: Asking) -> Result<SecretString, Failure> {
        let password = if self.password_stdin {
            password_from_stdin()?
        } else if let Some(password) = env::var("MUSTER_PASSWORD")
            .ok()
            .filter(|password| !password.is_empty())
        {
            password
        } else {
            asking.password(
                &format!("Password of {}: ", shown(username)),
                "pipe it in with --password-stdin, or set MUSTER_PASSWORD",
            )?
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").next("nothing was sent"));
        }
        Ok(SecretString::from(password))
    }
}

/// Signs a robot in.
fn robot(server: &Server, name: &str, password: &SecretString) -> Result<Granted, Failure> {
    let answer = answered(server, run_async(server.authenticate(name, password))?)?;
    Ok(Granted {
        token: token(server, &answer)?,
        holder: name.to_owned(),
        lasts: "for 30 minutes".to_owned(),
    })
}

/// Signs an operator in.
fn operator(server: &Server, name: &str, password: &SecretString) -> Result<Granted, Failure> {
    let body = json!({"name": name, "password": password.expose_secret()});
    let place = ["sessions".to_owned()];
    let sent = run_async(server.admin(None, Method::POST, &place, &[], Some(&body)))?;
    let answer = answered(server, sent)?;
    if answer.status != StatusCode::CREATED {
        let next = "check --username and the password: operators sign in here, not robots or users";
        return Err(admin::refused(server, &answer, next));
    }
    let session: Session =
        serde_json::from_slice(&answer.body).map_err(|_| server.foreign(&answer))?;
    let SessionOperator { tenant, role } = &session.operator;
    Ok(Granted {
        token: session.token,
        holder: format!("{name}, of the tenant {tenant} with the role {role}"),
        lasts: format!(
            "until {}",
            View::new(Output::Human).moment(session.expires_at)
        ),
    })
}

fn answered(server: &Server, sent: Result<Answer, NoAnswer>) -> Result<Answer, Failure> {
    sent.map_err(|error| match error {
        NoAnswer::Unreachable(cause) => server.unreachable(&cause),
        NoAnswer::Lost(cause) => {
            Failure::failed(format!("no answer from {}: {cause}", server.url())).next("try again")
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
            let when = answer.retry_after();
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
