//! New passwords of robots and operators: asked for, read from standard input, or made at random
//! and shown once.

use clap::Args;
use muster_aws::passwords;
use secrecy::{ExposeSecret, SecretString};

use crate::admin::Object;
use crate::asking::Asking;
use crate::commands::password_from_stdin;
use crate::failure::Failure;
use crate::terminal::{self, shown};

/// Where a new password comes from.
#[derive(Args)]
pub struct PasswordArgs {
    /// Read the password from standard input, its first line
    #[arg(long, conflicts_with = "generate", help_heading = "Password")]
    password_stdin: bool,

    /// Make a password at random and print it, this once
    #[arg(long, help_heading = "Password")]
    generate: bool,
}

/// A new password.
pub struct Secret {
    password: SecretString,
    made: bool,
}

impl PasswordArgs {
    /// Whether a flag says where it comes from.
    pub const fn is_given(&self) -> bool {
        self.password_stdin || self.generate
    }

    /// A new password, if one is wanted: a flag says where from, or it is asked for.
    pub fn renewed(
        &self,
        asked: bool,
        name: &str,
        asking: Asking,
    ) -> Result<Option<Secret>, Failure> {
        if !asked && !self.is_given() {
            return Ok(None);
        }
        self.new_password(name, asking).map(Some)
    }

    /// The new password of somebody.
    pub fn new_password(&self, name: &str, asking: Asking) -> Result<Secret, Failure> {
        if self.generate {
            let password = passwords::generate()
                .map_err(|error| Failure::failed(format!("cannot make a password: {error}")))?;
            return Ok(Secret {
                password,
                made: true,
            });
        }
        let password = if self.password_stdin {
            password_from_stdin()?
        } else {
            asked_twice(name, asking)?
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").next("nothing was sent"));
        }
        Ok(Secret {
            password: SecretString::from(password),
            made: false,
        })
    }
}

fn asked_twice(name: &str, asking: Asking) -> Result<String, Failure> {
    let otherwise = "make one with --generate, or pipe it in with --password-stdin";
    let name = shown(name);
    let password = asking.password(&format!("New password of {name}: "), otherwise)?;
    if asking.password("The same again: ", otherwise)? != password {
        return Err(Failure::usage("the two passwords differ").next("nothing was sent"));
    }
    Ok(password)
}

impl Secret {
    /// The password, to be sent.
    pub fn expose(&self) -> &str {
        self.password.expose_secret()
    }
}

/// What the server answered, with the password if nobody knows it yet.
pub fn beside(secret: Option<&Secret>, answer: Object) -> Result<Object, Failure> {
    match secret {
        Some(secret) if secret.made => {
            terminal::say("the password is shown only this once: keep it now");
            answer.with("password", secret.expose())
        }
        _ => Ok(answer),
    }
}
