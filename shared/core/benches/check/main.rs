//! Compares the speed of a check (read, parse, validate, de-duplicate) with bare simd-json on the
//! same bytes in the same run.
//!
//! `cargo bench -p muster-core --bench check -- [--records N] [--rounds N] [--input FILE] [--threads]`
//!
//! Prints medians of CPU time on one thread, interleaved by round, and the peak memory of a check
//! from a file; with `--threads` also wall time on two threads against one, over at least 1 GB, and
//! against two independent checks on one thread each. Exits with status 1 if a check reaches less
//! than 0.45 of bare simd-json.
//!
//! The reference is `simd_json::to_tape`, which allocates for every call: once over the whole text,
//! and over pieces of 256 KB, split between records. The faster of the two counts. Refilling one
//! tape with one set of buffers is also measured, for comparison.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench may stop anywhere"
)]

mod baselines;
mod measure;
mod peak;
mod records;
mod run;

use std::process::ExitCode;

use crate::measure::{Series, cpu_seconds, wall_seconds};
use crate::records::Text;
use crate::run::{pool, run_check};

/// Minimum ratio to the reference; the bench fails below it.
const MIN_RATIO: f64 = 0.45;
/// Target ratio of the project.
const TARGET_RATIO: f64 = 0.65;
/// Minimum bytes of the text for the measurement on two threads.
const MIN_TWO_THREAD_BYTES: usize = 1_000_000_000;

fn main() -> ExitCode {
    let options = Options::from_arguments();
    if let Some(file) = &options.peak_of {
        peak::report_own(file);
        return ExitCode::SUCCESS;
    }
    let text = match &options.input {
        Some(file) => Text::split(std::fs::read(file).expect("the input file cannot be read")),
        None => Text::generate(options.records),
    };
    println!(
        "{} records, {:.1} MB, {} rounds",
        text.records(),
        megabytes(text.bytes().len()),
        options.rounds
    );
    let ratio = one_thread(&text, options.rounds);
    peak::report(&text);
    if options.threads {
        two_threads(text, options.rounds);
    }
    if ratio < MIN_RATIO {
        eprintln!("a check reaches {ratio:.2} of bare simd-json, expected at least {MIN_RATIO}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Options {
    records: usize,
    rounds: usize,
    input: Option<String>,
    threads: bool,
    /// File to check in a process of its own, to measure its peak memory.
    peak_of: Option<String>,
}

impl Options {
    fn from_arguments() -> Self {
        let mut options = Self {
            records: 1_000_000,
            rounds: 7,
            input: None,
            threads: false,
            peak_of: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().expect("missing value of an option");
            match argument.as_str() {
                "--records" => options.records = value().parse().expect("--records takes a number"),
                "--rounds" => options.rounds = value().parse().expect("--rounds takes a number"),
                "--input" => options.input = Some(value()),
                "--threads" => options.threads = true,
                "--peak-of" => options.peak_of = Some(value()),
                // Cargo adds this option.
                "--bench" => {}
                other => panic!("unknown option {other}"),
            }
        }
        options.rounds = options.rounds.max(5);
        options
    }
}

/// Measures CPU time on one thread. Returns check / bare simd-json.
fn one_thread(text: &Text, rounds: usize) -> f64 {
    let rules = records::rules();
    let pool = pool(1);
    let mut whole = Series::new("simd-json to_tape, whole");
    let mut pieces = Series::new("simd-json to_tape, 256 KB pieces");
    let mut reused = Series::new("simd-json fill_tape, buffers reused");
    let mut ours = Series::new("muster check");
    let mut serde = Series::new("serde_json from_reader, typed");
    for _ in 0..rounds {
        whole.push(baselines::tape_of_whole(text));
        pieces.push(baselines::tapes_of_pieces(text));
        reused.push(baselines::tapes_in_reused_buffers(text));
        ours.push(cpu_seconds(|| {
            let checked = pool.install(|| run_check(text.bytes(), &rules));
            assert_eq!(checked.counts.total as usize, text.records());
        }));
        serde.push(cpu_seconds(|| {
            assert_eq!(baselines::typed_records(text.bytes()), text.records());
        }));
    }
    println!("\none thread, CPU time, medians:");
    for series in [&whole, &pieces, &reused, &ours, &serde] {
        series.print(text.bytes().len(), text.records());
    }
    let bare = whole.median().min(pieces.median());
    let ratio = bare / ours.median();
    println!(
        "check / bare to_tape {ratio:.3} (minimum {MIN_RATIO}, target {TARGET_RATIO}); / reused buffers {:.3}; / serde_json {:.1}",
        reused.median() / ours.median(),
        serde.median() / ours.median()
    );
    ratio
}

/// Measures wall time on two threads against one, and against two independent checks, which show
/// what this machine gives two threads: two cores are often less than twice as fast as one.
fn two_threads(text: Text, rounds: usize) {
    let text = if text.bytes().len() < MIN_TWO_THREAD_BYTES {
        let longer =
            text.records() as f64 * MIN_TWO_THREAD_BYTES as f64 / text.bytes().len() as f64;
        drop(text);
        Text::generate(longer.ceil() as usize + 1_000)
    } else {
        text
    };
    let rules = records::rules();
    let [first, second, both] = [pool(1), pool(1), pool(2)];
    let on = |pool: &rayon::ThreadPool| {
        pool.install(|| run_check(text.bytes(), &rules));
    };
    let mut one = Series::new("one thread");
    let mut two = Series::new("two threads");
    let mut apart = Series::new("two independent checks, one thread each");
    for _ in 0..rounds {
        one.push(wall_seconds(|| on(&first)));
        two.push(wall_seconds(|| on(&both)));
        apart.push(wall_seconds(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| on(&second));
                on(&first);
            });
        }));
    }
    println!(
        "\nwall time over {:.0} MB, medians:",
        megabytes(text.bytes().len())
    );
    for (series, times) in [(&one, 1), (&two, 1), (&apart, 2)] {
        series.print(times * text.bytes().len(), times * text.records());
    }
    println!(
        "speed-up {:.2} (minimum 1.8, target 1.9); best rounds {:.2}",
        one.median() / two.median(),
        one.best() / two.best()
    );
    println!(
        "two independent checks are {:.2} times as fast as one on this machine; share of that {:.2}",
        2.0 * one.median() / apart.median(),
        apart.median() / (2.0 * two.median())
    );
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
