//! The answer to an import, judged and shown: which exit code it is, what a person reads, and
//! what to do next.

use muster_core::limits;
use muster_core::run::Status;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::commands::import::SEND_AGAIN;
use crate::failure::{Exit, Failure};
use crate::server::{Answer, Server};
use crate::terminal::{self, counted, grouped, shown};

/// An answer and the request it belongs to.
pub struct Reply<'a> {
    pub answer: &'a Answer,
    pub task: u64,
    /// The file, as a person knows it.
    pub name: &'a str,
    /// Its size in bytes.
    pub size: u64,
    pub debug: bool,
}

/// The body of a Quant reply.
#[derive(Deserialize)]
struct QuantBody {
    #[serde(rename = "Status")]
    status: Status,
    #[serde(rename = "Warnings", default)]
    warnings: Vec<String>,
    #[serde(rename = "Errors", default)]
    errors: Vec<String>,
    #[serde(rename = "Total Lines")]
    total_lines: Option<u64>,
    #[serde(rename = "Empty IDs")]
    empty_ids: Option<u64>,
    #[serde(rename = "Ignored Users")]
    ignored_users: Option<u64>,
    #[serde(rename = "Duplicated Users")]
    duplicated_users: Option<u64>,
    #[serde(rename = "Dry Run", default)]
    dry_run: bool,
    #[serde(rename = "Created")]
    created: Option<u64>,
    #[serde(rename = "Updated")]
    updated: Option<u64>,
    #[serde(rename = "Unchanged")]
    unchanged: Option<u64>,
}

impl Reply<'_> {
    /// Whether the body can be handed on as JSON.
    pub fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.answer.body).is_ok()
    }

    /// Shows the reply, if asked to, and answers how the command ends.
    pub fn judge(&self, show: bool, server: &Server, sign_in: &str) -> Result<Exit, Failure> {
        let body = serde_json::from_slice::<QuantBody>(&self.answer.body).ok();
        match (self.answer.status, body) {
            (StatusCode::OK, Some(body)) => self.finished(&body, show),
            (StatusCode::ACCEPTED, _) => self.accepted(),
            (StatusCode::UNAUTHORIZED, None) => Err(Failure::not_signed_in(format!(
                "the server refused the token: it is wrong or older than 30 minutes ({})",
                self.text()
            ))
            .next(sign_in)),
            (StatusCode::UNAUTHORIZED, Some(body)) => Err(self.refused(&body).next(format!(
                "have the robot permitted on task {}, or sign in as one that is",
                self.task
            ))),
            (StatusCode::NOT_FOUND, Some(_)) => Err(Failure::failed(format!(
                "task {} was not found, or belongs to another customer",
                self.task
            ))
            .next("check --task, and that you signed in as a robot of the right customer")),
            (StatusCode::PAYLOAD_TOO_LARGE, body) => Err(self.too_large(body.as_ref())),
            (StatusCode::SERVICE_UNAVAILABLE, body) => Err(self.busy(body.as_ref())),
            (StatusCode::TOO_MANY_REQUESTS, _) => Err(Failure::failed(
                "the server takes no more requests from here for now",
            )
            .next(self.come_back())),
            (StatusCode::BAD_REQUEST, Some(body)) => {
                self.failed(&body, show)?;
                Err(self
                    .refused(&body)
                    .next("nothing was changed: put it right and send the file again"))
            }
            (StatusCode::CONFLICT, Some(body)) => Err(self.refused(&body).next(self.come_back())),
            (status, Some(body)) if status.is_client_error() => Err(self.refused(&body)),
            (status, body) if status.is_server_error() => Err(self.gave_up(body.as_ref())),
            (_, _) => Err(server.foreign(self.answer)),
        }
    }

    /// 200: the records are in, with or without warnings.
    fn finished(&self, body: &QuantBody, show: bool) -> Result<Exit, Failure> {
        let exit = match body.status {
            Status::Success => Exit::Ok,
            Status::PartialSuccess => Exit::Partial,
            Status::Failure => return Err(self.refused(body)),
        };
        if show {
            self.show(body)?;
            if exit == Exit::Partial && !self.debug {
                terminal::say(
                    "some records gave warnings; --debug shows them, and sending the file again is safe",
                );
            }
            if body.dry_run {
                terminal::say("this was a dry run: nothing was changed");
            }
            if self.answer.header("idempotent-replayed").is_some() {
                terminal::say("the server has given this answer before, under the same key");
            }
        }
        Ok(exit)
    }

    /// 202: the server goes on by itself.
    fn accepted(&self) -> Result<Exit, Failure> {
        let run = self.import_id().unwrap_or_else(|| "unknown".to_owned());
        terminal::say(&format!(
            "the server took {} and goes on with it by itself: import {run}",
            self.name
        ));
        if let Some(place) = self.answer.header("location") {
            terminal::say(&format!("its state: GET {}", shown(place)));
        }
        Ok(Exit::Ok)
    }

    /// 400 with a table of its own, for the warnings it may carry.
    fn failed(&self, body: &QuantBody, show: bool) -> Result<(), Failure> {
        if show && !body.warnings.is_empty() {
            self.show(body)?;
        }
        Ok(())
    }

    fn refused(&self, body: &QuantBody) -> Failure {
        let why = match body.errors.as_slice() {
            [] => ", without a reason".to_owned(),
            [only] => format!(": {}", shown(only)),
            several => several
                .iter()
                .map(|error| format!("\n- {}", shown(error)))
                .collect(),
        };
        let message = format!(
            "the import of {} into task {} was refused{why}",
            self.name, self.task
        );
        Failure::failed(self.with_ids(message))
    }

    fn too_large(&self, body: Option<&QuantBody>) -> Failure {
        let said = body
            .map(|body| body.errors.join("; "))
            .filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| {
            let (bytes, records) = (limits::SYNC_BYTES as u64, limits::SYNC_RECORDS as u64);
            format!(
                "one request takes at most {} and {}",
                counted(bytes, "byte"),
                counted(records, "record")
            )
        });
        Failure::failed(format!(
            "{} is too large for one request ({}): {}",
            self.name,
            counted(self.size, "byte"),
            shown(&said)
        ))
        .next("split it into smaller files; nothing was changed")
    }

    fn busy(&self, body: Option<&QuantBody>) -> Failure {
        let said = body.and_then(|body| body.errors.first()).map_or_else(
            || "the server cannot take the import right now".to_owned(),
            |said| shown(said).into_owned(),
        );
        Failure::failed(format!("task {}: {said}", self.task)).next(self.come_back())
    }

    fn come_back(&self) -> String {
        let when = self.answer.retry_after();
        format!("nothing was changed; try again {when}")
    }

    fn gave_up(&self, body: Option<&QuantBody>) -> Failure {
        let said = body
            .and_then(|body| body.errors.first())
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

    /// The table of figures and the warnings, on standard output.
    fn show(&self, body: &QuantBody) -> Result<(), Failure> {
        let figures = [
            ("Total Lines", body.total_lines),
            ("Empty IDs", body.empty_ids),
            ("Ignored Users", body.ignored_users),
            ("Duplicated Users", body.duplicated_users),
            ("Would create", body.created),
            ("Would update", body.updated),
            ("Would not change", body.unchanged),
        ];
        let mut rows = vec![("Status", terminal::coloured(body.status))];
        rows.extend(
            figures
                .into_iter()
                .filter_map(|(name, figure)| Some((name, grouped(figure?)))),
        );
        rows.extend(self.import_id().map(|id| ("Import-Id", id)));
        let mut text = terminal::table(rows);
        if !body.warnings.is_empty() {
            text.push_str(&format!(
                "\n{}:\n",
                counted(body.warnings.len() as u64, "warning")
            ));
        }
        for warning in &body.warnings {
            text.push_str(&format!("{}\n", shown(warning)));
        }
        terminal::print(&text)
    }

    fn import_id(&self) -> Option<String> {
        self.answer
            .header("import-id")
            .map(|id| shown(id).into_owned())
    }

    /// What an operator needs to find the request in the logs.
    fn with_ids(&self, message: String) -> String {
        let request = self
            .answer
            .header("x-request-id")
            .map(|id| format!("request {}", shown(id)));
        let import = self.import_id().map(|id| format!("import {id}"));
        let ids: Vec<String> = import.into_iter().chain(request).collect();
        if ids.is_empty() {
            message
        } else {
            format!("{message}\n({})", ids.join(", "))
        }
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
