//! The operator's API, from outside.

mod description;
mod items;
mod matrix;
mod operators;
mod robots;
mod roles;
mod runs;
mod sessions;
mod tasks;
mod tokens;
mod users;

use muster_tests::World;

/// Whether this is a token that opens Quant's import, for whatever task.
async fn opens(w: &World, token: &str) -> bool {
    let import = w.import(0).await.token(token).body("[]").send().await;
    !(import.status == 401 && import.media_type() == Some("text/plain"))
}
