//! State of the operators' API.

use muster_aws::Store;
use muster_aws::background::Objects;

/// Prefix of the paths of the operators' API.
pub(crate) const PREFIX: &str = "/admin/v1";

/// State that the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// The bucket that holds the items of background runs.
    pub(crate) objects: Objects,
}
