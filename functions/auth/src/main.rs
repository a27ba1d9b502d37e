//! The function `auth` on Lambda.

use lambda_http::{Error, run, tracing};
use muster_aws::{Config, Store};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    muster_web::panics::log_only_places();
    let store = Store::connect(&Config::from_env()?).await;
    run(muster_auth::router(store)).await
}
