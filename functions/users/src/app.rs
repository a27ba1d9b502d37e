//! State of the user resource.

use muster_aws::Store;

/// State that the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
}
