//! Telemetry of a deployed function for CloudWatch: log lines as JSON objects, and metrics in the
//! embedded metric format, both on stdout. Neither contains personal data.

use std::env;
use std::io::Write as _;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;

use crate::client::config::ConfigError;

/// Level of Muster's own log lines: `DEBUG`, `INFO` (the default), `WARN` or `ERROR`. Libraries
/// always log from WARN on, because their lines below that level may quote data.
pub const LOG_LEVEL: &str = "MUSTER_LOG_LEVEL";
/// CloudWatch namespace of the metrics; if it is unset, no metrics are written.
pub const METRICS_NAMESPACE: &str = "MUSTER_METRICS_NAMESPACE";

static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Sets up logging and metrics for the process. Must be called once, at the start of `main`.
///
/// # Errors
/// Returns an error if [`LOG_LEVEL`] is not a level.
pub fn init() -> Result<(), ConfigError> {
    if let Some(namespace) = env::var(METRICS_NAMESPACE).ok().filter(|n| !n.is_empty()) {
        // A second call changes nothing.
        drop(NAMESPACE.set(namespace));
    }
    let level = level(&env::var(LOG_LEVEL).unwrap_or_default())?;
    let log = subscriber(level, std::io::stdout);
    if tracing::subscriber::set_global_default(log).is_err() {
        tracing::warn!("logging was already set up");
    }
    Ok(())
}

fn level(setting: &str) -> Result<LevelFilter, ConfigError> {
    match setting {
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "" | "INFO" => Ok(LevelFilter::INFO),
        "WARN" => Ok(LevelFilter::WARN),
        "ERROR" => Ok(LevelFilter::ERROR),
        _ => Err(ConfigError::Choice {
            name: LOG_LEVEL,
            choices: "DEBUG, INFO, WARN, ERROR",
        }),
    }
}

/// Returns the log of a function at `level` that is written to `writer`.
pub fn subscriber(
    level: LevelFilter,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_env_filter(filter(level))
        .with_writer(writer)
        .finish()
}

/// Admits Muster's lines from `level` on, warnings of other crates, and the span of the Lambda
/// runtime that names the request.
fn filter(level: LevelFilter) -> EnvFilter {
    // The crate names of Muster all begin with `muster_`.
    EnvFilter::new(format!("warn,lambda_runtime=info,muster_={level}"))
}

/// Metrics of one event for CloudWatch, in total and by dimension.
#[derive(Debug)]
pub struct Metrics {
    dimensions: Map<String, Value>,
    properties: Map<String, Value>,
    metrics: Vec<Value>,
    values: Map<String, Value>,
}

impl Metrics {
    /// Returns an empty set of metrics.
    #[must_use]
    pub fn new() -> Self {
        Self {
            dimensions: Map::new(),
            properties: Map::new(),
            metrics: Vec::new(),
            values: Map::new(),
        }
    }

    /// Adds a dimension by which the metrics are also summed. Use it only for values of a small
    /// set: each value costs.
    #[must_use]
    pub fn by(mut self, dimension: &str, value: &str) -> Self {
        self.dimensions.insert(dimension.to_owned(), value.into());
        self
    }

    /// Adds a property to search the line by; it is not a metric.
    #[must_use]
    pub fn with(mut self, property: &str, value: &str) -> Self {
        self.properties.insert(property.to_owned(), value.into());
        self
    }

    /// Adds a count.
    #[must_use]
    pub fn count(self, name: &str, value: u64) -> Self {
        self.metric(name, "Count", value)
    }

    /// Adds a number of bytes.
    #[must_use]
    pub fn bytes(self, name: &str, value: u64) -> Self {
        self.metric(name, "Bytes", value)
    }

    /// Adds a duration in milliseconds.
    #[must_use]
    pub fn milliseconds(self, name: &str, value: u64) -> Self {
        self.metric(name, "Milliseconds", value)
    }

    fn metric(mut self, name: &str, unit: &str, value: u64) -> Self {
        self.metrics.push(json!({"Name": name, "Unit": unit}));
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Prints the metrics if the process has a namespace for them.
    pub fn emit(self, now: Timestamp) {
        let Some(namespace) = NAMESPACE.get() else {
            return;
        };
        let line = self.line(namespace, now);
        // One write per line, so that lines of other threads do not mix in.
        if let Err(error) = std::io::stdout().write_all(format!("{line}\n").as_bytes()) {
            tracing::error!(%error, "failed to write metrics");
        }
    }

    /// Returns the line in the embedded metric format, version of 2018:
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
    fn line(self, namespace: &str, now: Timestamp) -> Value {
        let Self {
            dimensions,
            properties,
            metrics,
            values,
        } = self;
        let mut sets = vec![json!([])];
        sets.extend(dimensions.keys().map(|dimension| json!([dimension])));
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [
                    {"Namespace": namespace, "Dimensions": sets, "Metrics": metrics},
                ],
            }),
        );
        line.extend(dimensions);
        line.extend(properties);
        line.extend(values);
        Value::Object(line)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn metrics_are_in_the_embedded_format() {
        let line = Metrics::new()
            .by("Status", "SUCCESS")
            .with("import.id", "01a2")
            .count("Runs", 1)
            .milliseconds("Duration", 12)
            .line(
                "Muster/prod",
                Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
            );
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_123_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Muster/prod",
                        "Dimensions": [[], ["Status"]],
                        "Metrics": [
                            {"Name": "Runs", "Unit": "Count"},
                            {"Name": "Duration", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "Status": "SUCCESS", "import.id": "01a2", "Runs": 1, "Duration": 12,
            })
        );
    }

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns those of a few test lines that are in a log of this level.
    fn logged_lines(setting: &str) -> Vec<&'static str> {
        let log = Log::default();
        let written = log.clone();
        let subscriber = subscriber(level(setting).unwrap(), move || written.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "muster_import::sync", "our-debug");
            tracing::info!(target: "muster_writer", "our-info");
            tracing::error!(target: "muster_aws", "our-error");
            tracing::info!(target: "hyper::client", "their-info");
            tracing::warn!(target: "hyper::client", "their-warning");
            tracing::info!(target: "lambda_runtime", "runtime-info");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines = [
            "our-debug",
            "our-info",
            "our-error",
            "their-info",
            "their-warning",
            "runtime-info",
        ];
        let logged = lines.into_iter().filter(|line| text.contains(line));
        logged.collect()
    }

    #[test]
    fn libraries_log_from_warn_on_and_own_crates_from_the_configured_level() {
        let theirs = ["their-warning", "runtime-info"];
        for (setting, ours) in [
            ("DEBUG", &["our-debug", "our-info", "our-error"][..]),
            ("", &["our-info", "our-error"]),
            ("INFO", &["our-info", "our-error"]),
            ("ERROR", &["our-error"]),
        ] {
            assert_eq!(
                logged_lines(setting),
                [ours, &theirs].concat(),
                "{setting:?}"
            );
        }
    }

    #[test]
    fn an_unknown_level_is_refused() {
        let error = level("trace").unwrap_err().to_string();
        assert!(error.contains("MUSTER_LOG_LEVEL"), "{error}");
    }
}
