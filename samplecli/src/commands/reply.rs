//! The answer to an import, judged and shown: which exit code it is, what a person reads, and
//! what to do next.

use reqwest::StatusCode;

use crate::commands::follow::{Ending, SEND_AGAIN};
use crate::commands::{Output, run_id};
use crate::failure::{Exit, Failure};
use crate::imports::{ImportView, Imports, Outcome};
use crate::server::Answer;
use crate::terminal::{self, shown};

/// The answer to the one request of an import.
pub struct Reply {
    answer: Answer,
    task: u64,
    /// What its body says, if it is Quant's.
    outcome: Option<Outcome>,
}

impl Reply {
    /// Reads an answer.
    pub fn new(answer: Answer, task: u64) -> Self {
        let mut outcome: Option<Outcome> = serde_json::from_slice(&answer.body).ok();
        if let Some(outcome) = &mut outcome {
            outcome.import_id = answer.header("import-id").map(ToOwned::to_owned);
        }
        Self {
            answer,
            task,
            outcome,
        }
    }

    /// The run, if there is one.
    pub fn run(&self) -> Option<String> {
        self.answer
            .header("import-id")
            .and_then(|id| run_id(id).ok())
    }

    /// Asks what was done to users, which the reply leaves out. Without an answer to that, the
    /// reply is what there is.
    pub async fn complete(&mut self, imports: &Imports) {
        let (StatusCode::OK, Some(run)) = (self.answer.status, self.run()) else {
            return;
        };
        let Some(outcome) = self
            .outcome
            .as_mut()
            .filter(|outcome| !outcome.tells_what_was_done())
        else {
            return;
        };
        let known = tokio::select! {
            known = imports.run(&run) => known,
            _ = tokio::signal::ctrl_c() => return,
        };
        let Ok(run) = known else {
            return;
        };
        if let Ok(ImportView {
            outcome: Some(known),
            ..
        }) = run.read()
        {
            outcome.take_what_was_done(&known);
        }
    }

    /// Shows the reply, and answers how the command ends.
    pub fn judge(&self, ending: &Ending<'_>) -> Result<Exit, Failure> {
        if ending.output == Output::Json {
            match &self.outcome {
                Some(outcome) => outcome.print_json()?,
                None if self.is_json() => terminal::print_data(&self.answer.body)?,
                None => {}
            }
        }
        match (self.answer.status, &self.outcome) {
            (StatusCode::OK, Some(outcome)) => self.finished(outcome, ending),
            (StatusCode::UNAUTHORIZED, None) => Err(Failure::not_signed_in(format!(
                "the server refused the token: it is wrong or older than 30 minutes ({})",
                self.text()
            ))
            .next(ending.imports.sign_in())),
            (StatusCode::UNAUTHORIZED, Some(outcome)) => {
                Err(self.refused(outcome, ending.name).next(format!(
                    "have the robot permitted on task {}, or sign in as one that is",
                    self.task
                )))
            }
            (StatusCode::NOT_FOUND, Some(_)) => Err(Failure::failed(format!(
                "task {} was not found, or belongs to another customer",
                self.task
            ))
            .next("check --task, and that you signed in as a robot of the right customer")),
            (StatusCode::SERVICE_UNAVAILABLE, outcome) => Err(self.busy(outcome.as_ref())),
            (StatusCode::TOO_MANY_REQUESTS, _) => Err(Failure::failed(
                "the server takes no more requests from here for now",
            )
            .next(self.come_back())),
            (StatusCode::BAD_REQUEST, Some(outcome)) => {
                // A table of its own, for the warnings it may carry.
                if !outcome.warnings.is_empty() {
                    ending.show(outcome)?;
                }
                Err(self
                    .refused(outcome, ending.name)
                    .next("nothing was changed: put it right and send the file again"))
            }
            (StatusCode::CONFLICT, Some(outcome)) => {
                Err(self.refused(outcome, ending.name).next(self.come_back()))
            }
            (status, Some(outcome)) if status.is_client_error() => {
                Err(self.refused(outcome, ending.name))
            }
            (status, outcome) if status.is_server_error() => Err(self.gave_up(outcome.as_ref())),
            (_, _) => Err(ending.imports.server().foreign(&self.answer)),
        }
    }

    /// 200: the records are in, with or without warnings.
    fn finished(&self, outcome: &Outcome, ending: &Ending<'_>) -> Result<Exit, Failure> {
        let exit = outcome.exit();
        if exit == Exit::Failure {
            return Err(self.refused(outcome, ending.name));
        }
        ending.show(outcome)?;
        if ending.output == Output::Human {
            if exit == Exit::Partial && !ending.debug {
                terminal::say(
                    "some records gave warnings; --debug shows them, and sending the file again is safe",
                );
            }
            if self.answer.header("idempotent-replayed").is_some() {
                terminal::say("the server has given this answer before, under the same key");
            }
        }
        Ok(exit)
    }

    fn refused(&self, outcome: &Outcome, name: &str) -> Failure {
        Failure::failed(self.with_ids(format!(
            "the import of {name} into task {} was refused{}",
            self.task,
            outcome.reasons()
        )))
    }

    fn busy(&self, outcome: Option<&Outcome>) -> Failure {
        let said = outcome
            .and_then(|outcome| outcome.errors.first())
            .map_or_else(
                || "the server cannot take the import right now".to_owned(),
                |said| shown(said).into_owned(),
            );
        Failure::failed(format!("task {}: {said}", self.task)).next(self.come_back())
    }

    fn come_back(&self) -> String {
        let when = self.answer.retry_after();
        format!("nothing was changed; try again {when}")
    }

    fn gave_up(&self, outcome: Option<&Outcome>) -> Failure {
        let said = outcome
            .and_then(|outcome| outcome.errors.first())
            .map_or_else(|| self.text(), |said| shown(said).into_owned());
        let colon = if said.is_empty() { "" } else { ": " };
        Failure::failed(self.with_ids(format!(
            "the server gave up with {}{colon}{said}",
            self.answer.status
        )))
        .next(format!(
            "the request may have been applied in part; {SEND_AGAIN}"
        ))
    }

    /// What an operator needs to find the request in the logs.
    fn with_ids(&self, message: String) -> String {
        let request = self
            .answer
            .header("x-request-id")
            .map(|id| format!("request {}", shown(id)));
        let import = self
            .answer
            .header("import-id")
            .map(|id| format!("import {}", shown(id)));
        let ids: Vec<String> = import.into_iter().chain(request).collect();
        if ids.is_empty() {
            message
        } else {
            format!("{message}\n({})", ids.join(", "))
        }
    }

    /// Whether the body can be handed on as JSON.
    fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.answer.body).is_ok()
    }

    /// The start of a body that is plain text.
    fn text(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.answer.body)
            .chars()
            .take(200)
            .collect();
        shown(text.trim()).into_owned()
    }
}
