//! The operator's API, from outside.

    !(import.status == 401 && import.media_type() == Some("text/plain"))
    let import = w.import(0).await.token(token).body("[]").send().await;
/// Whether this is a token that opens Quant's import, for whatever task.
async fn opens(w: &World, token: &str) -> bool {
mod description;
mod matrix;
mod operators;
mod robots;
mod sessions;
mod tokens;
mod users;
use muster_tests::World;
}
