//! A client of the Quant dialect: signs in over HTTP and sends a file, in one request or in parts.

use std::time::{Duration, Instant};

use bytes::Bytes;
use muster_aws::runs::RunId;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::http_client::loopback_client;
use crate::seed::Credentials;

/// A client of the HTTP API.
pub(super) struct DemoClient {
    http: reqwest::Client,
    url: String,
}

/// The response of an import.
pub(super) struct DemoResponse {
    pub status: u16,
    /// The body as received.
    pub text: String,
    /// The body as JSON; null if it is not JSON.
    pub json: Value,
    /// The run that the header `Import-Id` names.
    pub run: Option<RunId>,
    pub duration: Duration,
}

impl DemoClient {
    pub(super) fn new(url: &str) -> reqwest::Result<Self> {
        Ok(Self {
            http: loopback_client()?,
            url: url.to_owned(),
        })
    }

    /// Signs in and returns the HTTP status and the body.
    pub(super) async fn sign_in(&self, robot: &Credentials) -> reqwest::Result<(u16, Value)> {
        let Credentials { username, password } = robot;
        let response = self
            .http
            .post(format!("{}/authenticate", self.url))
            .json(&json!({"username": username, "password": password}))
            .send()
            .await?;
        status_and_body(response).await
    }

    /// Creates an import whose file is uploaded in parts.
    pub(super) async fn create_upload(
        &self,
        token: &str,
        task_id: u64,
        size: usize,
    ) -> reqwest::Result<(u16, Value)> {
        let path = format!("/v1/import/user-data/{task_id}/uploads");
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.bearer_auth(token).json(&json!({"size": size}));
        status_and_body(request.send().await?).await
    }

    /// Uploads a part to its signed URL.
    pub(super) async fn upload_part(&self, url: &str, part: Bytes) -> reqwest::Result<u16> {
        let response = self.http.put(url).body(part).send().await?;
        Ok(response.status().as_u16())
    }

    /// Sends a request about a background import; `path` follows its id in the URL.
    pub(super) async fn import_request(
        &self,
        method: Method,
        token: &str,
        import: &str,
        path: &str,
    ) -> reqwest::Result<(u16, Value)> {
        let url = format!("{}/v1/imports/{import}{path}", self.url);
        let request = self.http.request(method, url).bearer_auth(token);
        status_and_body(request.send().await?).await
    }

    /// Sends a file in one request.
    pub(super) async fn import(
        &self,
        token: &str,
        task_id: u64,
        body: String,
    ) -> reqwest::Result<DemoResponse> {
        let started = Instant::now();
        let response = self
            .http
            .post(format!("{}/v1/import/user-data/{task_id}?debug", self.url))
            .bearer_auth(token)
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        let run = response
            .headers()
            .get("Import-Id")
            .and_then(|id| id.to_str().ok())
            .and_then(RunId::parse);
        let text = response.text().await?;
        Ok(DemoResponse {
            status,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
            run,
            duration: started.elapsed(),
        })
    }
}

/// Returns the HTTP status and the body as JSON.
async fn status_and_body(response: Response) -> reqwest::Result<(u16, Value)> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}
