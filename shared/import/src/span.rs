//! The spans that log lines about a run are in: they carry the ids, so that every line below them
//! is found by the id of its import.
//!
//! They are at level ERROR because a level filter drops spans below it: at `MUSTER_LOG_LEVEL=WARN`,
//! warnings and errors need their ids, too. Only the summary lines `import finished` and `chunk
//! finished` repeat fields of their span, because queries of the log group and filter by them.

use muster_aws::background::ChunkMessage;
use muster_aws::runs::RunId;
use tracing::field::Empty;
use tracing::{Span, error_span};

/// Opens the span of a run whose task is known.
pub(crate) fn import(run: &RunId, task: u64) -> Span {
    error_span!("import", import.id = %run, task.id = task)
}

/// Opens the span of a run that is known by its id only. [`record_task`] adds the task.
pub(crate) fn import_by_id(run: &RunId) -> Span {
    error_span!("import", import.id = %run, task.id = Empty)
}

/// Opens the span of work on one chunk. [`record_task`] adds the task.
pub(crate) fn chunk(message: &ChunkMessage) -> Span {
    error_span!(
        "chunk",
        import.id = %message.run,
        task.id = Empty,
        round = message.round.as_str(),
        chunk = message.chunk
    )
}

/// Adds the task to the current span, opened by [`import_by_id`] or [`chunk`].
pub(crate) fn record_task(task: u64) {
    Span::current().record("task.id", task);
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use muster_aws::telemetry;
    use serde_json::{Value, json};
    use tracing::level_filters::LevelFilter;

    use super::*;

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

    #[test]
    fn log_lines_carry_the_ids_of_their_span_at_every_level() {
        let run = RunId::generate(Timestamp::now());
        for level in [LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR] {
            let log = Log::default();
            let written = log.clone();
            let subscriber = telemetry::subscriber(level, move || written.clone());
            tracing::subscriber::with_default(subscriber, || {
                import(&run, 206).in_scope(|| tracing::error!("failed"));
                import_by_id(&run).in_scope(|| {
                    record_task(206);
                    tracing::error!("failed");
                });
            });
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(lines.len(), 2, "{level}: {text}");
            for line in lines {
                let span = json!({"name": "import", "import.id": run.to_string(), "task.id": 206});
                assert_eq!(line.pointer("/spans/0"), Some(&span), "{level}: {line}");
            }
        }
    }
}
