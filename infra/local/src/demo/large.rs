//! The large import of the demo: users as HR systems send them, one record in five invalid, through
//! upload, queues, processor and writers. The generator of the file computes the expected result;
//! it shares no code with the engine.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_core::run::{Counts, State};
use muster_sample::{ExpectedCounts, Options, generate};
use reqwest::Method;
use serde_json::{Value, json};

use super::error::DemoError;
use super::print::{DIM, TITLE, duration, grouped};
use super::progress::DemoProgress;
use super::run::DemoRun;
use super::sample::LOGINS;

/// Interval between status requests.
const STATUS_INTERVAL: Duration = Duration::from_millis(100);
/// Time after which an unfinished import counts as failed.
const IMPORT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// A generated file and its expected result.
struct LargeFile {
    data: Bytes,
    reckoning: ExpectedCounts,
}

impl LargeFile {
    async fn generate(users: u64) -> Result<Self, DemoError> {
        let options = Options {
            users,
            seed: 1,
            anomalies: true,
        };
        let generated = tokio::task::spawn_blocking(move || {
            let mut data = Vec::new();
            generate(&options, &mut data).map(|reckoning| (data, reckoning))
        });
        let (data, reckoning) = generated.await.map_err(io::Error::other)??;
        Ok(Self {
            data: data.into(),
            reckoning,
        })
    }

    /// Returns the expected counts, without created, updated and unchanged users.
    fn counts(&self) -> Counts {
        let ExpectedCounts {
            total_lines,
            empty_ids,
            ignored_users,
            duplicated_users,
            anomaly_counts: _,
        } = self.reckoning;
        Counts {
            total: total_lines,
            empty: empty_ids,
            ignored: ignored_users,
            duplicated: duplicated_users,
            ..Counts::default()
        }
    }

    /// Splits the file into the parts of an upload, each with its signed URL.
    fn parts(&self, upload: &Value) -> Option<Vec<(String, Bytes)>> {
        let size = usize::try_from(upload.get("part_size")?.as_u64()?).ok()?;
        let parts = upload.get("parts")?.as_array()?.iter();
        let parts = parts.map(|part| {
            let url = part.get("url")?.as_str()?.to_owned();
            let number = usize::try_from(part.get("number")?.as_u64()?).ok()?;
            let start = number.checked_sub(1)?.checked_mul(size)?;
            let end = start.saturating_add(size).min(self.data.len());
            (start < end).then(|| (url, self.data.slice(start..end)))
        });
        parts.collect()
    }
}

impl<W: Write> DemoRun<'_, W> {
    /// Imports the file twice.
    pub(super) async fn large_import(&mut self, token: &str, users: u64) -> Result<(), DemoError> {
        let records = grouped(users);
        self.title(
            6,
            &format!(
                "A file of {records} records, one in five invalid, uploaded in parts and imported in the background"
            ),
        )?;
        let file = LargeFile::generate(users).await?;
        let created = file.reckoning.created();
        let what = "the large import";
        let counts = Counts {
            created,
            ..file.counts()
        };
        self.import_in_parts(what, token, &file, counts).await?;
        let total = self
            .store
            .directory()
            .count(&self.tenant.name, 0)
            .await?
            .total;
        let expected = created + LOGINS.len() as u64;
        self.checks.equal("users in the directory", expected, total);
        writeln!(self.out, "   {} users in the directory\n", grouped(total))?;

        self.title(7, "The same file again: nothing is written")?;
        let writes = self.store.directory_writes();
        let what = "the large import, again,";
        let counts = Counts {
            unchanged: created,
            ..file.counts()
        };
        self.import_in_parts(what, token, &file, counts).await?;
        let writes = self.store.directory_writes() - writes;
        self.checks
            .equal("directory writes of the large import, again", 0, writes);
        writeln!(
            self.out,
            "   {writes} writes to the directory, counted by the client\n"
        )?;
        Ok(())
    }

    /// Uploads the file, waits for its import, and checks every figure.
    async fn import_in_parts(
        &mut self,
        what: &str,
        token: &str,
        file: &LargeFile,
        counts: Counts,
    ) -> Result<(), DemoError> {
        let import = self.upload(what, token, file).await?;
        let started = Instant::now();
        let path = "/complete";
        let completed = self
            .client
            .import_request(Method::POST, token, &import, path);
        let (status, _) = completed.await?;
        self.checks
            .equal(&format!("HTTP status of completing {what}"), 202, status);
        let status = self.wait_for_import(token, &import, counts.total).await?;
        let elapsed = started.elapsed();
        self.check_status(what, &status, counts);
        self.check_log(what, &import, counts).await?;
        let Counts {
            total,
            empty,
            ignored,
            duplicated,
            created,
            updated,
            unchanged,
            renamed: _,
            moved: _,
            blocked: _,
            unblocked: _,
            cleared: _,
        } = counts;
        let shown_counts = [
            ("created", created),
            ("updated", updated),
            ("unchanged", unchanged),
            ("ignored", ignored),
            ("duplicated", duplicated),
            ("without a username", empty),
        ];
        let shown_counts = shown_counts.map(|(name, count)| format!("{} {name}", grouped(count)));
        writeln!(
            self.out,
            "   {}\n   {TITLE}{} records in {}: {} a second{TITLE:#}",
            shown_counts.join(", "),
            grouped(total),
            duration(elapsed),
            grouped((total as f64 / elapsed.as_secs_f64()) as u64),
        )?;
        Ok(())
    }

    /// Uploads the file to the bucket and returns the id of its import.
    async fn upload(
        &mut self,
        what: &str,
        token: &str,
        file: &LargeFile,
    ) -> Result<String, DemoError> {
        let started = Instant::now();
        let task_id = self.tenant.task_id;
        let size = file.data.len();
        let (status, upload) = self.client.create_upload(token, task_id, size).await?;
        self.checks
            .equal(&format!("HTTP status of the upload of {what}"), 201, status);
        let import = upload.get("import_id").and_then(Value::as_str);
        let (Some(import), Some(parts)) = (import, file.parts(&upload)) else {
            return Err(DemoError::Aborted("no upload was created"));
        };
        let count = parts.len();
        for (url, part) in parts {
            let status = self.client.upload_part(&url, part).await?;
            self.checks
                .equal(&format!("HTTP status of a part of {what}"), 200, status);
        }
        writeln!(
            self.out,
            "   POST /v1/import/user-data/{task_id}/uploads → {TITLE}{status}{TITLE:#}, {} KB sent in parts ({count}) {DIM}in {}{DIM:#}",
            grouped(size as u64 / 1_000),
            duration(started.elapsed())
        )?;
        Ok(import.to_owned())
    }

    /// Waits until an import has finished and returns its status.
    async fn wait_for_import(
        &mut self,
        token: &str,
        import: &str,
        records: u64,
    ) -> Result<Value, DemoError> {
        let started = Instant::now();
        let mut progress = DemoProgress::new(records);
        while started.elapsed() < IMPORT_TIMEOUT {
            let (_, status) = self
                .client
                .import_request(Method::GET, token, import, "")
                .await?;
            let stage = match status.get("state").and_then(Value::as_str) {
                Some("finished") => {
                    progress.clear();
                    return Ok(status);
                }
                Some("queued" | "checking") => "checking",
                Some("applying") => "applying",
                _ => break,
            };
            let done = status.pointer("/progress/records");
            let done = done.and_then(Value::as_u64).unwrap_or(0);
            progress.show(stage, done, self.out)?;
            tokio::time::sleep(STATUS_INTERVAL).await;
        }
        Err(DemoError::Aborted("the large import has not finished"))
    }

    /// Checks the status of a finished import.
    fn check_status(&mut self, what: &str, status: &Value, counts: Counts) {
        for (name, expected) in [
            ("Status", json!("PARTIAL_SUCCESS")),
            ("Total Lines", json!(counts.total)),
            ("Empty IDs", json!(counts.empty)),
            ("Ignored Users", json!(counts.ignored)),
            ("Duplicated Users", json!(counts.duplicated)),
            ("Created", json!(counts.created)),
            ("Updated", json!(counts.updated)),
            ("Unchanged", json!(counts.unchanged)),
            ("Renamed", json!(counts.renamed)),
            ("Moved", json!(counts.moved)),
            ("Blocked", json!(counts.blocked)),
            ("Unblocked", json!(counts.unblocked)),
            ("Cleared", json!(counts.cleared)),
        ] {
            self.checks.equal(
                &format!("{name} of {what}"),
                Some(&expected),
                status.get(name),
            );
        }
    }

    /// Checks the run in the execution log.
    async fn check_log(
        &mut self,
        what: &str,
        import: &str,
        counts: Counts,
    ) -> Result<(), DemoError> {
        let run = match RunId::parse(import) {
            Some(id) => self.store.runs().get(&id, Timestamp::now()).await?,
            None => None,
        };
        let run = run.as_ref();
        let in_log = |field: &str| format!("{field} of {what} in the execution log");
        self.checks.equal(
            &in_log("state"),
            Some(State::Finished),
            run.map(|run| run.state),
        );
        self.checks.equal(
            &in_log("counters"),
            Some(counts),
            run.and_then(|run| run.counts),
        );
        Ok(())
    }
}
