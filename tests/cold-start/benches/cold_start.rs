//! Measures cold starts: the time from exec to the first request for an event, of each function and
//! of a hello-world function, in one run. With the settings that cargo-lambda adds to `release`:
//!
//! ```sh
//! FUNCTIONS="-p muster-cold-start -p muster-auth -p muster-imports -p muster-users
//!     -p muster-processor -p muster-writer -p muster-sweeper"
//! CARGO_TARGET_DIR=target/deployed CARGO_PROFILE_RELEASE_LTO=thin \
//!     CARGO_PROFILE_RELEASE_STRIP=symbols cargo build --release $FUNCTIONS
//! cargo bench -p muster-cold-start -- target/deployed/release
//! ```
//!
//! or those that cargo-lambda has built, in `target/lambda`. Without a folder it measures
//! `target/release`, where the SDKs are not optimised (ADR 0016).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench that cannot measure should end"
)]

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The functions, and their certificate authorities (ADR 0005).
const FUNCTIONS: [(&str, &str); 8] = [
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
    // `cargo bench` adds flags of its own.
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let folder = folder.map_or_else(release_folder, |folder| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder)
    });
    let binaries = FUNCTIONS.map(|(name, _)| binary(&folder, name));
    let mut times = FUNCTIONS.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..=ROUNDS {
        // In turns, so that other load on the machine affects all alike.
        for (((_, roots), binary), times) in FUNCTIONS.iter().zip(&binaries).zip(&mut times) {
            let time = until_first_poll(binary, roots);
            // The first start has an empty page cache.
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
    for (((name, roots), median), binary) in FUNCTIONS.iter().zip(&medians).zip(&binaries) {
        let size = std::fs::metadata(binary)
            .expect("the size of a binary")
            .len() as f64
            / 1e6;
        let ratio = median / medians[0];
        println!("{name:<16} {roots}'s roots {median:6.2} ms  {ratio:5.2} of hello  {size:5.1} MB");
    }
}

fn release_folder() -> PathBuf {
    // This program is in …/release/deps.
    let own = std::env::current_exe().expect("the path of this program");
    own.ancestors()
        .nth(2)
        .expect("the folder of the profile")
        .to_path_buf()
}

/// Returns the path of a binary; `cargo lambda build` creates a folder for each.
fn binary(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let path = if path.is_dir() {
        path.join("bootstrap")
    } else {
        path
    };
    assert!(
        path.is_file(),
        "{} does not exist: build it as the documentation of this bench says",
        path.display()
    );
    path
}

/// Acts as the Lambda runtime API until the function requests an event. Returns the time.
fn until_first_poll(binary: &Path, roots: &str) -> Duration {
    let api = TcpListener::bind("127.0.0.1:0").expect("a free port");
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
    let mut child = KillOnDrop(child);
    let stream = connection(&api, &mut child.0);
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("a request from the function");
    let took = began.elapsed();
    drop(child);
    assert!(
        line.starts_with("GET /2018-06-01/runtime/invocation/next "),
        "{line}"
    );
    took
}

/// Returns the function's connection. Panics if the function ends before it connects.
fn connection(api: &TcpListener, child: &mut Child) -> TcpStream {
    api.set_nonblocking(true)
        .expect("setting the blocking mode");
    loop {
        match api.accept() {
            Ok((stream, _)) => {
                stream
                    .set_nonblocking(false)
                    .expect("setting the blocking mode");
                return stream;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(status) = child.try_wait().expect("the status of a child process") {
                    panic!("the function ended before it requested an event: {status}");
                }
                std::thread::sleep(Duration::from_micros(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A child process that is killed when this is dropped.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}
