//! `muster generate`: sample users on standard output.

use std::io::{self, IsTerminal};

use clap::Args;
use indicatif::ProgressBar;
use muster_sample::{BYTES_PER_USER, Options, generate};

use crate::failure::{Exit, Failure};
use crate::output::{progress, stderr, stdout};

/// Write sample users as a JSON array to standard output
#[derive(Args)]
#[command(after_help = "\
The records have the default keys of a task (Username, Name, Role, E-mail, All Stores, Individual
Stores, and occasionally others), the roles `catman` and `store manager`, and two keys that no task
maps. The same seed produces the same bytes.

With --anomalies one record in five is invalid: no user name, a duplicate or invalid login, an
unknown role, an invalid address, or not an object. One line of JSON on standard error then lists
the anomalies and the counters that an import into an empty directory must report.

Examples:
  muster generate 1000 > users.json
  muster generate 20000 --seed 7 --anomalies > users.json 2> expected.json
  muster generate 1000000 | muster check - --settings task.json")]
pub struct Generate {
    /// Number of users
    #[arg(value_name = "N")]
    users: u64,

    /// Seed of the random data
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Include invalid records, and list them on standard error
    #[arg(long)]
    anomalies: bool,
}

impl Generate {
    /// Writes the users.
    pub fn run(self) -> Result<Exit, Failure> {
        let options = Options {
            users: self.users,
            seed: self.seed,
            anomalies: self.anomalies,
        };
        // Data and a progress bar on the same terminal would garble each other.
        let progress = if io::stdout().is_terminal() {
            ProgressBar::hidden()
        } else {
            progress::byte_bar(Some(self.users.saturating_mul(BYTES_PER_USER)))
        };
        let mut out = progress.wrap_write(io::stdout().lock());
        let written = generate(&options, &mut out);
        progress.finish_and_clear();
        match written {
            Ok(expected) if self.anomalies => {
                let line = serde_json::to_string(&expected).map_err(|error| {
                    Failure::failed(format!("cannot write the expected counters: {error}"))
                })?;
                stderr::println(&line);
            }
            Ok(_) => {}
            Err(error) => stdout::ignore_broken_pipe(Err(error))?,
        }
        Ok(Exit::Ok)
    }
}
