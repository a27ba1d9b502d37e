//! How fast is a check (read, parse, validate, de-duplicate) against bare simd-json on the same
//! bytes in the same run?
//!
//! `cargo bench -p muster-core --bench check -- [--records N] [--rounds N] [--input FILE] [--threads]`
//!
//! Prints medians of CPU time on one thread, interleaved round by round, and the peak memory of a
//! check from a file; with `--threads` also wall time on two threads against one, over at least
//! 1 GB, and against two checks on a thread each. Ends with status 1 if a check reaches less than
//! 0.45 of bare simd-json.
//!
//! The reference is `simd_json::to_tape`, which allocates for every call: once over the whole
//! text, and over pieces of 256 KB, split between records. The faster of the two counts. Filling
//! one tape again and again with one set of buffers is shown as well, for comparison.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench may stop anywhere"
)]

mod measure;
mod peak;
mod records;
mod rivals;

use std::process::ExitCode;

use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::survey::{Checked, check};

use crate::measure::{Series, cpu_seconds, wall_seconds};
use crate::records::Text;

/// Below this share of the reference the bench fails.
const BAR: f64 = 0.45;
/// What the project aims at.
const AIM: f64 = 0.65;
/// The text that two threads are measured on has at least this many bytes.
const LARGE: usize = 1_000_000_000;
const MOST_ITEMS: usize = 1_000;

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
    if ratio < BAR {
        eprintln!("a check reaches {ratio:.2} of bare simd-json; {BAR} is the least");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Options {
    records: usize,
    rounds: usize,
    input: Option<String>,
    threads: bool,
    /// The bench runs itself with this to measure the memory of nothing but a check.
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
            let mut value = || arguments.next().expect("an option lacks its value");
            match argument.as_str() {
                "--records" => options.records = value().parse().expect("--records takes a number"),
                "--rounds" => options.rounds = value().parse().expect("--rounds takes a number"),
                "--input" => options.input = Some(value()),
                "--threads" => options.threads = true,
                "--peak-of" => options.peak_of = Some(value()),
                // Cargo adds this one.
                "--bench" => {}
                other => panic!("there is no option {other}"),
            }
        }
        options.rounds = options.rounds.max(5);
        options
    }
}

/// CPU time of everything on one thread. Returns check / bare simd-json.
fn one_thread(text: &Text, rounds: usize) -> f64 {
    let rules = records::rules();
    let pool = pool(1);
    let mut whole = Series::new("simd-json to_tape, whole");
    let mut pieces = Series::new("simd-json to_tape, 256 KB pieces");
    let mut reused = Series::new("simd-json fill_tape, buffers reused");
    let mut ours = Series::new("muster check");
    let mut serde = Series::new("serde_json from_reader, typed");
    for _ in 0..rounds {
        whole.push(rivals::tape_of_whole(text));
        pieces.push(rivals::tapes_of_pieces(text));
        reused.push(rivals::tapes_in_reused_buffers(text));
        ours.push(cpu_seconds(|| {
            let checked = pool.install(|| run_check(text.bytes(), &rules));
            assert_eq!(checked.counts.total as usize, text.records());
        }));
        serde.push(cpu_seconds(|| {
            assert_eq!(rivals::typed_records(text.bytes()), text.records());
        }));
    }
    println!("\none thread, CPU time, medians:");
    for series in [&whole, &pieces, &reused, &ours, &serde] {
        series.print(text.bytes().len(), text.records());
    }
    let bare = whole.median().min(pieces.median());
    let ratio = bare / ours.median();
    println!(
        "check / bare to_tape {ratio:.3} (bar {BAR}, aim {AIM}); / reused buffers {:.3}; / serde_json {:.1}",
        reused.median() / ours.median(),
        serde.median() / ours.median()
    );
    ratio
}

/// Wall time on two threads against one, and against what this machine gives two threads at all:
/// those of two checks that share nothing, for two cores are often less than twice one.
fn two_threads(text: Text, rounds: usize) {
    let text = if text.bytes().len() < LARGE {
        let longer = text.records() as f64 * LARGE as f64 / text.bytes().len() as f64;
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
    let mut apart = Series::new("two such checks at once, a thread each");
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
        "speed-up {:.2} (bar 1.8, aim 1.9); of the best rounds {:.2}",
        one.median() / two.median(),
        one.best() / two.best()
    );
    println!(
        "two checks that share nothing are {:.2} times as fast as one here: of that, {:.2}",
        2.0 * one.median() / apart.median(),
        apart.median() / (2.0 * two.median())
    );
}

fn run_check(input: impl std::io::Read + Send, rules: &Rules) -> Checked {
    check(
        input,
        rules,
        Sizes {
            chunk: std::env::var("CHUNK").map_or(64, |c| c.parse().unwrap()) << 10,
            ..Sizes::default()
        },
        &[7; 16],
        MOST_ITEMS,
    )
    .expect("the text is a JSON array")
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be started")
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
