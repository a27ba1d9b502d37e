//! Peak memory of a check from a file, in a process that does nothing else.

use std::fs::File;
use std::io::Write as _;
use std::process::Command;

use crate::records::{Text, rules};
use crate::run::{pool, run_check};

/// Writes the text to a file and starts another process to check it.
pub fn report(text: &Text) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(text.bytes())
        .expect("the file can be written");
    println!("\npeak memory of a check from a file (target: 10 MB + 20 B per user):");
    let status = Command::new(std::env::current_exe().expect("the bench has a path"))
        .arg("--peak-of")
        .arg(file.path())
        .status()
        .expect("the bench can start itself");
    assert!(status.success(), "the check of the file failed");
}

/// Checks the file in this process and prints its peak memory.
pub fn report_own(file: &str) {
    for threads in [1, 2] {
        let input = File::open(file).expect("the file can be opened");
        let checked = pool(threads).install(|| run_check(input, &rules()));
        let users = checked.counts.total;
        let peak = peak_bytes();
        println!(
            "  {threads} threads: {:.1} MB; beyond 10 MB: {:.1} B per user",
            peak as f64 / 1e6,
            (peak as f64 - 10e6) / users as f64
        );
    }
}

/// Returns the largest resident set size so far, as reported by the kernel.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .expect("Linux reports the peak");
    kilobytes.trim().parse::<u64>().expect("a number") * 1024
}
