//! The function `sweeper` on Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use muster_aws::telemetry;
use muster_import::Runner;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    let runner = Runner::from_env().await?;
    run(service_fn(async |_event: LambdaEvent<Value>| {
        Ok::<_, Error>(muster_sweeper::handle(&runner).await.map(drop)?)
    }))
    .await
}
