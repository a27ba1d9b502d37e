//! The operators' API (contract.md#operators-api).

mod access;
mod items;
mod openapi;
mod operators;
mod robots;
mod roles;
mod runs;
mod sessions;
mod tasks;
mod tokens;
mod users;

use muster_tests::World;
use serde_json::Value;

/// Returns true if the token permits imports in Quant's dialect, in any task.
async fn permits_import(w: &World, token: &str) -> bool {
    let import = w.import(0).await.token(token).body("[]").send().await;
    !(import.status == 401 && import.media_type() == Some("text/plain"))
}

/// Returns the pages of a list; `path` includes a query.
async fn pages(w: &World, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let reply = w.get(&format!("{path}{after}")).await;
        assert_eq!(reply.status, 200, "{reply}");
        let page = reply.json();
        pages.push(page["items"].as_array().expect("items").clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return pages,
        }
    }
}
