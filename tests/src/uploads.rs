//! Uploads as a client sends them: creates them, sends their parts, completes them, and polls their
//! runs until they end.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::runs::{Compression, Format, RunId};
use muster_aws::tasks::Task;
use muster_aws::{Background, Store};
use muster_import::uploads::{CreateOutcome, UploadRequest, create};
use muster_local::loopback_client;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

/// Maximum time until a run ends, also on a busy machine.
const MAX_RUN_TIME: Duration = Duration::from_secs(240);
/// Interval between two requests for the status of a run.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns the id of an upload.
pub fn id(upload: &Value) -> &str {
    upload["import_id"].as_str().expect("an import id")
}

/// Returns the URL of a part of an upload, or of a page of its parts.
pub fn url(upload: &Value, number: u32) -> String {
    let parts = upload["parts"].as_array().expect("a list of parts").iter();
    let part = parts.clone().find(|part| part["number"] == number);
    let part = part.unwrap_or_else(|| panic!("part {number} has no URL: {upload}"));
    part["url"].as_str().expect("a URL").to_owned()
}

/// Sends a part to its URL without credentials, and returns the status.
pub async fn put(w: &World, url: &str, bytes: Vec<u8>) -> u16 {
    let sent = w.client().put(url).body(bytes).send().await;
    sent.expect("a response").status().as_u16()
}

/// Creates an upload by calling the function, not over HTTP, and sends its parts to their URLs, but
/// does not complete it. Returns the run and the number of parts.
pub async fn create_and_send_parts(
    store: &Store,
    background: &Background,
    task: &Task,
    file: &[u8],
    dry_run: bool,
) -> (RunId, u64) {
    let announced = UploadRequest {
        tenant: task.tenant.clone(),
        robot: "robot".to_owned(),
        task: task.settings.clone(),
        size: file.len() as u64,
        format: Format::Json,
        compression: Compression::None,
        sha256: None,
        dry_run,
        override_threshold: false,
    };
    let created = create(store, background, announced, Timestamp::now()).await;
    let CreateOutcome::Uploading { run, page } = created.expect("creating an upload") else {
        panic!("the task accepts no upload");
    };
    let size = usize::try_from(page.layout.part_size).expect("the part size fits into usize");
    let parts = file.chunks(size);
    let count = parts.len() as u64;
    assert_eq!(count, page.parts.len() as u64, "all parts are in one page");
    let http = loopback_client().expect("an HTTP client");
    for (part, bytes) in page.parts.iter().zip(parts) {
        let put = http.put(&part.url).body(bytes.to_vec()).send().await;
        assert!(put.expect("a response").status().is_success());
    }
    (run, count)
}

impl World {
    /// Uploads a file into a tenant's task and completes it. `announcement` is the body of the
    /// create request without the size. Returns the run's id.
    pub async fn upload(
        &self,
        tenant: usize,
        task: u64,
        query: &str,
        mut announcement: Value,
        file: &[u8],
    ) -> String {
        announcement["size"] = json!(file.len());
        let mut call = self.import(tenant).await.task(task).query(query);
        call.path.push_str("/uploads");
        let reply = call.body(announcement.to_string()).send().await;
        assert_eq!(reply.status, 201, "{reply}");
        let upload = reply.json();
        let size = upload["part_size"].as_u64().expect("a part size");
        let size = usize::try_from(size).expect("the part size fits into usize");
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

    /// Waits until a run of a tenant has ended, and returns its status resource.
    pub async fn wait_until_ended(&self, tenant: usize, run: &str) -> Value {
        let started = Instant::now();
        loop {
            let call = self.call(Method::GET, &format!("/v1/imports/{run}"));
            let reply = call.token(self.token(tenant).await).send().await;
            assert_eq!(reply.status, 200, "{reply}");
            let status = reply.json();
            if status.get("ended_at").is_some() {
                return status;
            }
            assert!(
                started.elapsed() < MAX_RUN_TIME,
                "the run does not end: {status}"
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
