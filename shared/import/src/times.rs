//! The times of the protocol (protocol.md#times). They are settings so
//! that tests need not wait.

use std::env;
use std::time::Duration;

use muster_aws::ConfigError;
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::clock::Clock;

/// Environment variable that overrides default times: a JSON object that maps field names of
/// [`Times`] to seconds, or to numbers of attempts. For tests; a deployment does not set it.
pub const TIMES_VARIABLE: &str = "MUSTER_TIMES";

/// Time limits and attempt limits of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Times {
    /// Duration of a synchronous run's task lock, which is not renewed.
    #[serde(deserialize_with = "seconds")]
    pub sync_hold: Duration,
    /// Time after which a synchronous run starts no further writes.
    #[serde(deserialize_with = "seconds")]
    pub stop_after: Duration,
    /// Time after which a synchronous run waits for no further responses. Below the function's
    /// timeout of 28 s, which is below the lock's duration, so that nothing is sent without a lock.
    #[serde(deserialize_with = "seconds")]
    pub give_up_after: Duration,
    /// How long after a lock expires the sweeper waits, so that the next import can take the task
    /// over first.
    #[serde(deserialize_with = "seconds")]
    pub sweep_grace: Duration,
    /// Lifetime of a stamp from the start of its run: longer than any replay can be delayed.
    #[serde(deserialize_with = "seconds")]
    pub stamp_kept: Duration,
    /// Time after which a writer starts no further writes of its chunk.
    #[serde(deserialize_with = "seconds")]
    pub chunk_stop_after: Duration,
    /// Time after which a writer waits for no further responses. Below the function's timeout.
    #[serde(deserialize_with = "seconds")]
    pub chunk_give_up_after: Duration,
    /// Time after `chunk_give_up_after` before another writer may lease the chunk: it covers the
    /// clock difference of two machines and a request that is still in flight.
    #[serde(deserialize_with = "seconds")]
    pub chunk_grace: Duration,
    /// Maximum attempts on a chunk of which nothing gets applied, before its run stops.
    #[serde(deserialize_with = "attempts")]
    pub chunk_tries: u32,
    /// Visibility timeout of a chunk's message: the minimum time between two deliveries.
    #[serde(deserialize_with = "seconds")]
    pub chunk_visible: Duration,
    /// Interval of the processor's heartbeat.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat: Duration,
    /// Time without a heartbeat after which the sweeper queues the run for another processor.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat_over: Duration,
    /// Maximum attempts to check an upload before its run ends.
    #[serde(deserialize_with = "attempts")]
    pub process_tries: u32,
    /// Maximum duration of a background run; after that it is stopped. Well below `stamp_kept`.
    #[serde(deserialize_with = "seconds")]
    pub run_over: Duration,
    /// Time without progress after which a run counts as stuck.
    #[serde(deserialize_with = "seconds")]
    pub stuck_after: Duration,
    /// Time after which the message of a chunk that nobody has started is sent again even if the
    /// queue is full.
    #[serde(deserialize_with = "seconds")]
    pub resend_anyway: Duration,
    /// The clock of `stop_after`, `give_up_after` and their counterparts for a chunk.
    #[serde(skip)]
    pub clock: Clock,
}

/// Converts a duration to whole milliseconds, the unit of log fields.
pub(crate) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Times {
    /// Reads [`TIMES_VARIABLE`]. Times that it does not name keep their defaults.
    ///
    /// # Errors
    /// Returns an error if the variable is not such an object, or if the times contradict each
    /// other.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(&env::var(TIMES_VARIABLE).unwrap_or_default())
    }

    fn parse(setting: &str) -> Result<Self, ConfigError> {
        if setting.is_empty() {
            return Ok(Self::default());
        }
        let unusable = |why: String| ConfigError::Unusable {
            name: TIMES_VARIABLE,
            why,
        };
        // Through a map first: serde would read a struct from an array, too.
        let times = serde_json::from_str::<serde_json::Map<_, _>>(setting)
            .and_then(|members| serde_json::from_value::<Self>(members.into()))
            .map_err(|error| {
                unusable(format!(
                    "expected a JSON object of times and attempts: {error}"
                ))
            })?;
        times.check_order().map_err(unusable)?;
        Ok(times)
    }

    /// Checks the order of times on which the protocol relies: each writer must have stopped before
    /// another may start.
    fn check_order(&self) -> Result<(), String> {
        for (name, sooner, later_name, later) in [
            (
                "stop_after",
                self.stop_after,
                "give_up_after",
                self.give_up_after,
            ),
            (
                "give_up_after",
                self.give_up_after,
                "sync_hold",
                self.sync_hold,
            ),
            (
                "chunk_stop_after",
                self.chunk_stop_after,
                "chunk_give_up_after",
                self.chunk_give_up_after,
            ),
            (
                "heartbeat",
                self.heartbeat,
                "heartbeat_over",
                self.heartbeat_over,
            ),
            ("run_over", self.run_over, "stamp_kept", self.stamp_kept),
        ] {
            if sooner >= later {
                return Err(format!(
                    "{name} ({} s) must be shorter than {later_name} ({} s)",
                    sooner.as_secs_f64(),
                    later.as_secs_f64()
                ));
            }
        }
        Ok(())
    }

    /// Duration of a chunk lease.
    #[must_use]
    pub const fn chunk_lease(&self) -> Duration {
        self.chunk_give_up_after.saturating_add(self.chunk_grace)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            sync_hold: Duration::from_secs(60),
            stop_after: Duration::from_secs(25),
            give_up_after: Duration::from_secs(27),
            sweep_grace: Duration::from_secs(10),
            stamp_kept: Duration::from_secs(72 * 3_600),
            chunk_stop_after: Duration::from_secs(50),
            chunk_give_up_after: Duration::from_secs(60),
            chunk_grace: Duration::from_secs(10),
            chunk_tries: 5,
            chunk_visible: Duration::from_secs(180),
            heartbeat: Duration::from_secs(2),
            heartbeat_over: Duration::from_secs(120),
            process_tries: 5,
            run_over: Duration::from_secs(24 * 3_600),
            stuck_after: Duration::from_secs(15 * 60),
            resend_anyway: Duration::from_secs(3_600),
            clock: Clock::System,
        }
    }
}

/// Deserializes seconds, with or without a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| D::Error::custom(format!("{seconds} is not a positive number of seconds")))
}

/// Deserializes a number of attempts.
fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("attempts must be at least 1")),
        attempts => Ok(attempts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_the_setting_does_not_name_keep_their_defaults() {
        for nothing in ["", "{}"] {
            assert_eq!(Times::parse(nothing).unwrap(), Times::default());
        }
        let setting = r#"{"chunk_stop_after": 0.5, "chunk_give_up_after": 1, "chunk_tries": 9}"#;
        let expected = Times {
            chunk_stop_after: Duration::from_millis(500),
            chunk_give_up_after: Duration::from_secs(1),
            chunk_tries: 9,
            ..Times::default()
        };
        assert_eq!(Times::parse(setting).unwrap(), expected);
    }

    #[test]
    fn an_invalid_setting_is_refused_with_the_reason() {
        for (setting, named) in [
            ("soon", "a JSON object"),
            ("[1]", "a JSON object"),
            (r#"{"chunk_stops_after": 1}"#, "`chunk_stops_after`"),
            (r#"{"heartbeat": "1"}"#, "\"1\""),
            (
                r#"{"heartbeat": -1}"#,
                "-1 is not a positive number of seconds",
            ),
            (
                r#"{"heartbeat": 0}"#,
                "0 is not a positive number of seconds",
            ),
            (
                r#"{"heartbeat": 1e300}"#,
                "not a positive number of seconds",
            ),
            (r#"{"chunk_tries": 2.5}"#, "2.5"),
            (r#"{"process_tries": 0}"#, "at least 1"),
            (
                r#"{"give_up_after": 61}"#,
                "give_up_after (61 s) must be shorter than sync_hold (60 s)",
            ),
            (r#"{"stamp_kept": 3600}"#, "shorter than stamp_kept"),
        ] {
            let error = Times::parse(setting).unwrap_err().to_string();
            assert!(
                error.contains("variable MUSTER_TIMES cannot be used"),
                "{error}"
            );
            assert!(error.contains(named), "{setting}: {error}");
        }
    }
}
