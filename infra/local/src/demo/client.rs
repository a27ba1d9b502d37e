//! What any client of the Quant dialect does: sign in over HTTP, send a file, in one request or in
//! parts.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use muster_aws::runs::RunId;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::seed::SignIn;
use crate::stack::loopback_client;

/// A client of the HTTP API.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer of the import.
pub(super) struct Reply {
    pub status: u16,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub json: Value,
    /// The run that the header names.
    pub run: Option<RunId>,
    pub took: Duration,
}

impl Client {
    pub(super) fn new(url: &str) -> reqwest::Result<Self> {
        Ok(Self {
            http: loopback_client()?,
            url: url.to_owned(),
        })
    }

    /// The HTTP status, and the reply.
    pub(super) async fn sign_in(&self, robot: &SignIn) -> reqwest::Result<(u16, Value)> {
        let SignIn { username, password } = robot;
        let response = self
            .http
            .post(format!("{}/authenticate", self.url))
            .json(&json!({"username": username, "password": password}))
            .send()
            .await?;
        answer(response).await
    }

    /// Begins an import whose data come in parts.
    pub(super) async fn announce(
        &self,
        token: &str,
        task_id: u64,
        size: usize,
    ) -> reqwest::Result<(u16, Value)> {
        let path = format!("/v1/import/user-data/{task_id}/uploads");
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.bearer_auth(token).json(&json!({"size": size}));
        answer(request.send().await?).await
    }

    /// Sends a part to the address that was signed for it.
    pub(super) async fn put(&self, url: &str, part: Bytes) -> reqwest::Result<u16> {
        let response = self.http.put(url).body(part).send().await?;
        Ok(response.status().as_u16())
    }

    /// Asks something of an import in the background; `path` is what follows its id.
    pub(super) async fn of_import(
        &self,
        method: Method,
        token: &str,
        import: &str,
        path: &str,
    ) -> reqwest::Result<(u16, Value)> {
        let url = format!("{}/v1/imports/{import}{path}", self.url);
        let request = self.http.request(method, url).bearer_auth(token);
        answer(request.send().await?).await
    }

    pub(super) async fn import(
        &self,
        token: &str,
        task_id: u64,
        body: String,
    ) -> reqwest::Result<Reply> {
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
        Ok(Reply {
            status,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
            run,
            took: started.elapsed(),
        })
    }
}

async fn answer(response: Response) -> reqwest::Result<(u16, Value)> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}
