//! What the embedded DynamoDB never does: losing an answer after the effect, cancelling a
//! transaction because of another one, throttling, and leaving keys out of an answer.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

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

/// What happens to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None at all: it goes through.
    Passes,
    /// It takes effect, and the answer is "internal server error".
    LostAnswer,
    /// A transaction: no effect, cancelled as conflicting.
    Conflict,
    /// No effect; the request as a whole was too much.
    Throttled,
    /// No effect; the clock that signed it is wrong.
    Skewed,
    /// `BatchGetItem`: the first key counts as absent, all others are left for later.
    AllButOneLeftOut,
}

/// Trouble for the calls of one operation, for a store that makes one call at a time.
#[derive(Debug, Clone)]
pub struct Faults {
    operation: &'static str,
    coming: Arc<Mutex<VecDeque<Fault>>>,
    /// What the attempt that is on its way will get instead of its answer.
    answer: Arc<Mutex<Option<Answer>>>,
}

/// A status and a body.
type Answer = (u16, Cow<'static, str>);

impl Faults {
    /// A store whose calls of `operation` meet the trouble that is set.
    pub fn on(operation: &'static str, store: &Store) -> (Self, Store) {
        let faults = Self {
            operation,
            coming: Arc::default(),
            answer: Arc::default(),
        };
        let config = store
            .client()
            .config()
            .to_builder()
            .interceptor(faults.clone())
            .build();
        (faults, store.through(Client::from_conf(config)))
    }

    /// [`Faults::on`] where the SDK does not try again, so each attempt is ours.
    pub fn on_every_try(operation: &'static str, store: &Store) -> (Self, Store) {
        let config = store.client().config().to_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        let once = store.through(Client::from_conf(config));
        Self::on(operation, &once)
    }

    /// The next attempts meet this.
    pub fn next(&self, attempts: usize, fault: Fault) {
        self.coming([fault].repeat(attempts));
    }

    /// The next attempts meet these, one each.
    pub fn coming(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.coming.lock().unwrap() = faults.into_iter().collect();
    }

    /// How much of the trouble has not happened yet.
    pub fn left(&self) -> usize {
        self.coming.lock().unwrap().len()
    }
}

/// The answer to a `BatchGetItem` that leaves all keys but the first for later.
fn all_but_one_left_out(request: &[u8]) -> String {
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
        let called = request.headers().get(TARGET).unwrap_or_default();
        if !called.ends_with(self.operation) {
            return Ok(());
        }
        let fault = self.coming.lock().unwrap().pop_front();
        let answer = match fault {
            None | Some(Fault::Passes) => None,
            Some(Fault::LostAnswer) => Some((500, LOST.into())),
            Some(Fault::Conflict) => Some((400, CONFLICT.into())),
            Some(Fault::Throttled) => Some((400, THROTTLED.into())),
            Some(Fault::Skewed) => Some((400, SKEWED.into())),
            Some(Fault::AllButOneLeftOut) => {
                let asked = request.body().bytes().unwrap();
                Some((200, all_but_one_left_out(asked).into()))
            }
        };
        if !matches!(fault, None | Some(Fault::Passes | Fault::LostAnswer)) {
            *request.body_mut() = "{}".into();
            request.headers_mut().insert("content-length", "2");
            request
                .headers_mut()
                .insert(TARGET, "DynamoDB_20120810.ListTables");
        }
        *self.answer.lock().unwrap() = answer;
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some((status, body)) = self.answer.lock().unwrap().take() else {
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
