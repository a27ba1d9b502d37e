//! State of the import endpoints.

use muster_aws::{Background, Store};
use muster_import::Times;

/// State that the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) background: Background,
    pub(crate) times: Times,
}
