//! Makes sample users: a JSON array of records such as HR systems send, with the default keys of
//! the Quant dialect and two keys that no task maps. The same options give the same bytes.
//! On request one element in five is anomalous, and the counters that an import must answer are
//! reckoned here, without the engine: nothing of `muster-core` is used.

mod anomaly;
mod dice;
mod earlier;
mod kinds;
mod names;
mod person;
mod record;

use std::collections::BTreeMap;
use std::io::{self, Write};

use anomaly::Counter;
use dice::Dice;
use earlier::Earlier;
use record::Record;
use serde::Serialize;

/// One element in so many is anomalous, if anomalies are asked for.
const ANOMALOUS_ONE_IN: u64 = 5;

/// The output is written in blocks of about this many bytes.
const BLOCK: usize = 128 * 1024;

/// About how many bytes a record takes, for estimates of a file's size.
pub const BYTES_PER_USER: u64 = 248;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many elements the array has.
    pub users: u64,
    /// The same seed gives the same bytes; another seed other people.
    pub seed: u64,
    /// Spoil one element in five.
    pub anomalies: bool,
}

/// What an import of the generated array must count, by a task that maps the default keys and
/// the roles `catman` and `store manager`, into a directory without users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reckoning {
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
    /// How often each kind of anomaly was put in. Kinds named `kept.…` do not keep the user from
    /// being created.
    pub put_in: BTreeMap<&'static str, u64>,
}

impl Reckoning {
    /// How many users an import into an empty directory creates.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.total_lines - self.empty_ids - self.ignored_users - self.duplicated_users
    }
}

/// Writes the sample users as one JSON array, a record a line, and answers what an import of
/// them must count.
///
/// # Errors
/// Only those of `out`.
pub fn generate(options: &Options, out: &mut impl Write) -> io::Result<Reckoning> {
    let mut dice = Dice::new(options.seed);
    let mut earlier = Earlier::default();
    let mut reckoning = Reckoning {
        total_lines: options.users,
        ..Reckoning::default()
    };
    let mut block = Vec::with_capacity(BLOCK + 4096);
    let mut record = Record::default();
    let mut anomalous_at = 0;
    block.push(b'[');
    for number in 0..options.users {
        if number.is_multiple_of(ANOMALOUS_ONE_IN) {
            anomalous_at = number + dice.below(ANOMALOUS_ONE_IN);
        }
        block.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
        person::employee(&mut dice, number + 1, &mut record);
        if options.anomalies && number == anomalous_at {
            reckoning.count(anomaly::spoil(
                &mut dice,
                &mut earlier,
                number + 1,
                &mut record,
                &mut block,
            ));
        } else {
            record.write(&mut block);
            if options.anomalies {
                earlier.remember(&mut dice, record.text("Username"));
            }
        }
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            block.clear();
        }
    }
    block.extend_from_slice(if options.users == 0 { b"]\n" } else { b"\n]\n" });
    out.write_all(&block)?;
    out.flush()?;
    Ok(reckoning)
}

impl Reckoning {
    fn count(&mut self, kind: anomaly::Anomaly) {
        *self.put_in.entry(kind.name).or_default() += 1;
        match kind.counter {
            Counter::Empty => self.empty_ids += 1,
            Counter::Ignored => self.ignored_users += 1,
            Counter::Duplicated => self.duplicated_users += 1,
            Counter::None => {}
        }
    }
}
