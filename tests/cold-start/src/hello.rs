//! A minimal HTTP function, the baseline for the cold starts of the real functions.

use lambda_http::{Error, Request, run, service_fn, tracing};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(|_: Request| async { Ok::<_, Error>("hello") })).await
}
