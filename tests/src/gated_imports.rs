//! A second import API over the tables of a stack. Its imports wait while their task is locked, so
//! that a test decides which of two requests is first.

use std::sync::Arc;

use muster_emulators::loopback::{self, HttpServer};
use muster_import::Times;

use crate::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults, Gate};
use crate::http::Call;
use crate::world::{World, unreachable_background};

/// A second import API. Imports have locked their task when they reach the gate, and have not
/// written any user. Dropping it stops it.
#[derive(Debug)]
pub struct GatedImports {
    gate: Gate,
    url: String,
    _server: HttpServer,
}

impl World {
    /// Starts a second import API with these times over the tables of this stack.
    pub async fn gated_imports(&self, times: Times) -> GatedImports {
        let gate = Gate::default();
        let held = gate.clone();
        let faults = Faults::new(move |request| match request.operation {
            BATCH_EXECUTE_STATEMENT => Fault::GatedRequest(held.clone()),
            _ => Fault::None,
        });
        let store = Arc::new(faults).store(&self.store.store);
        let router = muster_imports::router(store, unreachable_background().await, times);
        let listener = loopback::listen(0).expect("a free port");
        let server = HttpServer::start(listener, router).expect("the server starts");
        GatedImports {
            gate,
            url: server.url(),
            _server: server,
        }
    }
}

impl GatedImports {
    /// Returns the call, directed at this API.
    pub fn call<'a>(&'a self, call: Call<'a>) -> Call<'a> {
        call.base_url(&self.url)
    }

    /// Waits until an import has locked its task and is about to write users.
    pub async fn reached(&self) {
        self.gate.reached().await;
    }

    /// Lets all imports continue.
    pub fn open(&self) {
        self.gate.open();
    }
}
