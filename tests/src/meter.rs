//! What is charged for a worker's requests: the capacity of tables, as the store says it was
//! consumed, and requests by kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use muster_import::Runner;
use serde_json::Value;

use crate::between::{self, Answer, Passage, Service, through};

/// What requests came to.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// Read units, by table.
    pub reads: BTreeMap<String, f64>,
    /// Write units, by table, its indexes included. A write whose condition does not hold is
    /// charged, too, and not told of.
    pub writes: BTreeMap<String, f64>,
    /// Requests, by service and operation; those to S3 by method.
    pub requests: BTreeMap<(Service, String), u64>,
}

impl Bill {
    /// Requests of a service whose operation is one of these.
    #[must_use]
    pub fn requests(&self, of: Service, operations: impl Fn(&str) -> bool) -> u64 {
        let requests = self.requests.iter();
        let ours = requests.filter(|((service, name), _)| *service == of && operations(name));
        ours.map(|(_, count)| count).sum()
    }
}

/// Reads the meter of whatever is sent through it.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Bill>);

impl Meter {
    /// What has come together since the last time.
    #[must_use]
    pub fn take(&self) -> Bill {
        let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut bill)
    }

    /// A runner all of whose requests are counted.
    #[must_use]
    pub fn runner(self: &Arc<Self>, runner: &Runner) -> Runner {
        let mut runner = runner.clone();
        let client = runner.store.client();
        let config = client.config().to_builder();
        let config = config.http_client(through(self, client.config().http_client()));
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        runner.store = runner.store.through(client);
        let client = &mut runner.background.objects.client;
        let config = client.config().to_builder();
        let config = config.http_client(through(self, client.config().http_client()));
        *client = aws_sdk_s3::Client::from_conf(config.build());
        let client = &mut runner.background.queues.client;
        let config = client.config().to_builder();
        let config = config.http_client(through(self, client.config().http_client()));
        *client = aws_sdk_sqs::Client::from_conf(config.build());
        runner
    }

    fn note(&self, service: Service, operation: String, answer: &Value) {
        let writes = service.is_changed_by(&operation);
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.as_slice(),
            Value::Null => &[],
            table => std::slice::from_ref(table),
        };
        let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *bill.requests.entry((service, operation)).or_default() += 1;
        let units = if writes {
            &mut bill.writes
        } else {
            &mut bill.reads
        };
        for table in consumed {
            let name = table["TableName"].as_str().expect("a table").to_owned();
            let consumed = table["CapacityUnits"].as_f64().expect("units");
            *units.entry(name).or_default() += consumed;
        }
    }
}

impl Passage for Meter {
    async fn pass(
        self: Arc<Self>,
        mut request: HttpRequest,
        behind: SharedHttpConnector,
    ) -> Answer {
        let (service, operation) = between::asked(&request);
        if service != Service::DynamoDb {
            self.note(service, operation, &Value::Null);
            return behind.call(request).await;
        }
        let mut body = between::text(&request);
        body["ReturnConsumedCapacity"] = "TOTAL".into();
        between::set_body(&mut request, &body);
        let answer = between::whole(behind.call(request).await?).await;
        let said = answer.body().bytes().unwrap_or_default();
        let said: Value = serde_json::from_slice(said).unwrap_or_default();
        self.note(service, operation, &said);
        Ok(answer)
    }
}
