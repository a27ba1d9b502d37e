//! The panic hook of the functions. It logs the location of a panic, not its message, which may
//! quote a record.

use std::panic;

/// Replaces Rust's panic hook. Call it once, before the event loop starts.
pub fn log_locations_only() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |location| {
            (location.file(), location.line())
        });
        tracing::error!(file, line, "panicked");
    }));
}
