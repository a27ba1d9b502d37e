//! Faults that the embedded DynamoDB never raises: a response lost after the effect, a transaction
//! cancelled by a conflicting one, throttling, and unprocessed keys.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use muster_aws::Store;

const TARGET: &str = "x-amz-target";
const LOST: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"lost"}"#;
const CONFLICT: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "Transaction cancelled",
    "CancellationReasons": [{"Code": "TransactionConflict", "Message": "ongoing"}, {"Code": "None"}]
}"#;

const THROTTLED: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "message": "too fast"
}"#;

const SKEWED: &str = r#"{
    "__type": "com.amazon.coral.service#InvalidSignatureException",
    "message": "Signature expired: 20261123T000000Z is now earlier than 20261123T010000Z"
}"#;

/// Fault of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    Passes,
    /// The request takes effect, and the response is "internal server error".
    LostResponse,
    /// The transaction has no effect and is cancelled as conflicting.
    Conflict,
    /// The request has no effect and is throttled.
    Throttled,
    /// The request has no effect; its signature is refused because of clock skew.
    Skewed,
    /// `BatchGetItem`: the first key counts as absent, all others are unprocessed.
    UnprocessedKeys,
}

/// Queue of faults for one operation, for a store that makes one call at a time.
#[derive(Debug, Clone)]
pub struct Faults {
    operation: &'static str,
    queue: Arc<Mutex<VecDeque<Fault>>>,
    /// Response that replaces that of the attempt under way.
    response: Arc<Mutex<Option<Response>>>,
}

/// A status and a body.
type Response = (u16, Cow<'static, str>);

impl Faults {
    /// Returns the queue, and a store whose calls of `operation` meet its faults.
    pub fn on(operation: &'static str, store: &Store) -> (Self, Store) {
        let faults = Self {
            operation,
            queue: Arc::default(),
            response: Arc::default(),
        };
        let config = store.client().config();
        // The SDK's pauses are not what is tested.
        let retries = config.retry_config().cloned().unwrap();
        let retries = retries.with_initial_backoff(Duration::from_millis(5));
        let config = config.to_builder().retry_config(retries);
        let config = config.interceptor(faults.clone()).build();
        (faults, store.through(Client::from_conf(config)))
    }

    /// Like [`Faults::on`], but without retries by the SDK, so that each attempt is ours.
    pub fn on_every_attempt(operation: &'static str, store: &Store) -> (Self, Store) {
        let config = store.client().config().to_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        let once = store.through(Client::from_conf(config));
        Self::on(operation, &once)
    }

    /// Queues the same fault for the next attempts.
    pub fn next(&self, attempts: usize, fault: Fault) {
        self.queue([fault].repeat(attempts));
    }

    /// Queues one fault for each of the next attempts, in place of the current queue.
    pub fn queue(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.queue.lock().unwrap() = faults.into_iter().collect();
    }

    /// Returns the number of queued faults.
    pub fn left(&self) -> usize {
        self.queue.lock().unwrap().len()
    }
}

/// Returns a response to `BatchGetItem` that leaves all keys but the first unprocessed.
fn unprocessed_keys(request: &[u8]) -> String {
    let mut request: HashMap<String, serde_json::Value> = serde_json::from_slice(request).unwrap();
    let mut left = request.remove("RequestItems").unwrap();
    left.as_object_mut().unwrap().retain(|_, table| {
        let keys = table.get_mut("Keys").unwrap().as_array_mut().unwrap();
        keys.remove(0);
        !keys.is_empty()
    });
    serde_json::json!({ "Responses": {}, "UnprocessedKeys": left }).to_string()
}

impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "Faults"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let target = request.headers().get(TARGET).unwrap_or_default();
        if !target.ends_with(self.operation) {
            return Ok(());
        }
        let fault = self.queue.lock().unwrap().pop_front();
        let replacement = match fault {
            None | Some(Fault::Passes) => None,
            Some(Fault::LostResponse) => Some((500, LOST.into())),
            Some(Fault::Conflict) => Some((400, CONFLICT.into())),
            Some(Fault::Throttled) => Some((400, THROTTLED.into())),
            Some(Fault::Skewed) => Some((400, SKEWED.into())),
            Some(Fault::UnprocessedKeys) => {
                let body = request.body().bytes().unwrap();
                Some((200, unprocessed_keys(body).into()))
            }
        };
        if !matches!(fault, None | Some(Fault::Passes | Fault::LostResponse)) {
            *request.body_mut() = "{}".into();
            request.headers_mut().insert("content-length", "2");
            request
                .headers_mut()
                .insert(TARGET, "DynamoDB_20120810.ListTables");
        }
        *self.response.lock().unwrap() = replacement;
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some((status, body)) = self.response.lock().unwrap().take() else {
            return Ok(());
        };
        let response = context.response_mut();
        *response.status_mut() = status.try_into()?;
        response.headers_mut().remove("x-amz-crc32");
        response
            .headers_mut()
            .insert("content-length", body.len().to_string());
        *response.body_mut() = body.into_owned().into();
        Ok(())
    }
}
