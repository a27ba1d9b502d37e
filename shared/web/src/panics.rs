//! What a panic leaves in the log: its place, not its message, which may quote a record.

use std::panic;

/// Replaces Rust's panic hook. To be called once, before the event loop.
pub fn log_only_places() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info
            .location()
            .map_or(("unknown", 0), |place| (place.file(), place.line()));
        tracing::error!(file, line, "panicked");
    }));
}
