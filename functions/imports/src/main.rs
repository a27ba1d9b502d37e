//! The function `imports` on Lambda.

use lambda_http::{Error, run};
use muster_aws::{Account, Background, BackgroundConfig, Config, Store, telemetry};
use muster_import::Times;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    muster_web::panics::log_locations_only();
    let account = Account::from_env()?;
    let store = Store::connect(&Config::from_env(&account)?).await;
    let background = Background::connect(&BackgroundConfig::from_env(&account)?).await;
    let router = muster_imports::router(store, background, Times::from_env()?);
    run(router).await
}
