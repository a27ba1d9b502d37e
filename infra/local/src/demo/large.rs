//! The large import of the demo: users such as HR systems send, a fifth of the records spoilt,
//! through upload, queues, processor and writers. What must come of it their generator has reckoned,
//! which shares no code with the engine.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_core::run::{Counts, State};
use muster_sample::{Options, Reckoning, generate};
use reqwest::Method;
use serde_json::{Value, json};

use super::print::{DIM, TITLE, grouped, shown};
use super::progress::Progress;
use super::sample::LOGINS;
use super::{DemoError, Play};

/// How often the demo asks how far the import is.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// An import that does not come to its end by then never will.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A file, and what must come of it.
struct Large {
    data: Bytes,
    reckoning: Reckoning,
}

impl Large {
    async fn generate(users: u64) -> Result<Self, DemoError> {
        let options = Options {
            users,
            seed: 1,
            anomalies: true,
        };
        let made = tokio::task::spawn_blocking(move || {
            let mut data = Vec::new();
            generate(&options, &mut data).map(|reckoning| (data, reckoning))
        });
        let (data, reckoning) = made.await.map_err(io::Error::other)??;
        Ok(Self {
            data: data.into(),
            reckoning,
        })
    }

    /// What is counted but for what became of those that can be users.
    fn counts(&self) -> Counts {
        let Reckoning {
            total_lines,
            empty_ids,
            ignored_users,
            duplicated_users,
            put_in: _,
        } = self.reckoning;
        Counts {
            total: total_lines,
            empty: empty_ids,
            ignored: ignored_users,
            duplicated: duplicated_users,
            ..Counts::default()
        }
    }

    /// The parts of an upload, each with the address that was signed for it.
    fn parts(&self, upload: &Value) -> Option<Vec<(String, Bytes)>> {
        let size = usize::try_from(upload.get("part_size")?.as_u64()?).ok()?;
        let parts = upload.get("parts")?.as_array()?.iter();
        let parts = parts.map(|part| {
            let url = part.get("url")?.as_str()?.to_owned();
            let number = usize::try_from(part.get("number")?.as_u64()?).ok()?;
            let begin = number.checked_sub(1)?.checked_mul(size)?;
            let end = begin.saturating_add(size).min(self.data.len());
            (begin < end).then(|| (url, self.data.slice(begin..end)))
        });
        parts.collect()
    }
}

impl<W: Write> Play<'_, W> {
    /// The file, and the same file again.
    pub(super) async fn large_import(&mut self, token: &str, users: u64) -> Result<(), DemoError> {
        let records = grouped(users);
        self.title(
            6,
            &format!(
                "A file of {records} records, one in five spoilt, in parts and in the background"
            ),
        )?;
        let large = Large::generate(users).await?;
        let created = large.reckoning.created();
        let what = "the large import";
        let counts = Counts {
            created,
            ..large.counts()
        };
        self.import_in_parts(what, token, &large, counts).await?;
        let found = self.store.count_users(&self.tenant.name, 0).await?.total;
        let expected = created + LOGINS.len() as u64;
        self.checks.equal("users in the directory", expected, found);
        writeln!(self.out, "   {} users in the directory\n", grouped(found))?;

        self.title(7, "The same file again: nothing is written")?;
        let writes = self.store.directory_writes();
        let what = "the large import, again,";
        let counts = Counts {
            unchanged: created,
            ..large.counts()
        };
        self.import_in_parts(what, token, &large, counts).await?;
        let writes = self.store.directory_writes() - writes;
        self.checks
            .equal("directory writes of the large import, again", 0, writes);
        writeln!(
            self.out,
            "   {writes} writes to the directory, counted at the client\n"
        )?;
        Ok(())
    }

    /// Sends the file, follows its import to the end, and checks every figure.
    async fn import_in_parts(
        &mut self,
        what: &str,
        token: &str,
        large: &Large,
        counts: Counts,
    ) -> Result<(), DemoError> {
        let import = self.upload(what, token, large).await?;
        let began = Instant::now();
        let path = "/complete";
        let completed = self.client.of_import(Method::POST, token, &import, path);
        let (status, _) = completed.await?;
        self.checks
            .equal(&format!("HTTP status of completing {what}"), 202, status);
        let ended = self.follow(token, &import, counts.total).await?;
        let took = began.elapsed();
        self.check_ended(what, &ended, counts);
        self.check_stored(what, &import, counts).await?;
        let Counts {
            total,
            empty,
            ignored,
            duplicated,
            created,
            updated,
            unchanged,
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
            shown(took),
            grouped((total as f64 / took.as_secs_f64()) as u64),
        )?;
        Ok(())
    }

    /// Puts the file into the bucket; the import that waits for it.
    async fn upload(
        &mut self,
        what: &str,
        token: &str,
        large: &Large,
    ) -> Result<String, DemoError> {
        let began = Instant::now();
        let task_id = self.tenant.task_id;
        let size = large.data.len();
        let (status, upload) = self.client.announce(token, task_id, size).await?;
        self.checks
            .equal(&format!("HTTP status of announcing {what}"), 201, status);
        let import = upload.get("import_id").and_then(Value::as_str);
        let (Some(import), Some(parts)) = (import, large.parts(&upload)) else {
            return Err(DemoError::Stuck("there is no upload"));
        };
        let count = parts.len();
        for (url, part) in parts {
            let status = self.client.put(&url, part).await?;
            self.checks
                .equal(&format!("HTTP status of a part of {what}"), 200, status);
        }
        writeln!(
            self.out,
            "   POST /v1/import/user-data/{task_id}/uploads → {TITLE}{status}{TITLE:#}, {} KB sent in parts ({count}) {DIM}in {}{DIM:#}",
            grouped(size as u64 / 1_000),
            shown(began.elapsed())
        )?;
        Ok(import.to_owned())
    }

    /// Follows an import until it has ended; how it stands then.
    async fn follow(
        &mut self,
        token: &str,
        import: &str,
        records: u64,
    ) -> Result<Value, DemoError> {
        let began = Instant::now();
        let mut progress = Progress::of(records);
        while began.elapsed() < PATIENCE {
            let (_, standing) = self
                .client
                .of_import(Method::GET, token, import, "")
                .await?;
            let stage = match standing.get("state").and_then(Value::as_str) {
                Some("finished") => {
                    progress.clear();
                    return Ok(standing);
                }
                Some("queued" | "checking") => "checking",
                Some("applying") => "applying",
                _ => break,
            };
            let done = standing.pointer("/progress/records");
            let done = done.and_then(Value::as_u64).unwrap_or(0);
            progress.show(stage, done, self.out)?;
            tokio::time::sleep(ASK_EVERY).await;
        }
        Err(DemoError::Stuck("the large import has not finished"))
    }

    /// What its client can read of an import that has ended.
    fn check_ended(&mut self, what: &str, ended: &Value, counts: Counts) {
        for (name, expected) in [
            ("Status", json!("PARTIAL_SUCCESS")),
            ("Total Lines", json!(counts.total)),
            ("Empty IDs", json!(counts.empty)),
            ("Ignored Users", json!(counts.ignored)),
            ("Duplicated Users", json!(counts.duplicated)),
            ("Created", json!(counts.created)),
            ("Updated", json!(counts.updated)),
            ("Unchanged", json!(counts.unchanged)),
        ] {
            self.checks.equal(
                &format!("{name} of {what}"),
                Some(&expected),
                ended.get(name),
            );
        }
    }

    /// What the execution log has of it.
    async fn check_stored(
        &mut self,
        what: &str,
        import: &str,
        counts: Counts,
    ) -> Result<(), DemoError> {
        let run = match RunId::parse(import) {
            Some(id) => self.store.get_run(&id, Timestamp::now()).await?,
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
