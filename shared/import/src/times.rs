//! The times of the protocol (PROTOCOL §3): settings, so that tests need not wait.

use std::env;
use std::time::Duration;

use muster_aws::ConfigError;
use serde::de::{Deserialize, Deserializer, Error as _};

/// The variable that holds other times than the default ones: a JSON object of names of
/// [`Times`]' fields, with seconds, or with numbers of tries. For tests; a deployment has none.
pub const TIMES: &str = "MUSTER_TIMES";

/// How long things take at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Times {
    /// A synchronous run's hold of its task. It is not renewed.
    #[serde(deserialize_with = "seconds")]
    pub sync_hold: Duration,
    /// After this a synchronous run begins no further writes.
    #[serde(deserialize_with = "seconds")]
    pub stop_after: Duration,
    /// After this it waits for no answer any more. Below the function's timeout of 28 s, which is
    /// below the hold, so that nothing is sent without one.
    #[serde(deserialize_with = "seconds")]
    pub give_up_after: Duration,
    /// What the sweeper leaves a run after its hold, for others to take over.
    #[serde(deserialize_with = "seconds")]
    pub sweep_grace: Duration,
    /// How long a stamp is kept after the run's start: longer than any replay can come.
    #[serde(deserialize_with = "seconds")]
    pub stamp_kept: Duration,
    /// After this a writer begins no further writes of its chunk.
    #[serde(deserialize_with = "seconds")]
    pub chunk_stop_after: Duration,
    /// After this it waits for no answer any more. Below the function's timeout.
    #[serde(deserialize_with = "seconds")]
    pub chunk_give_up_after: Duration,
    /// How long after that others leave its chunk to it: what clocks of two machines differ, and
    /// what a request is still under way.
    #[serde(deserialize_with = "seconds")]
    pub chunk_grace: Duration,
    /// How often a chunk is begun with, while nothing of it gets applied, before its run stops.
    #[serde(deserialize_with = "tries")]
    pub chunk_tries: u32,
    /// The visibility timeout of a chunk's message: it is sent again at most that often.
    #[serde(deserialize_with = "seconds")]
    pub chunk_visible: Duration,
    /// How often the processor says that it is at work.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat: Duration,
    /// After how much silence another processor is sent for.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat_over: Duration,
    /// How often an upload is begun with before its run ends.
    #[serde(deserialize_with = "tries")]
    pub process_tries: u32,
    /// A run that takes longer than this is stopped. Well below `stamp_kept`.
    #[serde(deserialize_with = "seconds")]
    pub run_over: Duration,
    /// After this a run of which nothing has come is counted as stuck.
    #[serde(deserialize_with = "seconds")]
    pub stuck_after: Duration,
    /// How long a chunk that nobody has begun with may wait before its message is sent again,
    /// though the queue is full.
    #[serde(deserialize_with = "seconds")]
    pub resend_anyway: Duration,
}

/// A time in whole milliseconds, as logs have it.
pub(crate) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Times {
    /// Those of the environment; the default ones where [`TIMES`] says nothing of them.
    ///
    /// # Errors
    /// What it says is no such object, or the times do not fit each other.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(&env::var(TIMES).unwrap_or_default())
    }

    fn parse(setting: &str) -> Result<Self, ConfigError> {
        if setting.is_empty() {
            return Ok(Self::default());
        }
        let unusable = |why: String| ConfigError::Unusable { name: TIMES, why };
        // A struct would be read from a list, too.
        let times = serde_json::from_str::<serde_json::Map<_, _>>(setting)
            .and_then(|members| serde_json::from_value::<Self>(members.into()))
            .map_err(|error| {
                unusable(format!(
                    "it must be a JSON object of times and tries; {error}"
                ))
            })?;
        times.fit().map_err(unusable)?;
        Ok(times)
    }

    /// What the protocol rests on: nobody writes once others may think that nobody does.
    fn fit(&self) -> Result<(), String> {
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

    /// How long a chunk is its writer's.
    #[must_use]
    pub const fn chunk_held(&self) -> Duration {
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
        }
    }
}

/// Seconds, with a fraction if need be.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| D::Error::custom(format!("{seconds} is no time in seconds, above 0")))
}

/// How often something is tried.
fn tries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom(
            "what is never tried is never done: at least 1",
        )),
        tries => Ok(tries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_setting_does_not_name_stays_as_it_is() {
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
    fn a_setting_that_cannot_be_is_refused_with_what_is_wrong() {
        for (setting, named) in [
            ("soon", "a JSON object"),
            ("[1]", "a JSON object"),
            (r#"{"chunk_stops_after": 1}"#, "`chunk_stops_after`"),
            (r#"{"heartbeat": "1"}"#, "\"1\""),
            (r#"{"heartbeat": -1}"#, "-1 is no time in seconds"),
            (r#"{"heartbeat": 0}"#, "0 is no time in seconds"),
            (r#"{"heartbeat": 1e300}"#, "no time in seconds"),
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
