//! A request on its way through its faults.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::wire::{self, Trouble};
use super::{Fault, Faults};
use crate::between::{self, Answer, Passage};

/// A connection with faults on it.
struct Way {
    faults: Arc<Faults>,
    behind: SharedHttpConnector,
}

impl Passage for Faults {
    async fn pass(self: Arc<Self>, request: HttpRequest, behind: SharedHttpConnector) -> Answer {
        let faults = self;
        Way { faults, behind }.pass(request).await
    }
}

impl Way {
    async fn pass(self, request: HttpRequest) -> Answer {
        let faults = Arc::clone(&self.faults);
        if faults.is_dead() {
            return std::future::pending().await;
        }
        let fault = faults.roll(&request).await;
        let answer = match fault {
            Fault::Passes => self.send(request, Duration::ZERO).await,
            Fault::LostRequest => Err(lost()),
            Fault::LostAnswer => {
                drop(self.send(request, Duration::ZERO).await);
                Err(lost())
            }
            Fault::LateAnswer(by) => {
                let answer = self.send(request, Duration::ZERO).await;
                tokio::time::sleep(by).await;
                answer
            }
            Fault::LateRequest(by) => self.send(request, by).await,
            Fault::Throttled => Ok(wire::throttled(&request)),
            Fault::Conflict => match wire::conflict(&request) {
                Some(answer) => Ok(answer),
                None => self.send(request, Duration::ZERO).await,
            },
            Fault::Statements(pattern, trouble) => self.send_some(request, pattern, trouble).await,
            Fault::CrashBefore => {
                faults.die();
                return std::future::pending().await;
            }
            Fault::CrashAfter => {
                drop(self.send(request, Duration::ZERO).await);
                faults.die();
                return std::future::pending().await;
            }
        };
        // Who died over another request meanwhile hears of nothing any more.
        if faults.is_dead() {
            return std::future::pending().await;
        }
        answer
    }

    /// Sends a request on a task of its own: it arrives, whether or not its sender lives so long.
    async fn send(self, request: HttpRequest, after: Duration) -> Answer {
        let on_its_way = self.faults.under_way.another();
        let sent = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let said = self
                .faults
                .applied
                .as_ref()
                .map(|_| between::text(&request));
            let answer = between::whole(self.behind.call(request).await?).await;
            if let (Some(applied), Some(said)) = (&self.faults.applied, said) {
                applied.note(&said, &answer);
            }
            drop(on_its_way);
            Ok(answer)
        });
        sent.await.expect("a request is sent")
    }

    /// Sends some statements of a batch, and makes answers for the others.
    async fn send_some(self, request: HttpRequest, pattern: u8, trouble: Trouble) -> Answer {
        let Some(split) = wire::Split::of(&request, pattern, trouble) else {
            return self.send(request, Duration::ZERO).await;
        };
        match split.rest(request) {
            Some(rest) => {
                let answer = self.send(rest, Duration::ZERO).await?;
                Ok(split.joined(Some(&answer)))
            }
            None => Ok(split.joined(None)),
        }
    }
}

fn lost() -> ConnectorError {
    ConnectorError::io("the connection was lost".into())
}
