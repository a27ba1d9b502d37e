//! The function `users` on Lambda.

use lambda_http::{Error, run};
use muster_aws::{Account, Config, Store, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init()?;
    muster_web::panics::log_locations_only();
    let store = Store::connect(&Config::from_env(&Account::from_env()?)?).await;
    run(muster_users::router(store)).await
}
