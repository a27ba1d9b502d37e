//! The template against what else says the same: routes of `cargo lambda watch`, routes of the
//! functions, the documented environment file. None of them can drift.

use std::collections::BTreeMap;

use muster_aws::{Background, BackgroundConfig, Config, Store, Tables};
use muster_import::{Swept, Times};
use serde_json::Value;

use super::{STACK_NAME, TEMPLATE, TableDefinitions, yaml};
use crate::http::HttpServer;
use crate::loopback;
use crate::services::{Listeners, ServiceOptions, Services};
use crate::stack::loopback_client;

const WORKSPACE: &str = include_str!("../../../../Cargo.toml");
const ENVIRONMENT: &str = include_str!("../../../local.env");

fn of_type<'a>(resources: &'a Value, wanted: &'static str) -> impl Iterator<Item = &'a Value> {
    let resources = resources.as_object().unwrap().values();
    resources.filter(move |resource| resource["Type"] == wanted)
}

/// What the template sends where: route key, binary of the function.
fn routes() -> BTreeMap<String, String> {
    let document = yaml::parse(TEMPLATE).unwrap();
    let resources = &document["Resources"];
    of_type(resources, "AWS::ApiGatewayV2::Route")
        .map(|route| {
            let properties = &route["Properties"];
            let target = properties["Target"]["Fn::Sub"].as_str().unwrap();
            let integration = target
                .strip_prefix("integrations/${")
                .and_then(|name| name.strip_suffix('}'))
                .unwrap();
            let alias = &resources[integration]["Properties"]["IntegrationUri"]["Ref"];
            let function = alias.as_str().unwrap().strip_suffix(".Alias").unwrap();
            let binary = &resources[function]["Metadata"]["BuildProperties"]["Binary"];
            let key = properties["RouteKey"].as_str().unwrap().to_owned();
            (key, binary.as_str().unwrap().to_owned())
        })
        .collect()
}

/// The lines of the workspace's table `[name]`, as far as they are `"key" = "value"`.
fn table(name: &str) -> BTreeMap<String, String> {
    let (_, after) = WORKSPACE.split_once(&format!("\n[{name}]\n")).unwrap();
    after
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| {
            let mut quoted = line.split('"').skip(1).step_by(2);
            Some((quoted.next()?.to_owned(), quoted.next()?.to_owned()))
        })
        .collect()
}

#[test]
fn cargo_lambda_watch_routes_as_the_template_does() {
    let mut deployed = routes();
    assert_eq!(
        deployed.remove("$default").as_deref(),
        Some("muster-console"),
        "what nobody routes gets the service's own 404"
    );
    let deployed: BTreeMap<_, _> = deployed
        .into_iter()
        .map(|(key, binary)| {
            let path = key
                .strip_prefix("ANY ")
                .expect("functions answer 405 themselves");
            (path.replace("{proxy+}", "{*path}"), binary)
        })
        .collect();
    assert_eq!(table("workspace.metadata.lambda.watch.router"), deployed);
}

/// A bucket and queues that are not there: routing asks none.
async fn nowhere() -> Background {
    let url = "http://127.0.0.1:9";
    Background::connect(&BackgroundConfig::local(url, url, "none", url, url)).await
}

#[tokio::test]
async fn each_function_answers_its_routes_and_no_others() {
    // Routing asks no store.
    let tables = Tables::of_stack(STACK_NAME);
    let store = Store::connect(&Config::local("http://127.0.0.1:9", tables)).await;
    let functions = [
        ("muster-auth", muster_auth::router(store.clone())),
        (
            "muster-console",
            muster_console::router(store.clone(), nowhere().await.objects),
        ),
        (
            "muster-imports",
            muster_imports::router(store.clone(), nowhere().await, Times::default()),
        ),
        ("muster-users", muster_users::router(store)),
    ];
    for (function, router) in functions {
        let server = HttpServer::start(loopback::listen(0).unwrap(), router).unwrap();
        for (key, binary) in routes() {
            let Some(path) = key.strip_prefix("ANY ") else {
                continue;
            };
            let path = path.replace("{task_id}", "206").replace("{id}", "42");
            let path = path.replace("/admin/v1/{proxy+}", "/admin/v1/session");
            let path = path.replace("/docs/{proxy+}", "/docs/index.html");
            let url = format!("{}{path}", server.url());
            let answer = loopback_client().unwrap().patch(&url).send().await.unwrap();
            let expected = if binary == function { 405 } else { 404 };
            assert_eq!(answer.status().as_u16(), expected, "{function} at {path}");
        }
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn each_documented_operation_is_routed() {
    // None of them asks the store before it has looked for a token or a body.
    let tables = Tables::of_stack(STACK_NAME);
    let store = Store::connect(&Config::local("http://127.0.0.1:9", tables)).await;
    let imports = muster_imports::router(store.clone(), nowhere().await, Times::default());
    for (router, document) in [
        (muster_auth::router(store.clone()), muster_auth::openapi()),
        (
            muster_console::router(store.clone(), nowhere().await.objects),
            muster_console::openapi(),
        ),
        (imports, muster_imports::openapi()),
        (muster_users::router(store), muster_users::openapi()),
    ] {
        let server = HttpServer::start(loopback::listen(0).unwrap(), router).unwrap();
        let document = serde_json::to_value(document).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let url = format!("{}{}", server.url(), path.replace(['{', '}'], ""));
                let method = method.to_uppercase().parse().unwrap();
                let call = loopback_client().unwrap().request(method, url);
                let status = call.send().await.unwrap().status().as_u16();
                assert!((400..500).contains(&status), "{path}: {status}");
                assert!(status != 404 && status != 405, "{path}: {status}");
            }
        }
        server.stop().await.unwrap();
    }
}

#[test]
fn a_stack_s_tables_are_found_by_its_name() {
    let defined = TableDefinitions::embedded().unwrap();
    let found = Tables::of_stack(STACK_NAME);
    assert_eq!(found.directory, defined.directory.name);
    assert_eq!(found.control, defined.control.name);
}

#[test]
fn every_function_is_built_by_default_and_nothing_else_is() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let mut deployed: Vec<_> = of_type(&document["Resources"], "AWS::Serverless::Function")
        .map(|function| &function["Metadata"]["BuildProperties"]["Binary"])
        .map(|binary| binary.as_str().unwrap().replace("muster-", "functions/"))
        .collect();
    deployed.sort();
    let (_, after) = WORKSPACE.split_once("default-members = ").unwrap();
    let members: Vec<String> = serde_json::from_str(after.lines().next().unwrap()).unwrap();
    assert_eq!(members, deployed);
}

#[tokio::test]
async fn the_environment_file_says_what_the_services_say() {
    let listeners = Listeners::from_port(0).unwrap();
    let services = Services::start(listeners, None, ServiceOptions::default());
    let services = services.await.unwrap();
    let mut said: BTreeMap<_, _> = services
        .environment()
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let usual = [("DYNAMODB", 8000), ("S3", 8001), ("SQS", 8002)];
    for (service, port) in usual {
        let found = said[&format!("AWS_ENDPOINT_URL_{service}")].clone();
        let usual = format!("http://127.0.0.1:{port}");
        for value in said.values_mut() {
            *value = value.replace(&found, &usual);
        }
    }
    said.insert("MUSTER_TLS_ROOTS".to_owned(), "system".to_owned());
    let written: BTreeMap<_, _> = ENVIRONMENT
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(written, said);
    services.stop().await.unwrap();
}

#[test]
fn the_imports_function_outlives_its_own_deadline_and_not_the_gateway_s() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let timeout = &document["Resources"]["ImportsFunction"]["Properties"]["Timeout"];
    let timeout = timeout.as_u64().unwrap();
    let Times {
        stop_after,
        give_up_after,
        sync_hold,
        ..
    } = Times::default();
    assert!(stop_after < give_up_after && give_up_after.as_secs() < timeout);
    assert!(timeout < 30 && timeout < sync_hold.as_secs());
    let integration = &document["Resources"]["ImportsIntegration"]["Properties"];
    assert_eq!(integration["TimeoutInMillis"], Value::from(30_000));
}

#[test]
fn a_message_stays_hidden_for_longer_than_its_function_may_work_on_it() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let resources = &document["Resources"];
    let mappings: Vec<_> = of_type(resources, "AWS::Lambda::EventSourceMapping").collect();
    assert_eq!(mappings.len(), 2, "of files and of chunks");
    for mapping in mappings {
        let mapping = &mapping["Properties"];
        let queue = mapping["EventSourceArn"]["Fn::GetAtt"].as_str().unwrap();
        let queue = &resources[queue.strip_suffix(".Arn").unwrap()]["Properties"];
        let function = mapping["FunctionName"]["Ref"].as_str().unwrap();
        let function = &resources[function.strip_suffix(".Alias").unwrap()]["Properties"];
        let (hidden, timeout) = (&queue["VisibilityTimeout"], &function["Timeout"]);
        assert!(hidden.as_u64().unwrap() > timeout.as_u64().unwrap());
        assert_eq!(mapping["BatchSize"], 1, "one that is slow delays no other");
    }
}

#[test]
fn a_chunk_s_message_comes_again_when_its_writer_s_time_is_over_and_as_the_sweep_expects() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let resources = &document["Resources"];
    let hidden = &resources["ChunksQueue"]["Properties"]["VisibilityTimeout"];
    let timeout = &resources["WriterFunction"]["Properties"]["Timeout"];
    let times = Times::default();
    assert_eq!(hidden.as_u64(), Some(times.chunk_visible.as_secs()));
    assert!(times.chunk_held() < times.chunk_visible);
    assert!(times.chunk_give_up_after.as_secs() < timeout.as_u64().unwrap());
}

#[test]
fn alarms_of_the_sweep_look_at_metrics_that_it_has() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let resources = &document["Resources"];
    let alarms = of_type(resources, "AWS::CloudWatch::Alarm").map(|alarm| &alarm["Properties"]);
    let ours = alarms.filter(|alarm| alarm["Namespace"]["Fn::Sub"] == "Muster/${AWS::StackName}");
    let mut looked_at: Vec<_> = ours
        .filter_map(|alarm| alarm["MetricName"].as_str())
        .collect();
    looked_at.sort_unstable();
    assert_eq!(looked_at, [Swept::FREED, "ServerErrors", Swept::STUCK]);
}

#[test]
fn a_sign_in_gives_up_before_its_function_is_stopped() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let timeout = &document["Resources"]["AuthFunction"]["Properties"]["Timeout"];
    assert!(muster_auth::PATIENCE.as_secs_f64() + 1.0 < timeout.as_f64().unwrap());
}

/// What an access log may tell: nothing of it is about a person.
const LOGGED: [&str; 9] = [
    "requestId",
    "requestTimeEpoch",
    "routeKey",
    "status",
    "responseLength",
    "responseLatency",
    "integrationLatency",
    "integration.status",
    "integration.requestId",
];

#[test]
fn the_access_log_is_json_that_names_nobody_and_has_what_its_alarm_looks_at() {
    let document = yaml::parse(TEMPLATE).unwrap();
    let resources = &document["Resources"];
    let format = &resources["ApiStage"]["Properties"]["AccessLogSettings"]["Format"];
    let mut format = format.as_str().unwrap().to_owned();
    for variable in LOGGED.into_iter().chain(["error.responseType"]) {
        let whole = format!("$context.{variable}");
        // As a number, and as part of a text.
        format = format
            .replace(&format!("\"{whole}\""), "\"7\"")
            .replace(&format!("{whole},"), "7,");
    }
    assert!(
        !format.contains('$'),
        "not among what may be logged: {format}"
    );
    assert!(
        !format.contains('\n'),
        "one line for each request: {format}"
    );
    let line: BTreeMap<String, Value> = serde_json::from_str(&format).unwrap();
    assert_eq!(line["status"], 7, "compared as a number");
    let filter = &resources["ServerErrorsFilter"]["Properties"]["FilterPattern"];
    let fields: Vec<_> = filter.as_str().unwrap().split("$.").skip(1).collect();
    assert!(!fields.is_empty());
    for field in fields {
        let name = field.split(' ').next().unwrap();
        assert!(line.contains_key(name), "{name} is not in the access log");
    }
}
