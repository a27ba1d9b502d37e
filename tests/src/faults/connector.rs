//! Sends one request with its fault.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::responses::{self, StatementFault};
use super::{Fault, Faults, Gate};
use crate::interceptor::{self, Interceptor, Response};

/// A connection with faults.
struct FaultyConnection {
    faults: Arc<Faults>,
    next: SharedHttpConnector,
}

/// The time at which a request is sent.
enum Departure {
    Now,
    After(Duration),
    Through(Gate),
}

impl Interceptor for Faults {
    async fn intercept(
        self: Arc<Self>,
        request: HttpRequest,
        next: SharedHttpConnector,
    ) -> Response {
        let faults = self;
        FaultyConnection { faults, next }.call(request).await
    }
}

impl FaultyConnection {
    async fn call(self, request: HttpRequest) -> Response {
        let faults = Arc::clone(&self.faults);
        if faults.has_crashed() {
            return std::future::pending().await;
        }
        let response = match faults.next_fault(&request).await {
            Fault::None => self.send(request, Departure::Now).await,
            Fault::LostRequest => Err(lost()),
            Fault::LostResponse => {
                drop(self.send(request, Departure::Now).await);
                Err(lost())
            }
            Fault::DelayedResponse(delay) => {
                let response = self.send(request, Departure::Now).await;
                tokio::time::sleep(delay).await;
                response
            }
            Fault::GatedResponse(gate) => {
                let response = self.send(request, Departure::Now).await;
                gate.pass().await;
                response
            }
            Fault::DelayedRequest(delay) => self.send(request, Departure::After(delay)).await,
            Fault::GatedRequest(gate) => self.send(request, Departure::Through(gate)).await,
            Fault::Throttled => Ok(responses::throttled(&request)),
            Fault::Conflict => match responses::conflict(&request) {
                Some(response) => Ok(response),
                None => self.send(request, Departure::Now).await,
            },
            Fault::Statements(pattern, fault) => self.send_some(request, pattern, fault).await,
            Fault::CrashBefore => {
                faults.crash();
                return std::future::pending().await;
            }
            Fault::CrashAfter => {
                drop(self.send(request, Departure::Now).await);
                faults.crash();
                return std::future::pending().await;
            }
        };
        // A worker that crashed over another request meanwhile gets no response.
        if faults.has_crashed() {
            return std::future::pending().await;
        }
        response
    }

    /// Sends a request on a task of its own: it arrives even if its sender is gone by then.
    async fn send(self, request: HttpRequest, departure: Departure) -> Response {
        let in_flight = self.faults.in_flight.enter();
        let sent = tokio::spawn(async move {
            match departure {
                Departure::Now => {}
                Departure::After(delay) => tokio::time::sleep(delay).await,
                Departure::Through(gate) => gate.pass().await,
            }
            let effects = self.faults.effects.as_ref();
            let body = effects.map(|_| interceptor::json_body(&request));
            let response = self.next.call(request).await?;
            let response = interceptor::with_collected_body(response).await;
            if let (Some(effects), Some(body)) = (effects, body) {
                effects.record(&body, &response);
            }
            drop(in_flight);
            Ok(response)
        });
        sent.await.expect("sending a request panicked")
    }

    /// Sends some statements of a batch, and makes up responses for the others.
    async fn send_some(self, request: HttpRequest, pattern: u8, fault: StatementFault) -> Response {
        let Some(split) = responses::BatchSplit::new(&request, pattern, fault) else {
            return self.send(request, Departure::Now).await;
        };
        match split.executed(request) {
            Some(executed) => {
                let response = self.send(executed, Departure::Now).await?;
                Ok(split.join(Some(&response)))
            }
            None => Ok(split.join(None)),
        }
    }
}

fn lost() -> ConnectorError {
    ConnectorError::io("the connection was lost".into())
}
