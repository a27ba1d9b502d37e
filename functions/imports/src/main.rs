//! The function `imports` on Lambda.

use lambda_http::{Error, run, tracing};
use muster_aws::{Config, Store};
use muster_import::Times;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let store = Store::connect(&Config::from_env()?).await;
    run(muster_imports::router(store, Times::default())).await
}
