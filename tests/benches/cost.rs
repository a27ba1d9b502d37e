//! What an import in the background costs on AWS: every request of the real functions is counted,
//! and the capacity that each consumes, as the emulated store says. Prices are list prices.
//!
//! `cargo bench -p muster-tests --bench cost -- [USERS]`
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a figure that cannot be taken should end the bench"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::background::{ChunkMessage, ProcessMessage};
use muster_aws::tasks::Task;
use muster_core::run::Counts;
use muster_import::Runner;
use muster_local::{Stack, StackOptions, WorkerOptions};
use muster_sample::{Options, generate};
use muster_tests::background::{received, uploaded};
use muster_tests::between::Service;
use muster_tests::meter::{Bill, Meter};
use serde::de::DeserializeOwned;

/// Dollars. List prices of us-east-1, on demand, November 2026; most other regions are some 10 to
/// 20 % above. Without the free tier.
mod price {
    pub(super) const READ_UNIT: f64 = 0.125e-6;
    pub(super) const WRITE_UNIT: f64 = 0.625e-6;
    /// PUT, POST, LIST.
    pub(super) const S3_WRITE: f64 = 0.005e-3;
    pub(super) const S3_READ: f64 = 0.0004e-3;
    pub(super) const SQS_REQUEST: f64 = 0.40e-6;
    pub(super) const LAMBDA_REQUEST: f64 = 0.20e-6;
    /// arm64, first tier.
    pub(super) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
}

/// MB, as `infra/template.yaml` has them.
const PROCESSOR_MEMORY: f64 = 3_008.0;
const WRITER_MEMORY: f64 = 1_769.0;
const SWEEPER_MEMORY: f64 = 256.0;
const API_MEMORY: f64 = 1_769.0;

#[tokio::main]
async fn main() {
    let users: u64 = std::env::args()
        .skip(1)
        .find_map(|it| it.parse().ok())
        .unwrap_or(100_000);
    let stage = Stage::start().await;
    let mut file = Vec::new();
    let options = Options {
        users,
        seed: 1,
        anomalies: false,
    };
    generate(&options, &mut file).expect("memory");
    let text = String::from_utf8(file).expect("UTF-8");
    let changed = text.replace("\"Name\":\"", "\"Name\":\"Dr. ");
    println!("what is charged for {users} users, through upload, processor and writers");
    for (what, file) in [
        ("new", &text),
        ("unchanged", &text),
        ("changed", &changed),
        ("unchanged, a dry run", &changed),
    ] {
        let dry_run = what.ends_with("run");
        let charged = stage.import(file, dry_run).await;
        let done = (
            charged.counts.created,
            charged.counts.updated,
            charged.counts.unchanged,
        );
        let expected = match what {
            "new" => (users, 0, 0),
            "changed" => (0, users, 0),
            _ => (0, 0, users),
        };
        assert_eq!(done, expected, "{what}");
        charged.print(what, users);
    }
    stage.minute_of_sweeps().await;
    stage.stack.stop().await.expect("the stack stops");
}

/// A stack whose functions are called here, one after the other.
struct Stage {
    stack: Stack,
    meter: Arc<Meter>,
    runner: Runner,
    task: Task,
}

/// What one kind of function did.
struct Charged {
    function: &'static str,
    calls: u64,
    took: Duration,
    memory: f64,
    /// Messages that it was called with, each received and deleted by Lambda.
    messages: u64,
    bill: Bill,
}

/// An import.
struct Import {
    counts: Counts,
    functions: Vec<Charged>,
}

impl Stage {
    async fn start() -> Self {
        let options = StackOptions {
            workers: WorkerOptions::NONE,
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await.expect("the stack starts");
        let meter = Arc::new(Meter::default());
        let runner = meter.runner(&stack.runner);
        let tenant = stack.tenants.first().expect("a tenant");
        let task = stack.store.get_task(tenant.task_id).await;
        Self {
            task: task.expect("the store").expect("the task"),
            meter,
            runner,
            stack,
        }
    }

    /// Imports a file; what was charged for each of the functions.
    async fn import(&self, file: &str, dry_run: bool) -> Import {
        drop(self.meter.take());
        let began = Instant::now();
        let (store, background) = (&self.runner.store, &self.runner.background);
        let sent = uploaded(store, background, &self.task, file.as_bytes(), dry_run);
        let (run, parts) = sent.await;
        let mut api = self.charged("imports", 2, began, API_MEMORY, 0);
        // The client's own: they are charged to the bucket's owner.
        let put = (Service::S3, "PUT".to_owned());
        *api.bill.requests.entry(put).or_default() += parts;

        let began = Instant::now();
        let message = self
            .received::<ProcessMessage>(self.queues().imports_url())
            .await;
        for message in message {
            self.runner.process(message).await.expect("it is read");
        }
        let processor = self.charged("processor", 1, began, PROCESSOR_MEMORY, 1);

        let (began, mut chunks) = (Instant::now(), 0);
        loop {
            let messages = self
                .received::<ChunkMessage>(self.queues().chunks_url())
                .await;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                chunks += 1;
                self.runner.write(message).await.expect("it is written");
            }
        }
        let writers = self.charged("writer", chunks, began, WRITER_MEMORY, chunks);
        let run = self.stack.store.get_run(&run, Timestamp::now()).await;
        let run = run.expect("the store").expect("the run");
        Import {
            counts: run
                .counts
                .unwrap_or_else(|| panic!("it has not ended: {run:?}")),
            functions: vec![api, processor, writers],
        }
    }

    const fn queues(&self) -> &muster_aws::background::Queues {
        &self.stack.background.queues
    }

    /// Messages of a queue; not counted, for Lambda takes them.
    async fn received<M: DeserializeOwned>(&self, url: &str) -> Vec<M> {
        received(&self.queues().client, url).await
    }

    fn charged(
        &self,
        function: &'static str,
        calls: u64,
        since: Instant,
        memory: f64,
        messages: u64,
    ) -> Charged {
        Charged {
            function,
            calls,
            took: since.elapsed(),
            memory,
            messages,
            bill: self.meter.take(),
        }
    }

    /// The sweeper is called each minute, whether or not there is a run.
    async fn minute_of_sweeps(&self) {
        const A_MONTH: f64 = 30.0 * 24.0 * 60.0;
        drop(self.meter.take());
        let began = Instant::now();
        self.runner
            .sweep()
            .await
            .expect("nothing is there to be swept");
        let sweep = self.charged("sweeper", 1, began, SWEEPER_MEMORY, 0);
        println!(
            "\nthe sweeper, in a month without runs: ${:.2}",
            sweep.dollars() * A_MONTH
        );
    }
}

impl Charged {
    fn units(units: &std::collections::BTreeMap<String, f64>, table: &str) -> f64 {
        let ours = units.iter().filter(|(name, _)| name.ends_with(table));
        ours.fold(0.0, |sum, (_, units)| sum + units)
    }

    fn reads(&self) -> f64 {
        Self::units(&self.bill.reads, "")
    }

    fn writes(&self) -> f64 {
        Self::units(&self.bill.writes, "")
    }

    fn s3_reads(&self) -> u64 {
        self.bill
            .requests(Service::S3, |method| matches!(method, "GET" | "HEAD"))
    }

    fn s3_writes(&self) -> u64 {
        self.bill
            .requests(Service::S3, |method| matches!(method, "PUT" | "POST"))
    }

    /// Those of the function, and those of Lambda: it receives up to ten messages at once, but here
    /// each has an invocation of its own.
    fn sqs(&self) -> u64 {
        self.bill.requests(Service::Sqs, |_| true) + 2 * self.messages
    }

    fn gb_seconds(&self) -> f64 {
        self.took.as_secs_f64() * self.memory / 1_024.0
    }

    fn dollars(&self) -> f64 {
        self.reads() * price::READ_UNIT
            + self.writes() * price::WRITE_UNIT
            + self.s3_reads() as f64 * price::S3_READ
            + self.s3_writes() as f64 * price::S3_WRITE
            + self.sqs() as f64 * price::SQS_REQUEST
            + self.calls as f64 * price::LAMBDA_REQUEST
            + self.gb_seconds() * price::LAMBDA_GB_SECOND
    }
}

impl Import {
    fn print(&self, what: &str, users: u64) {
        println!(
            "\n{what}\n{:<10} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>6} {:>8} {:>10}",
            "function",
            "calls",
            "directory",
            "",
            "control",
            "",
            "S3",
            "",
            "SQS",
            "GB-s",
            "$ of 1 M"
        );
        println!(
            "{:<10} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}",
            "", "", "RRU", "WRU", "RRU", "WRU", "read", "write"
        );
        let million = 1e6 / users as f64;
        for function in &self.functions {
            let Bill { reads, writes, .. } = &function.bill;
            println!(
                "{:<10} {:>6} {:>9.0} {:>9.0} {:>9.0} {:>9.0} {:>7} {:>7} {:>6} {:>8.1} {:>10.4}",
                function.function,
                function.calls,
                Charged::units(reads, "directory"),
                Charged::units(writes, "directory"),
                Charged::units(reads, "control"),
                Charged::units(writes, "control"),
                function.s3_reads(),
                function.s3_writes(),
                function.sqs(),
                function.gb_seconds(),
                function.dollars() * million,
            );
        }
        let all: f64 = self.functions.iter().map(Charged::dollars).sum();
        println!("one million such users: ${:.2}", all * million);
    }
}
