//! The demo: imports on a fresh stack, from sign-in to execution log, printed as they happen. Every
//! printed value was just read from a response or the store, and every figure is compared with its
//! expected value.

mod checks;
mod client;
mod error;
mod large;
mod print;
mod progress;
mod run;
mod sample;

use std::io::Write;
use std::time::Instant;

use crate::stack::{Stack, StackOptions};
use checks::Checks;
use client::DemoClient;
use error::DemoError;
use print::{DIM, TITLE, duration, print_summary};
use run::DemoRun;

/// Runs the demo on its own stack, with `users` users in the large import. Returns true if every
/// figure was as expected.
///
/// # Errors
/// Returns an error if a step failed, so that the demo could not continue.
pub(crate) async fn demo(users: u64, out: &mut impl Write) -> Result<bool, DemoError> {
    let started = Instant::now();
    writeln!(
        out,
        "{TITLE}Muster demo{TITLE:#}: the real service, in memory, on this machine only"
    )?;
    let stack = Stack::start(StackOptions::default()).await?;
    writeln!(
        out,
        "{DIM}API {}, DynamoDB {} (emulated), ready after {}{DIM:#}\n",
        stack.url,
        stack.dynamodb_endpoint,
        duration(started.elapsed())
    )?;
    let mut checks = Checks::default();
    let result = run_steps(&stack, users, &mut checks, out).await;
    stack.stop().await?;
    if result.is_ok() || !checks.failures().is_empty() {
        print_summary(out, &checks, started.elapsed())?;
    }
    result.map(|()| checks.failures().is_empty())
}

async fn run_steps(
    stack: &Stack,
    large_import_users: u64,
    checks: &mut Checks,
    out: &mut impl Write,
) -> Result<(), DemoError> {
    let tenant = stack.tenants.first();
    let mut run = DemoRun {
        client: DemoClient::new(&stack.url)?,
        store: stack.store.clone(),
        tenant: tenant.ok_or(DemoError::Aborted("there is no tenant"))?,
        checks,
        out,
    };
    let token = run.sign_in().await?;
    run.first_import(&token).await?;
    let users = run.users_in_the_directory().await?;
    run.same_file_again(&token, &users).await?;
    run.broken_file(&token, &users).await?;
    run.large_import(&token, large_import_users).await?;
    run.execution_log().await
}
