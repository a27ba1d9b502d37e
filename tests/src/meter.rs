//! Measures what AWS charges for a worker's requests: the consumed capacity of each table, as the
//! store reports it, and the number of requests by operation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use muster_import::Runner;
use serde_json::Value;

use crate::interceptor::{self, Interceptor, Response, Service, intercepted};

/// Charges of a number of requests.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// Consumed read units, by table.
    pub reads: BTreeMap<String, f64>,
    /// Consumed write units, by table, including its indexes. A write whose condition fails is
    /// charged as well, but not reported.
    pub writes: BTreeMap<String, f64>,
    /// Number of requests, by service and operation; for S3, by method.
    pub requests: BTreeMap<(Service, String), u64>,
}

impl Bill {
    /// Returns the number of requests to a service whose operation matches.
    #[must_use]
    pub fn requests(&self, to: Service, matches: impl Fn(&str) -> bool) -> u64 {
        let requests = self.requests.iter();
        let matching = requests.filter(|((service, name), _)| *service == to && matches(name));
        matching.map(|(_, count)| count).sum()
    }
}

/// Counts the charges of all requests that pass through it.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Bill>);

impl Meter {
    /// Returns the charges since the last call, and starts again from zero.
    #[must_use]
    pub fn take(&self) -> Bill {
        let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut bill)
    }

    /// Returns a runner whose requests are all counted.
    #[must_use]
    pub fn runner(self: &Arc<Self>, runner: &Runner) -> Runner {
        let mut runner = runner.clone();
        let client = runner.store.client();
        let config = client.config().to_builder();
        let config = config.http_client(intercepted(self, client.config().http_client()));
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        runner.store = runner.store.through(client);
        let client = &mut runner.background.objects.client;
        let config = client.config().to_builder();
        let config = config.http_client(intercepted(self, client.config().http_client()));
        *client = aws_sdk_s3::Client::from_conf(config.build());
        let client = &mut runner.background.queues.client;
        let config = client.config().to_builder();
        let config = config.http_client(intercepted(self, client.config().http_client()));
        *client = aws_sdk_sqs::Client::from_conf(config.build());
        runner
    }

    fn record(&self, service: Service, operation: String, response: &Value) {
        let writes = service.is_changed_by(&operation);
        let consumed = match &response["ConsumedCapacity"] {
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
            let name = table["TableName"]
                .as_str()
                .expect("a table name")
                .to_owned();
            let consumed = table["CapacityUnits"].as_f64().expect("capacity units");
            *units.entry(name).or_default() += consumed;
        }
    }
}

impl Interceptor for Meter {
    async fn intercept(
        self: Arc<Self>,
        mut request: HttpRequest,
        next: SharedHttpConnector,
    ) -> Response {
        let (service, operation) = interceptor::operation(&request);
        if service != Service::DynamoDb {
            self.record(service, operation, &Value::Null);
            return next.call(request).await;
        }
        let mut body = interceptor::json_body(&request);
        body["ReturnConsumedCapacity"] = "TOTAL".into();
        interceptor::set_body(&mut request, &body);
        let response = interceptor::with_collected_body(next.call(request).await?).await;
        let body = response.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        self.record(service, operation, &body);
        Ok(response)
    }
}
