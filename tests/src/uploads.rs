//! Imports whose data come in parts, as a client sends them: announced, sent to their URLs,
//! completed, and looked at until they have ended.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::runs::{Compression, Format, RunId};
use muster_aws::tasks::Task;
use muster_aws::{Background, Store};
use muster_import::uploads::{Announced, Created, create};
use reqwest::Method;
use serde_json::{Value, json};

use crate::World;

/// Longer than any run of the tests takes, on a busy machine, too.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(100);

/// The id of an upload.
pub fn id(upload: &Value) -> &str {
    upload["import_id"].as_str().expect("an id")
}

/// Where a part of an upload, or of a window of it, goes.
pub fn url(upload: &Value, number: u32) -> String {
    let parts = upload["parts"].as_array().expect("parts").iter();
    let part = parts.clone().find(|part| part["number"] == number);
    let part = part.unwrap_or_else(|| panic!("part {number} has no URL: {upload}"));
    part["url"].as_str().expect("a URL").to_owned()
}

/// Sends a part to its URL, as anybody can; the status.
pub async fn put(w: &World, url: &str, bytes: Vec<u8>) -> u16 {
    let sent = w.client().put(url).body(bytes).send().await;
    sent.expect("an answer").status().as_u16()
}

/// Announces a file to the function itself, not over HTTP, and sends its parts to their URLs; the
/// run, and how many parts there were. It is not completed.
pub async fn announced_and_sent(
    store: &Store,
    background: &Background,
    task: &Task,
    file: &[u8],
    dry_run: bool,
) -> (RunId, u64) {
    let announced = Announced {
        tenant: task.tenant.clone(),
        robot: "robot".to_owned(),
        task: task.settings.clone(),
        size: file.len() as u64,
        format: Format::Json,
        compression: Compression::None,
        sha256: None,
        dry_run,
    };
    let created = create(store, background, announced, Timestamp::now()).await;
    let Created::Uploading { run, window } = created.expect("the store") else {
        panic!("the task is ready");
    };
    let size = usize::try_from(window.layout.part_size).expect("it fits");
    let parts = file.chunks(size);
    let count = parts.len() as u64;
    assert_eq!(count, window.parts.len() as u64, "one window is enough");
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.expect("a client");
    for (part, bytes) in window.parts.iter().zip(parts) {
        let put = http.put(&part.url).body(bytes.to_vec()).send().await;
        assert!(put.expect("the bucket").status().is_success());
    }
    (run, count)
}

impl World {
    /// Uploads a file into a tenant's task and completes it; the run's id. `said` is what is
    /// announced of the file besides its size.
    pub async fn upload(
        &self,
        tenant: usize,
        task: u64,
        query: &str,
        mut said: Value,
        file: &[u8],
    ) -> String {
        said["size"] = json!(file.len());
        let mut call = self.import(tenant).await.task(task).query(query);
        call.path.push_str("/uploads");
        let reply = call.body(said.to_string()).send().await;
        assert_eq!(reply.status, 201, "{reply}");
        let upload = reply.json();
        let size = upload["part_size"].as_u64().expect("a size");
        let size = usize::try_from(size).expect("it fits");
        for (number, part) in (1..).zip(file.chunks(size)) {
            let status = put(self, &url(&upload, number), part.to_vec()).await;
            assert_eq!(status, 200, "part {number}");
        }
        let run = id(&upload);
        let call = self.call(Method::POST, &format!("/v1/imports/{run}/complete"));
        let reply = call.token(self.token(tenant).await).send().await;
        assert_eq!(reply.status, 202, "{reply}");
        run.to_owned()
    }

    /// How a run of a tenant stands, once it has ended.
    pub async fn ended(&self, tenant: usize, run: &str) -> Value {
        let since = Instant::now();
        loop {
            let call = self.call(Method::GET, &format!("/v1/imports/{run}"));
            let reply = call.token(self.token(tenant).await).send().await;
            assert_eq!(reply.status, 200, "{reply}");
            let standing = reply.json();
            if standing.get("ended_at").is_some() {
                return standing;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end: {standing}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
