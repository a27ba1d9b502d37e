//! The function `imports` on Lambda.

use lambda_http::{Error, run};
use muster_aws::{Background, BackgroundConfig, Config, Store, telemetry};
use muster_import::Times;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    muster_web::panics::log_only_places();
    let store = Store::connect(&Config::from_env()?).await;
    let background = Background::connect(&BackgroundConfig::from_env()?).await;
    let router = muster_imports::router(store, background, Times::from_env()?);
    run(router).await
}
