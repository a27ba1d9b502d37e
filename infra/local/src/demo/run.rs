//! The steps of the demo with small files.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::Store;
use muster_aws::directory::LoginRow;
use muster_aws::runs::{ListedRun, Run, RunFilter};
use muster_core::attribute::Attribute;
use muster_core::run::{Counts, State, Status};
use muster_core::value::Value;
use serde_json::json;

use super::checks::Checks;
use super::client::{DemoClient, DemoResponse};
use super::error::DemoError;
use super::print::{BAD, DIM, TITLE, duration, value_text};
use super::sample::{LOGINS, SAMPLE, TWO_RECORDS, broken_sample, expected_users};
use crate::seed::SeededTenant;

/// A run of the demo.
pub(super) struct DemoRun<'a, W> {
    pub client: DemoClient,
    pub store: Store,
    pub tenant: &'a SeededTenant,
    pub checks: &'a mut Checks,
    pub out: &'a mut W,
}

impl<W: Write> DemoRun<'_, W> {
    pub(super) fn title(&mut self, number: u32, text: &str) -> io::Result<()> {
        writeln!(self.out, "{TITLE}{number}  {text}{TITLE:#}")
    }

    pub(super) async fn sign_in(&mut self) -> Result<String, DemoError> {
        let robot = &self.tenant.robot;
        self.title(1, &format!("Sign in as {}", robot.username))?;
        let (status, body) = self.client.sign_in(robot).await?;
        let text = body.get("status").and_then(|s| s.as_str()).unwrap_or("?");
        let token = body.get("token").and_then(|t| t.as_str()).unwrap_or("");
        self.checks.equal("HTTP status of the sign-in", 200, status);
        self.checks.equal("status of the sign-in", "SUCCESS", text);
        self.checks.is_true("a token is issued", !token.is_empty());
        writeln!(
            self.out,
            "   POST /authenticate → {status} {text}, a token of {} characters\n",
            token.len()
        )?;
        if token.is_empty() {
            return Err(DemoError::Aborted("no token was issued"));
        }
        Ok(token.to_owned())
    }

    async fn send(&mut self, token: &str, body: &str) -> Result<DemoResponse, DemoError> {
        let task_id = self.tenant.task_id;
        let response = self.client.import(token, task_id, body.to_owned()).await?;
        writeln!(
            self.out,
            "   POST /v1/import/user-data/{task_id}?debug → {TITLE}{}{TITLE:#} {DIM}in {}{DIM:#}\n   {}",
            response.status,
            duration(response.duration),
            response.text.trim()
        )?;
        Ok(response)
    }

    pub(super) async fn first_import(&mut self, token: &str) -> Result<(), DemoError> {
        self.title(2, "Send the sample of the Quant document")?;
        for line in SAMPLE.lines() {
            writeln!(self.out, "   {DIM}{line}{DIM:#}")?;
        }
        let response = self.send(token, SAMPLE).await?;
        writeln!(self.out)?;
        let counts = Counts {
            created: 2,
            ..TWO_RECORDS
        };
        self.check_success("the import", &response, counts).await
    }

    /// Checks the response and the run of an import of the sample.
    async fn check_success(
        &mut self,
        what: &str,
        response: &DemoResponse,
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
            .equal(&format!("HTTP status of {what}"), 200, response.status);
        self.checks
            .equal(&format!("response of {what}"), &expected, &response.json);
        let run = self.run_of(what, response).await?;
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

    /// Returns the run that a response names, as the execution log has it.
    async fn run_of(
        &mut self,
        what: &str,
        response: &DemoResponse,
    ) -> Result<Option<Run>, DemoError> {
        let run = match &response.run {
            Some(id) => self.store.runs().get(id, Timestamp::now()).await?,
            None => None,
        };
        self.checks
            .is_true(&format!("Import-Id of {what} names a run"), run.is_some());
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

    pub(super) async fn users_in_the_directory(
        &mut self,
    ) -> Result<HashMap<String, LoginRow>, DemoError> {
        self.title(3, "The users in the directory, read from DynamoDB")?;
        let users = self.store.directory().users(LOGINS).await?;
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
                writeln!(self.out, "   {BAD}{login} is missing{BAD:#}")?;
                continue;
            };
            let show = |attribute| {
                user.values
                    .get(&attribute)
                    .map(value_text)
                    .unwrap_or_default()
            };
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

    pub(super) async fn same_file_again(
        &mut self,
        token: &str,
        before: &HashMap<String, LoginRow>,
    ) -> Result<(), DemoError> {
        self.title(4, "The same file again: nothing is written")?;
        let writes = self.store.directory_writes();
        let response = self.send(token, SAMPLE).await?;
        let writes = self.store.directory_writes() - writes;
        writeln!(
            self.out,
            "   {writes} writes to the directory, counted by the client"
        )?;
        self.checks
            .equal("directory writes of the second import", 0, writes);
        let counts = Counts {
            unchanged: 2,
            ..TWO_RECORDS
        };
        self.check_success("the second import", &response, counts)
            .await?;
        self.check_untouched("the second import", before).await
    }

    /// Checks that versions, stamps and values are unchanged.
    async fn check_untouched(
        &mut self,
        what: &str,
        before: &HashMap<String, LoginRow>,
    ) -> Result<(), DemoError> {
        let after = self.store.directory().users(LOGINS).await?;
        for login in LOGINS {
            let (before, after) = (before.get(login), after.get(login));
            self.checks.is_true(
                &format!("{what} leaves {login} untouched"),
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

    pub(super) async fn broken_file(
        &mut self,
        token: &str,
        before: &HashMap<String, LoginRow>,
    ) -> Result<(), DemoError> {
        self.title(
            5,
            "The sample as the document prints it, with a missing comma",
        )?;
        let broken = broken_sample();
        let response = self.send(token, &broken).await?;
        let what = "the broken file";
        self.checks
            .equal("HTTP status of the broken file", 400, response.status);
        self.checks.equal(
            "Status of the broken file",
            Some(&json!("FAILURE")),
            response.json.get("Status"),
        );
        let errors = response
            .json
            .get("Errors")
            .and_then(|errors| errors.as_array());
        self.checks
            .equal("errors of the broken file", Some(1), errors.map(Vec::len));
        self.checks.equal(
            "counters in the response of the broken file",
            None,
            response.json.get("Total Lines"),
        );
        let run = self.run_of(what, &response).await?;
        self.checks.equal(
            "status of the broken file in the execution log",
            Some(Status::Failure),
            run.and_then(|run| run.status),
        );
        self.check_untouched(what, before).await
    }

    pub(super) async fn execution_log(&mut self) -> Result<(), DemoError> {
        self.title(8, "The execution log")?;
        let now = Timestamp::now();
        let page = self
            .store
            .runs()
            .list(&self.tenant.name, &RunFilter::default(), None, 10, now)
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
        // A run that still has its task lock is on the sweeper's list, however recent it is.
        let tomorrow = now
            .checked_add(Duration::from_secs(24 * 3_600))
            .unwrap_or(Timestamp::MAX);
        let locked = self
            .store
            .task_locks()
            .end_expired(tomorrow, Duration::ZERO)
            .await?;
        self.checks.equal("runs with a task lock", 0, locked.len());
        let task_id = self.tenant.task_id;
        writeln!(
            self.out,
            "   task {task_id} is {}\n",
            if locked.is_empty() {
                "unlocked"
            } else {
                "locked"
            }
        )?;
        Ok(())
    }
}
