//! Questions on the terminal, and the refusal to ask where nobody could answer.

use std::io::{self, ErrorKind, IsTerminal};

use dialoguer::Input;

use crate::failure::Failure;

/// Whether somebody is there who can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    allowed: bool,
}

impl Asking {
    /// Asks on a terminal, unless that is forbidden.
    pub fn new(no_input: bool) -> Self {
        Self {
            allowed: !no_input && io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Whether questions can be asked.
    pub const fn is_allowed(self) -> bool {
        self.allowed
    }

    /// Asks for a password without echo; `otherwise` says how to give it without being asked.
    pub fn password(self, prompt: &str, otherwise: &str) -> Result<String, Failure> {
        if !self.allowed {
            return Err(
                Failure::usage("there is no terminal to ask for the password on").next(otherwise),
            );
        }
        rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
            ErrorKind::Interrupted | ErrorKind::UnexpectedEof => {
                Failure::failed("no password was given: nothing was sent")
            }
            _ => Failure::failed(format!("cannot ask for the password: {error}")).next(otherwise),
        })
    }

    /// Asks for a text until `check` takes it. Enter alone answers what is there already.
    pub fn text(
        self,
        prompt: &str,
        already: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let mut input = Input::<String>::new()
            .with_prompt(prompt)
            .allow_empty(true)
            .validate_with(|text: &String| check(text));
        if !already.is_empty() {
            input = input.default(already.to_owned());
        }
        let text = input.interact_text().map_err(|error| {
            Failure::failed(format!("the question was not answered: {error}"))
                .next("nothing was changed")
        })?;
        Ok(text.trim().to_owned())
    }

    /// Asks a question that is answered by yes or no.
    pub fn agreed(self, question: &str, already: bool) -> Result<bool, Failure> {
        let is_yes = |text: &str| matches!(text, "y" | "yes");
        let answer = self.text(
            &format!("{question} (yes or no)"),
            if already { "yes" } else { "no" },
            |text| match text {
                "n" | "no" => Ok(()),
                text if is_yes(text) => Ok(()),
                _ => Err("please answer yes or no".to_owned()),
            },
        )?;
        Ok(is_yes(&answer))
    }
}
