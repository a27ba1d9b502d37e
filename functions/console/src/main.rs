//! The function `console` on Lambda.

use lambda_http::{Error, run};
use muster_aws::background::{BucketConfig, Objects};
use muster_aws::{Account, Config, Store, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    muster_web::panics::log_locations_only();
    let account = Account::from_env()?;
    let store = Store::connect(&Config::from_env(&account)?).await;
    let objects = Objects::connect(&BucketConfig::from_env(&account)?).await;
    run(muster_console::router(store, objects)).await
}
