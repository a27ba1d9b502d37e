//! The check that is measured.

use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::scan::{Checked, check};

/// Maximum problems that a check keeps.
const MAX_ITEMS: usize = 1_000;

pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be started")
}

pub fn run_check(input: impl std::io::Read + Send, rules: &Rules) -> Checked {
    check(input, rules, Sizes::default(), &[7; 16], MAX_ITEMS).expect("the text is a JSON array")
}
