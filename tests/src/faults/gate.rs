//! A gate that holds requests back until a test opens it: the test decides what happens first.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, Default)]
struct State {
    held: usize,
    is_open: bool,
}

/// A gate, closed at first. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<State>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::channel(State::default()).0))
    }
}

/// Gates are equal if they are the same gate.
impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

impl Gate {
    /// Lets all requests pass from now on.
    pub fn open(&self) {
        self.0.send_modify(|state| state.is_open = true);
    }

    /// Waits until a request is held, or was.
    pub async fn reached(&self) {
        let mut state = self.0.subscribe();
        // The sender lives as long as `self` does.
        drop(state.wait_for(|state| state.held > 0).await);
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        let mut state = self.0.subscribe();
        self.0.send_modify(|state| state.held += 1);
        drop(state.wait_for(|state| state.is_open).await);
    }
}
