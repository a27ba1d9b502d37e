//! New passwords of robots, operators and users: prompted for, read from standard input, or
//! generated and shown once.

use clap::Args;
use muster_aws::passwords;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;
use crate::json::JsonObject;
use crate::output::escape::escaped;
use crate::output::stderr;
use crate::prompts::{Prompts, password_from_stdin};

/// The source of a new password.
#[derive(Args)]
pub struct PasswordArgs {
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "generate", help_heading = "Password")]
    password_stdin: bool,

    /// Generate a random password and print it once
    #[arg(long, help_heading = "Password")]
    generate: bool,
}

/// The source of a new password in a command that can also keep the old one.
#[derive(Args)]
pub struct ChangePasswordArgs {
    /// Prompt for a new password
    #[arg(long, help_heading = "Password", conflicts_with_all = ["generate", "password_stdin"])]
    password: bool,
    #[command(flatten)]
    source: PasswordArgs,
}

/// A new password.
pub struct NewPassword {
    /// The password.
    pub password: SecretString,
    is_generated: bool,
}

impl ChangePasswordArgs {
    /// Returns true if the password is to be changed.
    pub const fn is_given(&self) -> bool {
        self.password || self.source.is_given()
    }

    /// Returns the new password, if it is to be changed.
    pub fn new_password(
        &self,
        name: &str,
        prompts: Prompts,
    ) -> Result<Option<NewPassword>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        self.source.new_password(name, prompts).map(Some)
    }
}

impl PasswordArgs {
    /// Returns true if a flag selects the source.
    pub const fn is_given(&self) -> bool {
        self.password_stdin || self.generate
    }

    /// Returns the new password of an account.
    pub fn new_password(&self, name: &str, prompts: Prompts) -> Result<NewPassword, Failure> {
        if self.generate {
            return Ok(NewPassword {
                password: generate()?,
                is_generated: true,
            });
        }
        let password = if self.password_stdin {
            password_from_stdin()?
        } else {
            prompt_twice(name, prompts)?
        };
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").hint("nothing was sent"));
        }
        Ok(NewPassword {
            password: SecretString::from(password),
            is_generated: false,
        })
    }
}

/// Generates a random password.
pub fn generate() -> Result<SecretString, Failure> {
    passwords::generate()
        .map_err(|error| Failure::failed(format!("cannot generate a password: {error}")))
}

fn prompt_twice(name: &str, prompts: Prompts) -> Result<String, Failure> {
    let alternative = "use --generate or --password-stdin";
    let name = escaped(name);
    let password = prompts.password(&format!("New password of {name}: "), alternative)?;
    if prompts.password("Repeat the password: ", alternative)? != password {
        return Err(Failure::usage("the passwords differ").hint("nothing was sent"));
    }
    Ok(password)
}

/// Adds a generated password to the response, so that it is shown.
pub fn with_generated(
    password: Option<&NewPassword>,
    response: JsonObject,
) -> Result<JsonObject, Failure> {
    match password {
        Some(password) if password.is_generated => {
            stderr::println("the password is shown only this once: store it now");
            response.with("password", password.password.expose_secret())
        }
        _ => Ok(response),
    }
}
