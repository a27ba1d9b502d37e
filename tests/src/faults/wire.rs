//! What requests to the services ask for, and answers that the emulators never give.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use serde_json::{Value, json};

use crate::between::{Service, asked, set_body, text};

/// What becomes of a statement within a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too much; not executed.
    Throttled,
    /// A transaction is at its row; not executed.
    Conflict,
    /// Broken; it was executed.
    Unsure,
}

impl Trouble {
    const fn code(self) -> &'static str {
        match self {
            Self::Throttled => "ThrottlingError",
            Self::Conflict => "TransactionConflict",
            Self::Unsure => "InternalServerError",
        }
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    let status = status.try_into().expect("a status");
    let mut answer = HttpResponse::new(status, SdkBody::from(body.to_string()));
    let headers = answer.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.0");
    answer
}

/// The answer to a request that is too much.
pub(super) fn throttled(request: &HttpRequest) -> HttpResponse {
    match asked(request).0 {
        Service::DynamoDb => {
            let code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
            answer(400, &json!({"__type": code, "message": "too fast"}))
        }
        Service::S3 => {
            let status = 503_u16.try_into().expect("a status");
            let body = "<Error><Code>SlowDown</Code><Message>too fast</Message></Error>";
            HttpResponse::new(status, SdkBody::from(body))
        }
        Service::Sqs => {
            let code = "com.amazonaws.sqs#RequestThrottled";
            answer(400, &json!({"__type": code, "message": "too fast"}))
        }
    }
}

/// The answer to a write that meets a transaction; `None`: it can meet none.
pub(super) fn conflict(request: &HttpRequest) -> Option<HttpResponse> {
    let (service, operation) = asked(request);
    if service != Service::DynamoDb {
        return None;
    }
    let body = match operation.as_str() {
        "TransactWriteItems" => {
            let writes = text(request)["TransactItems"]
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
    Some(answer(400, &body))
}

/// A batch of statements of which some get other answers than the store's.
pub(super) struct Split {
    request: Value,
    places: Vec<usize>,
    trouble: Trouble,
}

impl Split {
    /// `None`: it is no batch, or has no statement at those places.
    pub(super) fn of(request: &HttpRequest, pattern: u8, trouble: Trouble) -> Option<Self> {
        if asked(request).1 != super::BATCH {
            return None;
        }
        let request = text(request);
        let count = request["Statements"].as_array()?.len();
        let places: Vec<usize> = (0..count)
            .filter(|place| pattern & (1 << (place % 8)) != 0)
            .collect();
        (!places.is_empty()).then_some(Self {
            request,
            places,
            trouble,
        })
    }

    /// What is to be executed, if anything.
    pub(super) fn rest(&self, mut request: HttpRequest) -> Option<HttpRequest> {
        if self.trouble == Trouble::Unsure {
            return Some(request);
        }
        let mut body = self.request.clone();
        let statements = body["Statements"].as_array_mut()?;
        for place in self.places.iter().rev() {
            statements.remove(*place);
        }
        if statements.is_empty() {
            return None;
        }
        set_body(&mut request, &body);
        Some(request)
    }

    /// The answers to all of them, given those to the rest.
    pub(super) fn joined(&self, rest: Option<&HttpResponse>) -> HttpResponse {
        let mut body = match rest {
            None => json!({"Responses": []}),
            Some(rest) if !rest.status().is_success() => {
                let body = rest.body().bytes().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or_default();
                return answer(rest.status().as_u16(), &body);
            }
            Some(rest) => {
                let body = rest.body().bytes().unwrap_or_default();
                serde_json::from_slice(body).expect("an answer")
            }
        };
        let answers = body["Responses"].as_array_mut().expect("answers");
        let error = json!({"Code": self.trouble.code(), "Message": "injected"});
        for place in &self.places {
            let made = json!({ "Error": error });
            match self.trouble {
                Trouble::Unsure => answers[*place] = made,
                Trouble::Throttled | Trouble::Conflict => answers.insert(*place, made),
            }
        }
        answer(200, &body)
    }
}
