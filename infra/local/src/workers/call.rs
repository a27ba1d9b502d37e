//! Calls of a function that cannot affect each other.

use std::fmt::Display;

/// Runs a call in its own task, so that a panic ends only this call.
pub(super) async fn call_isolated<R, E>(call: R) -> Result<(), String>
where
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    match tokio::spawn(call).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        // The panic hook prints the message, which may contain personal data.
        Err(error) if error.is_panic() => Err("the call panicked".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
