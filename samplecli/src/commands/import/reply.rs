//! The response to an import in one request: exit code, output and hints.

use reqwest::StatusCode;

use crate::args::import_id;
use crate::commands::follow::{RESEND_HINT, ResultReporter};
use crate::failure::{Exit, Failure};
use crate::http::response::Response;
use crate::imports::client::{ImportsClient, task_not_found};
use crate::imports::outcome::Outcome;
use crate::imports::status::ImportStatus;
use crate::output::escape::escaped;
use crate::output::printer::OutputFormat;
use crate::output::{stderr, stdout};

/// Maximum characters shown of a plain-text body.
const MAX_TEXT_CHARS: usize = 200;

/// The response to an import in one request.
pub struct ImportReply {
    response: Response,
    task: u64,
    /// The body, if it is a reply of the Quant dialect.
    outcome: Option<Outcome>,
}

impl ImportReply {
    /// Parses a response.
    pub fn new(response: Response, task: u64) -> Self {
        let mut outcome: Option<Outcome> = serde_json::from_slice(&response.body).ok();
        if let Some(outcome) = &mut outcome {
            outcome.import_id = response.header("import-id").map(ToOwned::to_owned);
        }
        Self {
            response,
            task,
            outcome,
        }
    }

    /// Returns the id of the import, if there is one.
    pub fn import_id(&self) -> Option<String> {
        self.response
            .header("import-id")
            .and_then(|id| import_id(id).ok())
    }

    /// Requests the numbers of created, updated and unchanged users and the notes, which the reply
    /// omits. If that fails, the reply stays as it is.
    pub async fn complete(&mut self, imports: &ImportsClient) {
        let (StatusCode::OK, Some(id)) = (self.response.status, self.import_id()) else {
            return;
        };
        // The reply to a dry run has both.
        let Some(outcome) = self
            .outcome
            .as_mut()
            .filter(|outcome| !outcome.has_changes())
        else {
            return;
        };
        let (status, notes) = tokio::select! {
            found = async { (imports.status(&id).await, imports.notes(&id).await) } => found,
            _ = tokio::signal::ctrl_c() => return,
        };
        outcome.notes = notes;
        let status = status.map(|object| object.read::<ImportStatus>());
        if let Ok(Ok(ImportStatus {
            outcome: Some(ended),
            ..
        })) = status
        {
            outcome.copy_changes(&ended);
        }
    }

    /// Shows the reply, and returns the exit code of the command.
    pub fn report(&self, reporter: &ResultReporter<'_>) -> Result<Exit, Failure> {
        if reporter.output == OutputFormat::Json {
            match &self.outcome {
                Some(outcome) => {
                    stdout::print_json(outcome)?;
                }
                None if self.is_json() => stdout::print_data(&self.response.body)?,
                None => {}
            }
        }
        let name = reporter.source_name;
        match (self.response.status, &self.outcome) {
            (StatusCode::OK, Some(outcome)) => self.finished(outcome, reporter),
            (StatusCode::UNAUTHORIZED, None) => Err(Failure::not_signed_in(format!(
                "the server refused the token: it is invalid or older than 30 minutes ({})",
                self.text()
            ))
            .hint(reporter.imports.sign_in())),
            (StatusCode::UNAUTHORIZED, Some(outcome)) => {
                Err(self.refused(outcome, name).hint(format!(
                    "permit the robot on task {}, or sign in as a robot that may run it",
                    self.task
                )))
            }
            (StatusCode::NOT_FOUND, Some(_)) => Err(task_not_found(self.task)),
            (StatusCode::SERVICE_UNAVAILABLE, outcome) => Err(self.busy(outcome.as_ref())),
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                Err(Failure::failed("too many requests").hint(self.retry_hint()))
            }
            (StatusCode::BAD_REQUEST, Some(outcome)) => {
                if !outcome.warnings.is_empty() {
                    reporter.show(outcome)?;
                }
                Err(self
                    .refused(outcome, name)
                    .hint("nothing was changed: correct this and import the file again"))
            }
            (StatusCode::CONFLICT, Some(outcome)) => {
                Err(self.refused(outcome, name).hint(self.retry_hint()))
            }
            (status, Some(outcome)) if status.is_client_error() => Err(self.refused(outcome, name)),
            (status, outcome) if status.is_server_error() => {
                Err(self.server_failure(outcome.as_ref()))
            }
            (_, _) => Err(reporter.imports.server().unexpected(&self.response)),
        }
    }

    /// Reports an import that has ended, with or without warnings.
    fn finished(&self, outcome: &Outcome, reporter: &ResultReporter<'_>) -> Result<Exit, Failure> {
        let exit = outcome.exit();
        if exit == Exit::Failure {
            return Err(self.refused(outcome, reporter.source_name));
        }
        reporter.show(outcome)?;
        if reporter.output == OutputFormat::Table {
            if exit == Exit::Partial && !reporter.debug {
                stderr::println(
                    "there are warnings: --debug shows them, and importing the file again is safe",
                );
            }
            if self.response.header("idempotent-replayed").is_some() {
                stderr::println("this is the response to an earlier request with the same key");
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
        let reason = first_error(outcome)
            .unwrap_or_else(|| "the server cannot accept the import at the moment".to_owned());
        Failure::failed(format!("task {}: {reason}", self.task)).hint(self.retry_hint())
    }

    fn retry_hint(&self) -> String {
        format!("nothing was changed; {}", self.response.retry_hint())
    }

    fn server_failure(&self, outcome: Option<&Outcome>) -> Failure {
        let reason = first_error(outcome).unwrap_or_else(|| self.text());
        let colon = if reason.is_empty() { "" } else { ": " };
        Failure::failed(self.with_ids(format!(
            "the server failed with {}{colon}{reason}",
            self.response.status
        )))
        .hint(format!(
            "the request may have been applied in part; {RESEND_HINT}"
        ))
    }

    /// Appends the ids that identify the request in the server's log.
    fn with_ids(&self, message: String) -> String {
        let id = |name: &str, header: &str| {
            let id = self.response.header(header)?;
            Some(format!("{name} {}", escaped(id)))
        };
        let ids: Vec<String> = [id("import", "import-id"), id("request", "x-request-id")]
            .into_iter()
            .flatten()
            .collect();
        if ids.is_empty() {
            message
        } else {
            format!("{message}\n({})", ids.join(", "))
        }
    }

    fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.response.body).is_ok()
    }

    /// Returns the start of a plain-text body.
    fn text(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.response.body)
            .chars()
            .take(MAX_TEXT_CHARS)
            .collect();
        escaped(text.trim()).into_owned()
    }
}

fn first_error(outcome: Option<&Outcome>) -> Option<String> {
    let error = outcome?.errors.first()?;
    Some(escaped(error).into_owned())
}
