//! Error responses that the emulated services never give by themselves.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use serde_json::{Value, json};

use crate::interceptor::{BATCH_EXECUTE_STATEMENT, Service, json_body, operation, set_body};

/// A fault of one statement in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementFault {
    /// Throttled; not executed.
    Throttled,
    /// Conflicts with a transaction; not executed.
    Conflict,
    /// An internal server error, although it was executed.
    OutcomeUnknown,
}

impl StatementFault {
    const fn code(self) -> &'static str {
        match self {
            Self::Throttled => "ThrottlingError",
            Self::Conflict => "TransactionConflict",
            Self::OutcomeUnknown => "InternalServerError",
        }
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let status = status.try_into().expect("a valid status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.0");
    response
}

/// Returns the response of the request's service to throttling.
pub(super) fn throttled(request: &HttpRequest) -> HttpResponse {
    match operation(request).0 {
        Service::DynamoDb => {
            let code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
            response(400, &json!({"__type": code, "message": "too fast"}))
        }
        Service::S3 => {
            let status = 503_u16.try_into().expect("a valid status");
            let body = "<Error><Code>SlowDown</Code><Message>too fast</Message></Error>";
            HttpResponse::new(status, SdkBody::from(body))
        }
        Service::Sqs => {
            let code = "com.amazonaws.sqs#RequestThrottled";
            response(400, &json!({"__type": code, "message": "too fast"}))
        }
    }
}

/// Returns the response to a write that conflicts with a transaction; `None` if it cannot conflict.
pub(super) fn conflict(request: &HttpRequest) -> Option<HttpResponse> {
    let (service, operation) = operation(request);
    if service != Service::DynamoDb {
        return None;
    }
    let body = match operation.as_str() {
        "TransactWriteItems" => {
            let writes = json_body(request)["TransactItems"]
                .as_array()
                .map_or(1, Vec::len);
            let mut reasons = vec![json!({"Code": "None"}); writes];
            reasons[0] = json!({"Code": "TransactionConflict", "Message": "ongoing"});
            json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled",
                "CancellationReasons": reasons,
            })
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "message": "ongoing",
        }),
        _ => return None,
    };
    Some(response(400, &body))
}

/// A batch of statements of which some get the response of a fault.
pub(super) struct BatchSplit {
    request: Value,
    positions: Vec<usize>,
    fault: StatementFault,
}

impl BatchSplit {
    /// Splits a batch; `None` if the request is not a batch, or has no statement at those positions.
    pub(super) fn new(request: &HttpRequest, pattern: u8, fault: StatementFault) -> Option<Self> {
        if operation(request).1 != BATCH_EXECUTE_STATEMENT {
            return None;
        }
        let request = json_body(request);
        let count = request["Statements"].as_array()?.len();
        let positions: Vec<usize> = (0..count)
            .filter(|position| pattern & (1 << (position % 8)) != 0)
            .collect();
        (!positions.is_empty()).then_some(Self {
            request,
            positions,
            fault,
        })
    }

    /// Returns the request with the statements that are executed; `None` if there are none.
    pub(super) fn executed(&self, mut request: HttpRequest) -> Option<HttpRequest> {
        if self.fault == StatementFault::OutcomeUnknown {
            return Some(request);
        }
        let mut body = self.request.clone();
        let statements = body["Statements"].as_array_mut()?;
        for position in self.positions.iter().rev() {
            statements.remove(*position);
        }
        if statements.is_empty() {
            return None;
        }
        set_body(&mut request, &body);
        Some(request)
    }

    /// Returns the responses to all statements, given those to the executed ones.
    pub(super) fn join(&self, executed: Option<&HttpResponse>) -> HttpResponse {
        let mut body = match executed {
            None => json!({"Responses": []}),
            Some(executed) if !executed.status().is_success() => {
                let body = executed.body().bytes().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or_default();
                return response(executed.status().as_u16(), &body);
            }
            Some(executed) => {
                let body = executed.body().bytes().unwrap_or_default();
                serde_json::from_slice(body).expect("a JSON object")
            }
        };
        let responses = body["Responses"].as_array_mut();
        let responses = responses.expect("a list of responses");
        let error = json!({"Code": self.fault.code(), "Message": "injected"});
        for position in &self.positions {
            let failed = json!({ "Error": error });
            match self.fault {
                StatementFault::OutcomeUnknown => responses[*position] = failed,
                StatementFault::Throttled | StatementFault::Conflict => {
                    responses.insert(*position, failed)
                }
            }
        }
        response(200, &body)
    }
}
