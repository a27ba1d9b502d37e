//! What the embedded DynamoDB never does: losing an answer after the effect, and cancelling a
//! transaction because of another one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
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

/// Trouble for the calls of one operation, for a store that makes one call at a time.
#[derive(Debug, Clone)]
pub struct Faults {
    operation: &'static str,
    lost_answers: Arc<AtomicUsize>,
    conflicts: Arc<AtomicUsize>,
    /// What the attempt that is on its way will get instead of its answer.
    answer: Arc<Mutex<Option<(u16, &'static str)>>>,
}

impl Faults {
    /// A store whose calls of `operation` meet the trouble that is set.
    pub fn on(operation: &'static str, store: &Store) -> (Self, Store) {
        let faults = Self {
            operation,
            lost_answers: Arc::default(),
            conflicts: Arc::default(),
            answer: Arc::default(),
        };
        let config = store
            .client
            .config()
            .to_builder()
            .interceptor(faults.clone())
            .build();
        let mut faulty = store.clone();
        faulty.client = Client::from_conf(config);
        (faults, faulty)
    }

    /// The next attempts take effect, and the answer is "internal server error".
    pub fn lose_answers(&self, attempts: usize) {
        self.lost_answers.store(attempts, Ordering::SeqCst);
    }

    /// The next attempts have no effect, and are cancelled as conflicting.
    pub fn conflict(&self, attempts: usize) {
        self.conflicts.store(attempts, Ordering::SeqCst);
    }

    /// Whether all of the trouble has happened.
    pub fn are_over(&self) -> bool {
        self.lost_answers.load(Ordering::SeqCst) == 0 && self.conflicts.load(Ordering::SeqCst) == 0
    }
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
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
        let answer = if !called.ends_with(self.operation) {
            None
        } else if take_one(&self.conflicts) {
            *request.body_mut() = "{}".into();
            request.headers_mut().insert("content-length", "2");
            request
                .headers_mut()
                .insert(TARGET, "DynamoDB_20120810.ListTables");
            Some((400, CONFLICT))
        } else if take_one(&self.lost_answers) {
            Some((500, LOST))
        } else {
            None
        };
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
        *response.body_mut() = body.into();
        response.headers_mut().remove("x-amz-crc32");
        response
            .headers_mut()
            .insert("content-length", body.len().to_string());
        Ok(())
    }
}
