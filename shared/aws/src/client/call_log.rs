//! Log of every call to DynamoDB, S3 and SQS, at level DEBUG: the action and its table, folder or
//! queue, never data. Each line names the permissions that a role must grant for the call, so that
//! roles can be compared with the calls made under them.

mod dynamodb;
mod grants;
mod s3;
mod sqs;

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;

use self::grants::Grants;

/// Target of the log lines, for filtering.
const TARGET: &str = "muster_aws::call_log";

/// Logs each call once, regardless of the SDK's retries. For the clients of all three services.
#[derive(Debug)]
pub(crate) struct CallLog;

impl Intercept for CallLog {
    fn name(&self) -> &'static str {
        "muster call log"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
            let grants = grants_of(context);
            tracing::debug!(target: TARGET, %grants, "call");
        }
        Ok(())
    }
}

/// Returns the permissions that a call needs.
fn grants_of(context: &BeforeSerializationInterceptorContextRef<'_>) -> Grants {
    let mut grants = Grants::default();
    let known = dynamodb::add(&mut grants, context)
        || s3::add(&mut grants, context)
        || sqs::add(&mut grants, context);
    if !known {
        // The comparison with the roles fails on this, because no role grants such an action.
        grants.add("(unknown to muster_aws::call_log)", None);
    }
    grants
}
