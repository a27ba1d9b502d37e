//! The cost of an import in the background on AWS: counts every request of the real functions, and
//! the capacity that each consumes according to the emulated store. Prices are list prices.
//!
//! `cargo bench -p muster-tests --bench cost -- [USERS]`
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot measure should end"
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
use muster_tests::background::{receive_messages, upload};
use muster_tests::interceptor::Service;
use muster_tests::meter::{Bill, Meter};
use serde::de::DeserializeOwned;

mod moved_ids;

/// Prices in dollars: list prices of us-east-1, on demand, November 2026, without the free tier. Most
/// other regions are 10 to 20 % more expensive.
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

/// Keys that the task of the stack maps.
const MAPPED_KEYS: [&str; 7] = [
    "Username",
    "Name",
    "Role",
    "E-mail",
    "All Stores",
    "Individual Stores",
    "External ID",
];

/// Memory of the functions in MB, as in `infra/template.yaml`.
const PROCESSOR_MEMORY_MB: f64 = 3_008.0;
const WRITER_MEMORY_MB: f64 = 1_769.0;
const SWEEPER_MEMORY_MB: f64 = 256.0;
const API_MEMORY_MB: f64 = 1_769.0;

#[tokio::main]
async fn main() {
    let users: u64 = std::env::args()
        .skip(1)
        .find_map(|it| it.parse().ok())
        .unwrap_or(100_000);
    let stack = MeteredStack::start().await;
    let mut file = Vec::new();
    let options = Options {
        users,
        seed: 1,
        anomalies: false,
    };
    generate(&options, &mut file).expect("writing to memory");
    let text = with_mapped_keys(&file);
    let changed = text.replace("\"Name\":\"", "\"Name\":\"Dr. ");
    println!("charges for {users} users: upload, processor and writers");
    for (what, file) in [
        ("new", &text),
        ("unchanged", &text),
        ("changed", &changed),
        ("unchanged, a dry run", &changed),
    ] {
        let dry_run = what.ends_with("run");
        let import = stack.import(file, dry_run).await;
        let counted = (
            import.counts.created,
            import.counts.updated,
            import.counts.unchanged,
        );
        let expected = match what {
            "new" => (users, 0, 0),
            "changed" => (0, users, 0),
            _ => (0, 0, users),
        };
        assert_eq!(counted, expected, "{what}");
        import.print(what, users);
    }
    stack.moved_ids(users).await;
    stack.minute_of_sweeps().await;
    stack.stack.stop().await.expect("the stack stops");
}

/// A stack whose functions are called one after the other, and their requests counted.
struct MeteredStack {
    stack: Stack,
    meter: Arc<Meter>,
    runner: Runner,
    task: Task,
}

/// The charges of one function.
struct Charges {
    function: &'static str,
    calls: u64,
    duration: Duration,
    memory_mb: f64,
    /// Messages that it was called with. Lambda receives and deletes each.
    messages: u64,
    bill: Bill,
}

/// The charges of an import.
struct MeasuredImport {
    counts: Counts,
    functions: Vec<Charges>,
}

impl MeteredStack {
    async fn start() -> Self {
        let options = StackOptions {
            workers: WorkerOptions::NONE,
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await.expect("the stack starts");
        let meter = Arc::new(Meter::default());
        let runner = meter.runner(&stack.runner);
        let tenant = stack.tenants.first().expect("a tenant");
        let task = stack.store.tasks().get(tenant.task_id).await;
        Self {
            task: task.expect("reading the task").expect("the task exists"),
            meter,
            runner,
            stack,
        }
    }

    /// Imports a file and returns the charges of each function.
    async fn import(&self, file: &str, dry_run: bool) -> MeasuredImport {
        drop(self.meter.take());
        let began = Instant::now();
        let (store, background) = (&self.runner.store, &self.runner.background);
        let sent = upload(store, background, &self.task, file.as_bytes(), dry_run);
        let (run, parts) = sent.await;
        let mut api = self.charged("imports", 2, began, API_MEMORY_MB, 0);
        // The client's own requests are charged to the bucket's owner.
        let put = (Service::S3, "PUT".to_owned());
        *api.bill.requests.entry(put).or_default() += parts;

        let began = Instant::now();
        let message = self
            .receive::<ProcessMessage>(self.queues().imports_url())
            .await;
        for message in message {
            self.runner
                .process(message)
                .await
                .expect("processing the file");
        }
        let processor = self.charged("processor", 1, began, PROCESSOR_MEMORY_MB, 1);

        let (began, mut chunks) = (Instant::now(), 0);
        loop {
            let messages = self
                .receive::<ChunkMessage>(self.queues().chunks_url())
                .await;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                chunks += 1;
                self.runner.write(message).await.expect("writing a chunk");
            }
        }
        let writers = self.charged("writer", chunks, began, WRITER_MEMORY_MB, chunks);
        let run = self.stack.store.runs().get(&run, Timestamp::now()).await;
        let run = run.expect("reading the run").expect("the run exists");
        MeasuredImport {
            counts: run
                .counts
                .unwrap_or_else(|| panic!("the run has not ended: {run:?}")),
            functions: vec![api, processor, writers],
        }
    }

    const fn queues(&self) -> &muster_aws::background::Queues {
        &self.stack.background.queues
    }

    /// Receives messages of a queue. Not counted here, since Lambda receives them.
    async fn receive<M: DeserializeOwned>(&self, url: &str) -> Vec<M> {
        receive_messages(&self.queues().client, url).await
    }

    fn charged(
        &self,
        function: &'static str,
        calls: u64,
        since: Instant,
        memory_mb: f64,
        messages: u64,
    ) -> Charges {
        Charges {
            function,
            calls,
            duration: since.elapsed(),
            memory_mb,
            messages,
            bill: self.meter.take(),
        }
    }

    /// Prints the charges of the sweeper, which is called each minute even without runs.
    async fn minute_of_sweeps(&self) {
        const SWEEPS_PER_MONTH: f64 = 30.0 * 24.0 * 60.0;
        drop(self.meter.take());
        let began = Instant::now();
        self.runner.sweep().await.expect("sweeping");
        let sweep = self.charged("sweeper", 1, began, SWEEPER_MEMORY_MB, 0);
        println!(
            "\nsweeper, a month without runs: ${:.2}",
            sweep.dollars() * SWEEPS_PER_MONTH
        );
    }
}

impl Charges {
    fn units(units: &std::collections::BTreeMap<String, f64>, table: &str) -> f64 {
        let matching = units.iter().filter(|(name, _)| name.ends_with(table));
        matching.fold(0.0, |sum, (_, units)| sum + units)
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

    /// Returns the requests of the function, and those of Lambda, which receives up to ten messages at
    /// a time; here each message has an invocation of its own.
    fn sqs(&self) -> u64 {
        self.bill.requests(Service::Sqs, |_| true) + 2 * self.messages
    }

    fn gb_seconds(&self) -> f64 {
        self.duration.as_secs_f64() * self.memory_mb / 1_024.0
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

impl MeasuredImport {
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
            "$ per 1 M"
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
                Charges::units(reads, "directory"),
                Charges::units(writes, "directory"),
                Charges::units(reads, "control"),
                Charges::units(writes, "control"),
                function.s3_reads(),
                function.s3_writes(),
                function.sqs(),
                function.gb_seconds(),
                function.dollars() * million,
            );
        }
        let all: f64 = self.functions.iter().map(Charges::dollars).sum();
        println!("per million users: ${:.2}", all * million);
    }
}

/// Returns the records with the keys that the task of the stack maps: others would be noted in the log.
fn with_mapped_keys(file: &[u8]) -> String {
    let mut records: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(file).expect("an array of objects");
    for record in &mut records {
        record.retain(|key, _| MAPPED_KEYS.contains(&key.as_str()));
    }
    serde_json::to_string(&records).expect("JSON")
}
