//! Prompts on the terminal, which are refused without one, and passwords on standard input.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Read};

use dialoguer::Input;

use crate::failure::Failure;

/// Longest line read as a password.
const MAX_PASSWORD_LINE_BYTES: u64 = 64 * 1024;

/// Prompts for input, if that is possible and allowed.
#[derive(Debug, Clone, Copy)]
pub struct Prompts {
    allowed: bool,
}

impl Prompts {
    /// Allows prompts on a terminal, unless `--no-input` is given.
    pub fn new(no_input: bool) -> Self {
        Self {
            allowed: !no_input && io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Returns true if prompts are allowed.
    pub const fn is_allowed(self) -> bool {
        self.allowed
    }

    /// Prompts for a password without echo. `alternative` is the hint where that is not possible.
    pub fn password(self, prompt: &str, alternative: &str) -> Result<String, Failure> {
        if !self.allowed {
            return Err(
                Failure::usage("cannot prompt for the password without a terminal")
                    .hint(alternative),
            );
        }
        rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
            ErrorKind::Interrupted | ErrorKind::UnexpectedEof => {
                Failure::failed("no password was entered: nothing was sent")
            }
            _ => Failure::failed(format!("cannot prompt for the password: {error}"))
                .hint(alternative),
        })
    }

    /// Prompts for a text until `check` accepts it. Enter alone returns the default.
    pub fn text(
        self,
        prompt: &str,
        default: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let mut input = Input::<String>::new()
            .with_prompt(prompt)
            .allow_empty(true)
            .validate_with(|text: &String| check(text));
        if !default.is_empty() {
            input = input.default(default.to_owned());
        }
        let text = input.interact_text().map_err(|error| {
            Failure::failed(format!("cannot read the answer: {error}")).hint("nothing was changed")
        })?;
        Ok(text.trim().to_owned())
    }

    /// Prompts for yes or no.
    pub fn confirm(self, question: &str, default: bool) -> Result<bool, Failure> {
        let is_yes = |text: &str| matches!(text, "y" | "yes");
        let answer = self.text(
            &format!("{question} (yes or no)"),
            if default { "yes" } else { "no" },
            |text| match text {
                "n" | "no" => Ok(()),
                text if is_yes(text) => Ok(()),
                _ => Err("expected yes or no".to_owned()),
            },
        )?;
        Ok(is_yes(&answer))
    }
}

/// Reads the first line of standard input, without its line ending.
pub fn password_from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    let mut input = io::stdin().lock().take(MAX_PASSWORD_LINE_BYTES);
    input.read_line(&mut line).map_err(|error| {
        Failure::failed(format!(
            "cannot read the password from standard input: {error}"
        ))
    })?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
