//! Cold starts: from exec to the first request for the next event, each function against a
//! hello-world function, in one run.
//!
//! ```sh
//! FUNCTIONS="-p muster-cold-start -p muster-auth -p muster-imports -p muster-users
//!     -p muster-processor -p muster-writer -p muster-sweeper"
//! cargo build --release $FUNCTIONS
//! cargo bench -p muster-cold-start            # or, as they are deployed:
//! cargo lambda build --release $FUNCTIONS
//! cargo bench -p muster-cold-start -- target/lambda
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a figure that cannot be taken should end the bench"
)]

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is started, and with which certificate authorities (docs/adr/0005).
const STARTED: [(&str, &str); 8] = [
    ("muster-hello", "amazon"),
    ("muster-auth", "amazon"),
    ("muster-imports", "amazon"),
    ("muster-imports", "system"),
    ("muster-users", "amazon"),
    ("muster-processor", "amazon"),
    ("muster-writer", "amazon"),
    ("muster-sweeper", "amazon"),
];
const ROUNDS: usize = 101;

fn main() {
    // cargo bench adds flags of its own.
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let folder = folder.map_or_else(release_folder, |folder| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder)
    });
    let binaries = STARTED.map(|(name, _)| binary(&folder, name));
    let mut times = STARTED.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..=ROUNDS {
        // In turns, so that what else the machine does hits all alike.
        for (((_, roots), binary), times) in STARTED.iter().zip(&binaries).zip(&mut times) {
            let time = until_first_poll(binary, roots);
            // The first one finds nothing in the page cache.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let medians = times.map(median);
    println!(
        "exec to the first request for an event, medians of {ROUNDS}, {}",
        folder.display()
    );
    for (((name, roots), median), binary) in STARTED.iter().zip(&medians).zip(&binaries) {
        let size = std::fs::metadata(binary).expect("it has run").len() as f64 / 1e6;
        let ratio = median / medians[0];
        println!("{name:<16} {roots}'s roots {median:6.2} ms  {ratio:5.2} of hello  {size:5.1} MB");
    }
}

fn release_folder() -> PathBuf {
    // This program is in .../release/deps.
    let own = std::env::current_exe().expect("a program has a path");
    own.ancestors()
        .nth(2)
        .expect("a profile's folder")
        .to_path_buf()
}

/// `cargo lambda build` makes a folder of each.
fn binary(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let path = if path.is_dir() {
        path.join("bootstrap")
    } else {
        path
    };
    assert!(
        path.is_file(),
        "{} is not there: see the first lines of this bench",
        path.display()
    );
    path
}

/// Plays the Lambda runtime until the function asks for an event.
fn until_first_poll(binary: &Path, roots: &str) -> Duration {
    let api = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = api.local_addr().expect("an address").to_string();
    let began = Instant::now();
    let child = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "muster-bench")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/muster-bench")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_SESSION_TOKEN", "bench")
        .env("MUSTER_TABLE_DIRECTORY", "bench-directory")
        .env("MUSTER_TABLE_CONTROL", "bench-control")
        .env("MUSTER_BUCKET", "bench-imports")
        .env(
            "MUSTER_QUEUE_IMPORTS",
            "https://sqs.invalid/1/bench-imports",
        )
        .env("MUSTER_QUEUE_CHUNKS", "https://sqs.invalid/1/bench-chunks")
        .env("MUSTER_METRICS_NAMESPACE", "Muster/bench")
        .env("MUSTER_TLS_ROOTS", roots)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let mut child = Killed(child);
    let stream = connection(&api, &mut child.0);
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("a request");
    let took = began.elapsed();
    drop(child);
    assert!(
        line.starts_with("GET /2018-06-01/runtime/invocation/next "),
        "{line}"
    );
    took
}

/// The function's connection. Its end ends the bench: it would never ask.
fn connection(api: &TcpListener, child: &mut Child) -> TcpStream {
    api.set_nonblocking(true).expect("a socket can do that");
    loop {
        match api.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("a socket can do that");
                return stream;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(status) = child.try_wait().expect("it is ours") {
                    panic!("the function ended before it asked for an event: {status}");
                }
                std::thread::sleep(Duration::from_micros(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A process that does not outlive its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}
