//! The demo: whole imports on a fresh stack, from sign-in to execution log, told as they happen.
//! Nothing is printed that was not just read from a reply or from the store, and every figure is
//! compared with what it must be.

mod checks;
mod client;
mod large;
mod print;
mod progress;
mod sample;

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::directory::Stored;
use muster_aws::runs::{ListedRun, Run, RunFilter};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::run::{Counts, State, Status};
use muster_core::value::Value;
use serde_json::json;
use thiserror::Error;

use self::checks::Checks;
use self::client::{Client, Reply};
use self::print::{BAD, DIM, TITLE, conclude, shown, text};
use self::sample::{LOGINS, SAMPLE, TWO_RECORDS, broken_sample, expected_users};
use crate::seed::TenantAccess;
use crate::{LocalError, Stack, StackOptions};

/// Why the demo could not be played to its end.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The stack.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The HTTP API did not answer.
    #[error("the HTTP API did not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Store(#[from] StoreError),
    /// The terminal.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// A step that everything after it needs.
    #[error("{0}, so the demo cannot go on")]
    Stuck(&'static str),
}

/// Plays the demo on a stack of its own, its large import with so many users. True: every figure was
/// right.
///
/// # Errors
/// A part that did not work at all.
pub async fn demo(users: u64, out: &mut impl Write) -> Result<bool, DemoError> {
    let began = Instant::now();
    writeln!(
        out,
        "{TITLE}Muster demo{TITLE:#}: the real service, in memory, on this machine only"
    )?;
    let stack = Stack::start(StackOptions::default()).await?;
    writeln!(
        out,
        "{DIM}API {}, DynamoDB {} (emulated), ready after {}{DIM:#}\n",
        stack.url,
        stack.dynamodb_endpoint,
        shown(began.elapsed())
    )?;
    let mut checks = Checks::default();
    let played = play(&stack, users, &mut checks, out).await;
    stack.stop().await?;
    if played.is_ok() || !checks.wrong().is_empty() {
        conclude(out, &checks, began.elapsed())?;
    }
    played.map(|()| checks.wrong().is_empty())
}

async fn play(
    stack: &Stack,
    large: u64,
    checks: &mut Checks,
    out: &mut impl Write,
) -> Result<(), DemoError> {
    let tenant = stack.tenants.first();
    let mut play = Play {
        client: Client::new(&stack.url)?,
        store: stack.store.clone(),
        tenant: tenant.ok_or(DemoError::Stuck("there is no tenant"))?,
        checks,
        out,
    };
    let token = play.sign_in().await?;
    play.first_import(&token).await?;
    let users = play.users_in_the_directory().await?;
    play.same_file_again(&token, &users).await?;
    play.broken_file(&token, &users).await?;
    play.large_import(&token, large).await?;
    play.execution_log().await
}

struct Play<'a, W> {
    client: Client,
    store: Store,
    tenant: &'a TenantAccess,
    checks: &'a mut Checks,
    out: &'a mut W,
}

impl<W: Write> Play<'_, W> {
    fn title(&mut self, number: u32, text: &str) -> io::Result<()> {
        writeln!(self.out, "{TITLE}{number}  {text}{TITLE:#}")
    }

    async fn sign_in(&mut self) -> Result<String, DemoError> {
        let robot = &self.tenant.robot;
        self.title(1, &format!("Sign in as {}", robot.username))?;
        let (status, reply) = self.client.sign_in(robot).await?;
        let said = reply.get("status").and_then(|s| s.as_str()).unwrap_or("?");
        let token = reply.get("token").and_then(|t| t.as_str()).unwrap_or("");
        self.checks.equal("HTTP status of the sign-in", 200, status);
        self.checks.equal("status of the sign-in", "SUCCESS", said);
        self.checks.holds("there is a token", !token.is_empty());
        writeln!(
            self.out,
            "   POST /authenticate → {status} {said}, a token of {} characters\n",
            token.len()
        )?;
        if token.is_empty() {
            return Err(DemoError::Stuck("there is no token"));
        }
        Ok(token.to_owned())
    }

    async fn send(&mut self, token: &str, body: &str) -> Result<Reply, DemoError> {
        let task_id = self.tenant.task_id;
        let reply = self.client.import(token, task_id, body.to_owned()).await?;
        writeln!(
            self.out,
            "   POST /v1/import/user-data/{task_id}?debug → {TITLE}{}{TITLE:#} {DIM}in {}{DIM:#}\n   {}",
            reply.status,
            shown(reply.took),
            reply.text.trim()
        )?;
        Ok(reply)
    }

    async fn first_import(&mut self, token: &str) -> Result<(), DemoError> {
        self.title(2, "Send the sample of the Quant document")?;
        for line in SAMPLE.lines() {
            writeln!(self.out, "   {DIM}{line}{DIM:#}")?;
        }
        let reply = self.send(token, SAMPLE).await?;
        writeln!(self.out)?;
        let counts = Counts {
            created: 2,
            ..TWO_RECORDS
        };
        self.check_success("the import", &reply, counts).await
    }

    /// The reply and the run of an import of the sample.
    async fn check_success(
        &mut self,
        what: &str,
        reply: &Reply,
        counts: Counts,
    ) -> Result<(), DemoError> {
        let expected = json!({
            "Status": "SUCCESS",
            "Total Lines": 2,
            "Empty IDs": 0,
            "Ignored Users": 0,
            "Duplicated Users": 0,
        });
        self.checks
            .equal(&format!("HTTP status of {what}"), 200, reply.status);
        self.checks
            .equal(&format!("reply of {what}"), &expected, &reply.json);
        let run = self.run_of(what, reply).await?;
        let run = run.as_ref();
        let checks = &mut self.checks;
        let in_log = |field: &str| format!("{field} of {what} in the execution log");
        checks.equal(
            &in_log("status"),
            Some(Status::Success),
            run.and_then(|run| run.status),
        );
        checks.equal(
            &in_log("counters"),
            Some(counts),
            run.and_then(|run| run.counts),
        );
        checks.equal(
            &in_log("items"),
            Some(0),
            run.map(|run| run.item_counts.len()),
        );
        checks.equal(
            &in_log("size"),
            Some(SAMPLE.len() as u64),
            run.map(|run| run.size),
        );
        Ok(())
    }

    /// The run that a reply names, as the log has it.
    async fn run_of(&mut self, what: &str, reply: &Reply) -> Result<Option<Run>, DemoError> {
        let run = match &reply.run {
            Some(id) => self.store.get_run(id, Timestamp::now()).await?,
            None => None,
        };
        self.checks
            .holds(&format!("Import-Id of {what} names a run"), run.is_some());
        let checks = &mut self.checks;
        let in_log = |field: &str| format!("{field} of {what} in the execution log");
        let run_ref = run.as_ref();
        checks.equal(
            &in_log("task"),
            Some(self.tenant.task_id),
            run_ref.map(|r| r.task),
        );
        checks.equal(
            &in_log("robot"),
            Some(self.tenant.robot.username.as_str()),
            run_ref.map(|r| r.robot.as_str()),
        );
        checks.equal(
            &in_log("state"),
            Some(State::Finished),
            run_ref.map(|r| r.state),
        );
        Ok(run)
    }

    async fn users_in_the_directory(&mut self) -> Result<HashMap<String, Stored>, DemoError> {
        self.title(3, "The users in the directory, read from DynamoDB")?;
        let users = self.store.users(LOGINS).await?;
        for (login, expected) in expected_users() {
            let user = users.get(login).and_then(|stored| stored.user.as_ref());
            let checks = &mut self.checks;
            checks.equal(
                &format!("tenant of {login}"),
                Some(self.tenant.name.as_str()),
                user.map(|user| user.tenant.as_str()),
            );
            checks.equal(
                &format!("attributes of {login}"),
                Some(&expected),
                user.map(|user| &user.values),
            );
            let Some(user) = user else {
                writeln!(self.out, "   {BAD}{login} is not there{BAD:#}")?;
                continue;
            };
            let show = |attribute| user.values.get(&attribute).map(text).unwrap_or_default();
            let stores = match user.values.get(&Attribute::AllStores) {
                Some(Value::Flag(true)) => "all stores".to_owned(),
                _ => show(Attribute::IndividualStores),
            };
            writeln!(
                self.out,
                "   {}  {DIM}id{DIM:#} {}  {}  {DIM}{}{DIM:#}  {:<16}  {stores}",
                user.login,
                user.id,
                show(Attribute::Name),
                show(Attribute::Email),
                show(Attribute::Role),
            )?;
        }
        writeln!(self.out)?;
        Ok(users)
    }

    async fn same_file_again(
        &mut self,
        token: &str,
        before: &HashMap<String, Stored>,
    ) -> Result<(), DemoError> {
        self.title(4, "The same file again: nothing is written")?;
        let writes = self.store.directory_writes();
        let reply = self.send(token, SAMPLE).await?;
        let writes = self.store.directory_writes() - writes;
        writeln!(
            self.out,
            "   {writes} writes to the directory, counted at the client"
        )?;
        self.checks
            .equal("directory writes of the second import", 0, writes);
        let counts = Counts {
            unchanged: 2,
            ..TWO_RECORDS
        };
        self.check_success("the second import", &reply, counts)
            .await?;
        self.untouched("the second import", before).await
    }

    /// Version, stamps and values are as they were: no write touched them.
    async fn untouched(
        &mut self,
        by: &str,
        before: &HashMap<String, Stored>,
    ) -> Result<(), DemoError> {
        let after = self.store.users(LOGINS).await?;
        for login in LOGINS {
            let (before, after) = (before.get(login), after.get(login));
            self.checks.holds(
                &format!("{by} leaves {login} untouched"),
                before == after && after.is_some(),
            );
            if let (Some(before), Some(after)) = (before, after) {
                writeln!(
                    self.out,
                    "   {login}: version {} before, {} after",
                    before.version, after.version
                )?;
            }
        }
        writeln!(self.out)?;
        Ok(())
    }

    async fn broken_file(
        &mut self,
        token: &str,
        before: &HashMap<String, Stored>,
    ) -> Result<(), DemoError> {
        self.title(5, "The sample as the document prints it, a comma missing")?;
        let broken = broken_sample();
        let reply = self.send(token, &broken).await?;
        let what = "the broken file";
        self.checks
            .equal("HTTP status of the broken file", 400, reply.status);
        self.checks.equal(
            "Status of the broken file",
            Some(&json!("FAILURE")),
            reply.json.get("Status"),
        );
        let errors = reply
            .json
            .get("Errors")
            .and_then(|errors| errors.as_array());
        self.checks
            .equal("errors of the broken file", Some(1), errors.map(Vec::len));
        self.checks.equal(
            "counters in the reply of the broken file",
            None,
            reply.json.get("Total Lines"),
        );
        let run = self.run_of(what, &reply).await?;
        self.checks.equal(
            "status of the broken file in the execution log",
            Some(Status::Failure),
            run.and_then(|run| run.status),
        );
        self.untouched(what, before).await
    }

    async fn execution_log(&mut self) -> Result<(), DemoError> {
        self.title(8, "The execution log")?;
        let now = Timestamp::now();
        let page = self
            .store
            .list_runs(&self.tenant.name, &RunFilter::default(), None, 10, now)
            .await?;
        self.checks
            .equal("runs in the execution log", 5, page.runs.len());
        for ListedRun { run, .. } in page.runs.iter().rev() {
            let Run {
                id, status, counts, ..
            } = run;
            let status = status.map_or("?", Status::as_str);
            write!(self.out, "   {DIM}{id}{DIM:#}  {status:<8}")?;
            match counts {
                Some(counts) => writeln!(
                    self.out,
                    "  {} records: {} created, {} updated, {} unchanged, {} ignored",
                    counts.total, counts.created, counts.updated, counts.unchanged, counts.ignored
                )?,
                None => writeln!(self.out, "  {}", run.errors.join("; "))?,
            }
        }
        // Whatever still holds a task is on the sweeper's list, however young it is.
        let tomorrow = now
            .checked_add(Duration::from_secs(24 * 3_600))
            .unwrap_or(Timestamp::MAX);
        let held = self.store.end_expired(tomorrow, Duration::ZERO).await?;
        self.checks
            .equal("runs that still hold their task", 0, held.len());
        let task_id = self.tenant.task_id;
        writeln!(
            self.out,
            "   task {task_id} is {}\n",
            if held.is_empty() { "free" } else { "held" }
        )?;
        Ok(())
    }
}
