//! `muster generate`: sample users on standard output.

use std::io::{self, IsTerminal};

use clap::Args;
use muster_sample::{BYTES_PER_USER, Options, generate};

use crate::failure::{Exit, Failure};
use crate::terminal;

/// Write sample users as a JSON array to standard output
#[derive(Args)]
#[command(after_help = "\
The records have the keys that a task proposes (Username, Name, Role, E-mail, All Stores,
Individual Stores, now and then others), the roles `catman` and `store manager`, and two keys
that no task maps. The same seed gives the same bytes.

With --anomalies one element in five is spoilt: no username, a repeated or impossible login, a
wrong role or address, something that is no record. At the end one line of JSON on standard error
says what was put in, and the counters that an import into an empty directory must answer.

Examples:
  muster generate 1000 > users.json
  muster generate 20000 --seed 7 --anomalies > users.json 2> expected.json
  muster generate 1000000 | muster check - --settings task.json")]
pub struct Generate {
    /// How many users
    #[arg(value_name = "N")]
    users: u64,

    /// Other people for another seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Mix in what goes wrong, and say on standard error what it was
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
        // Data scrolling over a terminal and a progress bar on it would spoil each other.
        let progress = if io::stdout().is_terminal() {
            indicatif::ProgressBar::hidden()
        } else {
            terminal::byte_bar(Some(self.users.saturating_mul(BYTES_PER_USER)))
        };
        let mut out = progress.wrap_write(io::stdout().lock());
        let written = generate(&options, &mut out);
        progress.finish_and_clear();
        match written {
            Ok(reckoning) if self.anomalies => {
                let line = serde_json::to_string(&reckoning).map_err(|error| {
                    Failure::failed(format!("cannot write the reckoning: {error}"))
                })?;
                terminal::say(&line);
            }
            Ok(_) => {}
            Err(error) => terminal::unless_closed(Err(error))?,
        }
        Ok(Exit::Ok)
    }
}
