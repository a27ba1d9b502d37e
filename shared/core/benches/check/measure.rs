//! Clocks and medians.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Returns the CPU time that the process spends in `work`, all threads together.
pub fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let start = cpu_clock();
    work();
    cpu_clock() - start
}

/// Returns the CPU time of the process so far, in seconds.
pub fn cpu_clock() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Returns the wall time of `work`.
pub fn wall_seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// A measurement repeated in rounds, in seconds.
pub struct Series {
    name: &'static str,
    seconds: Vec<f64>,
}

impl Series {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            seconds: Vec::new(),
        }
    }

    pub fn push(&mut self, seconds: f64) {
        self.seconds.push(seconds);
    }

    pub fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        *sorted
            .get(sorted.len() / 2)
            .expect("measured at least once")
    }

    pub fn best(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn print(&self, bytes: usize, records: usize) {
        let median = self.median();
        println!(
            "  {:<40} {:>8.1} ms (best {:>7.1})  {:>6.0} MB/s  {:>5.2} M users/s",
            self.name,
            median * 1e3,
            self.best() * 1e3,
            bytes as f64 / median / 1e6,
            records as f64 / median / 1e6
        );
    }
}
