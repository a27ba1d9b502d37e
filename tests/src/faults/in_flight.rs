//! Requests that were sent and have not taken effect yet.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts the requests in flight, of any number of workers, and whatever else is counted with
/// them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct InFlight(Arc<watch::Sender<usize>>);

impl Default for InFlight {
    fn default() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }
}

impl InFlight {
    /// Waits until nothing is in flight.
    pub async fn drained(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self` does.
        drop(count.wait_for(|count| *count == 0).await);
    }

    /// Counts one more as long as the guard lives.
    #[must_use]
    pub fn enter(&self) -> InFlightGuard {
        self.0.send_modify(|count| *count += 1);
        InFlightGuard(self.clone())
    }

    /// Returns true if nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self.0.borrow() == 0
    }
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub struct InFlightGuard(InFlight);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
