//! Uploads that stop before they are complete, and their continuation with `--resume`.

use serde_json::json;

use crate::home::import_args;
use crate::mock_server::{MockServer, json_response, problem};
use crate::upload_service::{UploadService, finished, state};
use crate::uploads::{home, import, paths};

#[test]
fn an_upload_can_be_resumed_after_the_token_has_expired() {
    let mut service = UploadService::new(100);
    service.failures = vec![(
        "/v1/imports/0198c7/parts?from=4",
        problem(401, "the token has ended"),
    )];
    let (server, _) = service.start();
    import(&home(5).0, &server, &[])
        .exits_with(4)
        .stderr_contains("the token has ended")
        .stderr_contains("run `muster login --url")
        .stderr_contains(
            "then send the rest with `muster import users.ndjson --task 206 --resume 0198c7",
        );
}

#[test]
fn a_busy_task_shows_how_to_start_the_import_later() {
    let mut service = UploadService::new(100);
    let busy = problem(503, "the task runs another import").with("retry-after", "42");
    service.failures = vec![("/v1/imports/0198c7/complete", busy)];
    service.upload_request = json!({"size": 205});
    let mut uploading = state("uploading");
    uploading["size"] = json!(205);
    service.states = vec![uploading, finished()];
    let (server, _) = service.start();
    let (home, text) = home(2);
    assert_eq!(text.len(), 205);
    let output = import(&home, &server, &[]);
    let resume = format!(
        "`muster import users.ndjson --task 206 --resume 0198c7 --url {}`",
        server.url
    );
    output
        .exits_with(1)
        .stderr_contains("task 206 is running another import")
        .stderr_contains("in 42 seconds")
        .stderr_contains(&resume)
        .stdout_is_empty();
    let sent = paths(&server, "PUT").len();
    import(&home, &server, &["--resume", "0198c7"])
        .exits_with(0)
        .stdout_contains("SUCCESS");
    assert_eq!(paths(&server, "PUT").len(), sent, "nothing is sent twice");
}

#[test]
fn resuming_sends_the_missing_parts() {
    let mut service = UploadService::new(100);
    service.upload_request = json!({"size": 805});
    let (home, text) = home(8);
    for number in [1, 2, 5, 9] {
        let from = (number - 1) * 100;
        let part = &text.as_bytes()[from..(from + 100).min(text.len())];
        service.parts.insert(number, part.to_vec());
    }
    let mut uploading = state("uploading");
    uploading["size"] = json!(805);
    service.states = vec![uploading, finished()];
    let (server, service) = service.start();
    import(&home, &server, &["--resume", "0198c7"])
        .exits_with(0)
        .stderr_contains("uploading users.ndjson: 200 of 805 bytes (24 %)")
        .stdout_contains("SUCCESS");
    assert_eq!(service.lock().unwrap().bytes(), text.as_bytes());
    let mut sent: Vec<String> = paths(&server, "PUT")
        .iter()
        .map(|path| path.split('?').next().unwrap().to_owned())
        .collect();
    sent.sort();
    let missing = [3, 4, 6, 7, 8].map(|number| format!("/store/{number}"));
    assert_eq!(sent, missing);
}

#[test]
fn an_upload_is_not_resumed_with_another_file_or_task() {
    let resumed = |size: u64, task: u64| {
        let mut run = state("uploading");
        run["size"] = json!(size);
        run["task"] = json!(task);
        let server = MockServer::returning(json_response(200, run.to_string()));
        let output = import(&home(8).0, &server, &["--resume", "0198c7"]);
        assert_eq!(server.request().method, "GET");
        output
    };
    resumed(1_000, 206)
        .exits_with(1)
        .stderr_contains(
            "users.ndjson has 805 bytes, but import 0198c7 was started with a file of 1,000 bytes",
        )
        .stderr_contains("nothing was sent");
    resumed(805, 207)
        .exits_with(1)
        .stderr_contains("belongs to task 207, not to task 206");
}

#[test]
fn a_complete_upload_is_followed() {
    let mut run = finished();
    run["size"] = json!(805);
    let server = MockServer::returning(json_response(200, run.to_string()));
    import(&home(8).0, &server, &["--resume", "0198c7"])
        .exits_with(0)
        .stderr_contains("users.ndjson was already uploaded")
        .stdout_contains("SUCCESS");
}

#[cfg(unix)]
mod interrupted {
    use super::*;
    use crate::home::interrupt;
    use crate::mock_server::silence;

    #[test]
    fn during_the_upload_the_hint_is_to_resume() {
        for (parallel, at_once) in [(None, 4), (Some("2"), 2)] {
            let mut service = UploadService::new(100);
            // No part gets a response.
            service.failures = (0..8).map(|_| ("/store/", silence())).collect();
            service.page_parts = 9;
            let (server, _) = service.start();
            let (home, _) = home(8);
            let flags = parallel.map_or(vec![], |parallel| vec!["--parallel", parallel]);
            let child = home.start(&import_args("users.ndjson", &server.url, &flags));
            server.wait_until(|requests| {
                let parts = requests.iter().filter(|request| request.method == "PUT");
                parts.count() == at_once
            });
            interrupt(child)
                .exits_with(1)
                .stderr_contains("interrupted: the upload of import 0198c7 is incomplete")
                .stderr_contains(&format!(
                    "received parts are kept: send the rest with `muster import users.ndjson --task \
                     206 --resume 0198c7 --url {}`",
                    server.url
                ))
                .stdout_is_empty();
            assert_eq!(paths(&server, "PUT").len(), at_once);
        }
    }

    #[test]
    fn while_the_import_runs_the_hint_is_that_it_continues() {
        let mut service = UploadService::new(100);
        service.states = vec![state("applying")];
        let (server, _) = service.start();
        let (home, _) = home(2);
        let child = home.start(&import_args("users.ndjson", &server.url, &[]));
        server.wait_until(|requests| {
            let mut polls = requests.iter().filter(|request| request.method == "GET");
            polls.any(|request| request.uri.path() == "/v1/imports/0198c7")
        });
        interrupt(child)
            .exits_with(1)
            .stderr_contains("import 0198c7 continues on the server")
            .stderr_contains("`muster status 0198c7 --watch --url")
            .stderr_contains("`muster cancel 0198c7 --url")
            .stdout_is_empty();
    }
}
