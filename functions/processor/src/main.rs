//! The function `processor` on Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use muster_aws::telemetry;
use muster_import::Runner;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    let runner = Runner::from_env().await?;
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(muster_processor::handle(&runner, event.payload).await)
    }))
    .await
}
