//! The OpenAPI document and its page, which need no token.

use muster_tests::{Reply, World};
use reqwest::Method;

async fn get(w: &World, path: &str) -> Reply {
    w.call(Method::GET, path).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_equals_the_one_in_the_repository() {
    let w = World::start().await;
    let reply = get(&w, "/openapi.json").await;
    assert_eq!(
        (reply.status, reply.media_type()),
        (200, Some("application/json"))
    );
    assert_eq!(reply.text(), include_str!("../../../../docs/openapi.json"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_all_its_parts_and_a_strict_content_security_policy() {
    let w = World::start().await;
    let page = get(&w, "/docs/").await;
    assert_eq!(
        (page.status, page.media_type()),
        (200, Some("text/html")),
        "{page}"
    );
    for part in page
        .text()
        .split('"')
        .filter_map(|text| text.strip_prefix("./"))
    {
        let reply = get(&w, &format!("/docs/{part}")).await;
        assert_eq!(reply.status, 200, "{part}");
    }
    let script = get(&w, "/docs/swagger-initializer.js").await;
    assert!(script.text().contains("/openapi.json"), "{script}");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !page.text().contains("http"),
        "the page loads something from another origin"
    );
}
