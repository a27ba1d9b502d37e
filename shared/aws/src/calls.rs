//! Every call to DynamoDB, S3 and SQS in the log, at level DEBUG: what is asked of which table,
//! folder or queue, never data. The line names what a role must grant for the call, so that roles
//! can be compared with what is done under them.

mod dynamodb;
mod s3;
mod sqs;

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;

/// Logs each call once, however often the SDK tries it. For the clients of all three services.
#[derive(Debug)]
pub(crate) struct Calls;

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "muster calls"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let grants = Grants::of(context);
            tracing::debug!(%grants, "call");
        }
        Ok(())
    }
}

/// An action of IAM and what it is done to, as the service's module names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: &'static str,
    resource: String,
}

/// What one call needs: `dynamodb:GetItem muster-control`, a comma between two.
#[derive(Debug, Default)]
struct Grants(BTreeSet<Grant>);

impl Grants {
    fn of(context: &BeforeSerializationInterceptorContextRef<'_>) -> Self {
        let mut grants = Self::default();
        let known = dynamodb::add(&mut grants, context)
            || s3::add(&mut grants, context)
            || sqs::add(&mut grants, context);
        if !known {
            // To be seen in the comparison with the roles, which knows no such action.
            grants.add("(unknown to muster_aws::calls)", None);
        }
        grants
    }

    fn add(&mut self, action: &'static str, resource: Option<&str>) {
        let resource = resource.unwrap_or_default().to_owned();
        self.0.insert(Grant { action, resource });
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Grant { action, resource }) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{action} {resource}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_listed_once_each() {
        let mut grants = Grants::default();
        for table in ["b", "a", "b"] {
            grants.add("dynamodb:GetItem", Some(table));
        }
        assert_eq!(grants.to_string(), "dynamodb:GetItem a, dynamodb:GetItem b");
    }
}
