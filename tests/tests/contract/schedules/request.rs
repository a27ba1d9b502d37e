//! Requests under idempotency keys, and their faults.

use std::collections::BTreeSet;

use muster_tests::faults::{Fault, OutgoingRequest};
use rand::RngExt as _;
use rand::rngs::SmallRng;

/// Number of keys in a schedule.
pub const KEYS: usize = 2;

/// The bodies under a key: its own, and a different one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    Own,
    Other,
}

/// The kind of the bodies under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Users,
    Broken,
    /// Valid users and so many warnings that the stored response needs more than one row.
    LargeResponse,
}

/// A request under a key, the faults of its requests to the store, and another request that is sent
/// in the middle of it.
#[derive(Debug, Clone)]
pub struct Request {
    pub key: usize,
    pub body: Body,
    /// Number of the request to the store before which the function crashes.
    pub crash: Option<usize>,
    pub lost_requests: BTreeSet<usize>,
    pub lost_responses: BTreeSet<usize>,
    /// Another request, sent just before the request to the store with this number.
    pub interruption: Option<(usize, Box<Request>)>,
}

#[derive(Debug, Clone)]
pub enum Event {
    Request(Request),
    Sweep,
}

impl Request {
    /// Returns a request without faults.
    pub const fn without_faults(key: usize, body: Body) -> Self {
        Self {
            key,
            body,
            crash: None,
            lost_requests: BTreeSet::new(),
            lost_responses: BTreeSet::new(),
            interruption: None,
        }
    }

    pub fn random(rng: &mut SmallRng, may_be_interrupted: bool) -> Self {
        let body = if rng.random_bool(0.15) {
            Body::Other
        } else {
            Body::Own
        };
        let mut request = Self::without_faults(rng.random_range(0..KEYS), body);
        match rng.random_range(0..10) {
            0..4 => request.crash = Some(rng.random_range(0..20)),
            4..6 => request.lost_responses = (0..2).map(|_| rng.random_range(0..20)).collect(),
            6 => request.lost_requests = (0..2).map(|_| rng.random_range(0..20)).collect(),
            _ => {}
        }
        if may_be_interrupted && rng.random_bool(0.4) {
            let other = Self::random(rng, false);
            request.interruption = Some((rng.random_range(0..12), Box::new(other)));
        }
        request
    }

    pub fn fault(&self, request: OutgoingRequest<'_>) -> Fault {
        let number = request.number;
        if self.crash == Some(number) {
            Fault::CrashBefore
        } else if self.lost_responses.contains(&number) {
            Fault::LostResponse
        } else if self.lost_requests.contains(&number) {
            Fault::LostRequest
        } else {
            Fault::None
        }
    }

    pub fn is_without_faults(&self) -> bool {
        self.crash.is_none()
            && self.lost_requests.is_empty()
            && self.lost_responses.is_empty()
            && self.interruption.is_none()
    }
}
