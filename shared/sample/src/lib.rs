//! Generates sample users: a JSON array of records such as HR systems send, with the default keys
//! of the Quant dialect and two unmapped keys. The same options give the same bytes. Optionally one
//! element in five is anomalous, and the counters that an import must report are computed here,
//! independently of `muster-core`.

mod anomaly;
mod anomaly_kinds;
mod earlier_logins;
mod employee;
mod injection;
mod names;
mod random;
mod record;

use std::collections::BTreeMap;
use std::io::{self, Write};

use anomaly::Counter;
use earlier_logins::EarlierLogins;
use random::Random;
use record::Record;
use serde::Serialize;

/// Number of elements of which one is anomalous, if anomalies are requested.
const ANOMALY_INTERVAL: u64 = 5;

/// Approximate bytes of an output block.
const BLOCK_BYTES: usize = 128 * 1024;

/// Approximate bytes per record, to estimate the size of a file.
pub const BYTES_PER_USER: u64 = 248;

/// Options of [`generate`].
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Number of elements of the array.
    pub users: u64,
    /// Random seed: the same seed gives the same bytes, another seed other people.
    pub seed: u64,
    /// Makes one element in five anomalous.
    pub anomalies: bool,
}

/// Counts that an import of the generated array must report, for a task that maps the default keys
/// and the roles `catman` and `store manager`, into a directory without users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedCounts {
    /// Elements of the array.
    #[serde(rename = "Total Lines")]
    pub total_lines: u64,
    /// Records whose username is absent, null or empty.
    #[serde(rename = "Empty IDs")]
    pub empty_ids: u64,
    /// Elements that cannot become a user.
    #[serde(rename = "Ignored Users")]
    pub ignored_users: u64,
    /// Records whose username an earlier record had.
    #[serde(rename = "Duplicated Users")]
    pub duplicated_users: u64,
    /// Number of anomalies of each kind. Kinds named `kept.…` do not prevent the user from being
    /// created.
    #[serde(rename = "put_in")]
    pub anomaly_counts: BTreeMap<&'static str, u64>,
}

impl ExpectedCounts {
    /// Returns the number of users that an import into an empty directory creates.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.total_lines - self.empty_ids - self.ignored_users - self.duplicated_users
    }
}

/// Writes the sample users as one JSON array, one record per line, and returns the expected counts
/// of an import.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn generate(options: &Options, out: &mut impl Write) -> io::Result<ExpectedCounts> {
    let mut random = Random::new(options.seed);
    let mut earlier_logins = EarlierLogins::default();
    let mut expected = ExpectedCounts {
        total_lines: options.users,
        ..ExpectedCounts::default()
    };
    let mut block = Vec::with_capacity(BLOCK_BYTES + 4096);
    let mut record = Record::default();
    let mut anomalous_at = 0;
    block.push(b'[');
    for number in 0..options.users {
        if number.is_multiple_of(ANOMALY_INTERVAL) {
            anomalous_at = number + random.below(ANOMALY_INTERVAL);
        }
        block.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
        employee::fill_record(&mut random, number + 1, &mut record);
        if options.anomalies && number == anomalous_at {
            expected.count(injection::write_anomalous(
                &mut random,
                &mut earlier_logins,
                number + 1,
                &mut record,
                &mut block,
            ));
        } else {
            record.write(&mut block);
            if options.anomalies {
                earlier_logins.add(&mut random, record.text("Username"));
            }
        }
        if block.len() >= BLOCK_BYTES {
            out.write_all(&block)?;
            block.clear();
        }
    }
    block.extend_from_slice(if options.users == 0 { b"]\n" } else { b"\n]\n" });
    out.write_all(&block)?;
    out.flush()?;
    Ok(expected)
}

impl ExpectedCounts {
    fn count(&mut self, kind: anomaly::Anomaly) {
        *self.anomaly_counts.entry(kind.name).or_default() += 1;
        match kind.counter {
            Counter::Empty => self.empty_ids += 1,
            Counter::Ignored => self.ignored_users += 1,
            Counter::Duplicated => self.duplicated_users += 1,
            Counter::None => {}
        }
    }
}
