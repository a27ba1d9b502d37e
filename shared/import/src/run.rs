//! What requests, workers and uploads know about a run: its task, its chunks, its end.

pub(crate) mod chunks;
pub(crate) mod context;
pub(crate) mod job;
pub(crate) mod processor_queue;
pub(crate) mod report;
pub(crate) mod task;
