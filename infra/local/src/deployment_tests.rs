//! Compares the template with everything that repeats its content: the routes of `cargo lambda
//! watch`, the routes of the functions, the protocol's times and the documented environment file.

use std::collections::BTreeMap;

use muster_aws::{Background, BackgroundConfig, Config, Store, Tables};
use muster_emulators::loopback::{self, HttpServer};
use muster_emulators::template::{REGION, STACK_NAME, TableDefinitions, document};
use muster_import::{SweepReport, Times};
use serde_json::Value;

use crate::http_client::loopback_client;
use crate::services::{Listeners, ServiceOptions, Services};

const WORKSPACE_MANIFEST: &str = include_str!("../../../Cargo.toml");
const ENVIRONMENT_FILE: &str = include_str!("../../local.env");

/// Returns the resources of a type.
fn of_type<'a>(
    resources: &'a Value,
    resource_type: &'static str,
) -> impl Iterator<Item = &'a Value> {
    let resources = resources.as_object().unwrap().values();
    resources.filter(move |resource| resource["Type"] == resource_type)
}

/// Returns the routes of the template: route key, binary of the function.
fn routes() -> BTreeMap<String, String> {
    let document = document().unwrap();
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

/// Returns the `"key" = "value"` lines of the workspace manifest's table `[name]`.
fn table(name: &str) -> BTreeMap<String, String> {
    let (_, after) = WORKSPACE_MANIFEST
        .split_once(&format!("\n[{name}]\n"))
        .unwrap();
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
fn cargo_lambda_watch_has_the_routes_of_the_template() {
    let mut deployed = routes();
    assert_eq!(
        deployed.remove("$default").as_deref(),
        Some("muster-console"),
        "unknown paths get the service's own 404"
    );
    let deployed: BTreeMap<_, _> = deployed
        .into_iter()
        .map(|(key, binary)| {
            let path = key
                .strip_prefix("ANY ")
                .expect("functions respond with 405 themselves");
            (path.replace("{proxy+}", "{*path}"), binary)
        })
        .collect();
    assert_eq!(table("workspace.metadata.lambda.watch.router"), deployed);
}

/// Returns clients of a bucket and queues that do not exist, which routing does not use.
async fn unreachable_background() -> Background {
    let url = "http://127.0.0.1:9";
    Background::connect(&BackgroundConfig::local(url, url, "none", url, url)).await
}

#[tokio::test]
async fn each_function_has_its_routes_and_no_others() {
    // Routing sends no request to the store.
    let tables = Tables::of_stack(STACK_NAME);
    let store = Store::connect(&Config::local("http://127.0.0.1:9", tables)).await;
    let functions = [
        ("muster-auth", muster_auth::router(store.clone())),
        (
            "muster-console",
            muster_console::router(store.clone(), unreachable_background().await.objects),
        ),
        (
            "muster-imports",
            muster_imports::router(
                store.clone(),
                unreachable_background().await,
                Times::default(),
            ),
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
            let client = loopback_client().unwrap();
            let response = client.patch(&url).send().await.unwrap();
            let expected = if binary == function { 405 } else { 404 };
            assert_eq!(response.status().as_u16(), expected, "{function} at {path}");
        }
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn each_documented_operation_is_routed() {
    // Each operation checks for a token or a body before it uses the store.
    let tables = Tables::of_stack(STACK_NAME);
    let store = Store::connect(&Config::local("http://127.0.0.1:9", tables)).await;
    let imports = muster_imports::router(
        store.clone(),
        unreachable_background().await,
        Times::default(),
    );
    for (router, document) in [
        (muster_auth::router(store.clone()), muster_auth::openapi()),
        (
            muster_console::router(store.clone(), unreachable_background().await.objects),
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
fn the_emulators_use_the_region_of_the_local_clients() {
    assert_eq!(REGION, muster_aws::config::LOCAL_REGION);
}

#[test]
fn table_names_follow_from_the_stack_name() {
    let definitions = TableDefinitions::embedded().unwrap();
    let tables = Tables::of_stack(STACK_NAME);
    assert_eq!(tables.directory, definitions.directory.name);
    assert_eq!(tables.control, definitions.control.name);
}

#[test]
fn the_default_members_are_the_functions() {
    let document = document().unwrap();
    let mut deployed: Vec<_> = of_type(&document["Resources"], "AWS::Serverless::Function")
        .map(|function| &function["Metadata"]["BuildProperties"]["Binary"])
        .map(|binary| binary.as_str().unwrap().replace("muster-", "functions/"))
        .collect();
    deployed.sort();
    let (_, after) = WORKSPACE_MANIFEST.split_once("default-members = ").unwrap();
    let members: Vec<String> = serde_json::from_str(after.lines().next().unwrap()).unwrap();
    assert_eq!(members, deployed);
}

#[tokio::test]
async fn the_environment_file_matches_the_services() {
    let listeners = Listeners::from_port(0).unwrap();
    let services = Services::start(listeners, None, ServiceOptions::default(), None);
    let services = services.await.unwrap();
    let mut expected: BTreeMap<_, _> = services
        .environment()
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let default_ports = [("DYNAMODB", 8000), ("S3", 8001), ("SQS", 8002)];
    for (service, port) in default_ports {
        let actual = expected[&format!("AWS_ENDPOINT_URL_{service}")].clone();
        let default_endpoint = format!("http://127.0.0.1:{port}");
        for value in expected.values_mut() {
            *value = value.replace(&actual, &default_endpoint);
        }
    }
    expected.insert("MUSTER_TLS_ROOTS".to_owned(), "system".to_owned());
    let documented: BTreeMap<_, _> = ENVIRONMENT_FILE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(documented, expected);
    services.stop().await.unwrap();
}

#[test]
fn the_timeout_of_imports_is_between_its_deadline_and_the_gateway_s() {
    let document = document().unwrap();
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
fn visibility_timeouts_exceed_the_timeouts_of_their_functions() {
    let document = document().unwrap();
    let resources = &document["Resources"];
    let mappings: Vec<_> = of_type(resources, "AWS::Lambda::EventSourceMapping").collect();
    assert_eq!(mappings.len(), 2, "one of files and one of chunks");
    for mapping in mappings {
        let mapping = &mapping["Properties"];
        let queue = mapping["EventSourceArn"]["Fn::GetAtt"].as_str().unwrap();
        let queue = &resources[queue.strip_suffix(".Arn").unwrap()]["Properties"];
        let function = mapping["FunctionName"]["Ref"].as_str().unwrap();
        let function = &resources[function.strip_suffix(".Alias").unwrap()]["Properties"];
        let (hidden, timeout) = (&queue["VisibilityTimeout"], &function["Timeout"]);
        assert!(hidden.as_u64().unwrap() > timeout.as_u64().unwrap());
        assert_eq!(
            mapping["BatchSize"], 1,
            "a slow message must not delay others"
        );
    }
}

#[test]
fn a_chunk_message_is_redelivered_after_the_writer_s_timeout_as_the_sweep_expects() {
    let document = document().unwrap();
    let resources = &document["Resources"];
    let hidden = &resources["ChunksQueue"]["Properties"]["VisibilityTimeout"];
    let timeout = &resources["WriterFunction"]["Properties"]["Timeout"];
    let times = Times::default();
    assert_eq!(hidden.as_u64(), Some(times.chunk_visible.as_secs()));
    assert!(times.chunk_lease() < times.chunk_visible);
    assert!(times.chunk_give_up_after.as_secs() < timeout.as_u64().unwrap());
}

#[test]
fn alarms_use_metrics_that_exist() {
    let document = document().unwrap();
    let resources = &document["Resources"];
    let alarms = of_type(resources, "AWS::CloudWatch::Alarm").map(|alarm| &alarm["Properties"]);
    let own = alarms.filter(|alarm| alarm["Namespace"]["Fn::Sub"] == "Muster/${AWS::StackName}");
    let mut metrics: Vec<_> = own
        .filter_map(|alarm| alarm["MetricName"].as_str())
        .collect();
    metrics.sort_unstable();
    assert_eq!(
        metrics,
        [
            SweepReport::FREED_METRIC,
            "ServerErrors",
            SweepReport::STUCK_METRIC
        ]
    );
}

#[test]
fn a_sign_in_times_out_before_its_function() {
    let document = document().unwrap();
    let timeout = &document["Resources"]["AuthFunction"]["Properties"]["Timeout"];
    assert!(muster_auth::SIGN_IN_TIMEOUT.as_secs_f64() + 1.0 < timeout.as_f64().unwrap());
}

/// Variables allowed in the access log; none is about a person.
const LOGGED_VARIABLES: [&str; 9] = [
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
fn the_access_log_is_json_without_personal_data_and_has_the_fields_of_its_alarm() {
    let document = document().unwrap();
    let resources = &document["Resources"];
    let format = &resources["ApiStage"]["Properties"]["AccessLogSettings"]["Format"];
    let mut format = format.as_str().unwrap().to_owned();
    for variable in LOGGED_VARIABLES.into_iter().chain(["error.responseType"]) {
        let reference = format!("$context.{variable}");
        // Quoted, and as a bare number.
        format = format
            .replace(&format!("\"{reference}\""), "\"7\"")
            .replace(&format!("{reference},"), "7,");
    }
    assert!(
        !format.contains('$'),
        "a variable that must not be logged: {format}"
    );
    assert!(
        !format.contains('\n'),
        "more than one line for a request: {format}"
    );
    let line: BTreeMap<String, Value> = serde_json::from_str(&format).unwrap();
    assert_eq!(line["status"], 7, "the alarm compares a number");
    let filter = &resources["ServerErrorsFilter"]["Properties"]["FilterPattern"];
    let fields: Vec<_> = filter.as_str().unwrap().split("$.").skip(1).collect();
    assert!(!fields.is_empty());
    for field in fields {
        let name = field.split(' ').next().unwrap();
        assert!(line.contains_key(name), "{name} is not in the access log");
    }
}
