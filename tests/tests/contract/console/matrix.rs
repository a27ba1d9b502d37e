//! What must hold for every operation, made from the document of all operations: a new one that is
//! not looked at here fails these tests. Who may do it (401, 403), and that what belongs to another
//! tenant answers byte for byte like what does not exist.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_local::SignIn;
use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

/// One operation of the document.
#[derive(Debug, Clone)]
struct Operation {
    method: Method,
    path: String,
    /// `operator`, `robot`, or none for who is to sign in.
    scheme: Option<String>,
    /// Whether the role `manage` is needed.
    manages: bool,
    /// Names of the query parameters.
    filters: Vec<String>,
    reads_body: bool,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(muster_local::openapi::document()).expect("JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"][0].as_object();
            let scheme = security.and_then(|security| security.iter().next());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            operations.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                scheme: scheme.map(|(name, _)| name.clone()),
                manages: scheme.is_some_and(|(_, roles)| *roles == json!(["manage"])),
                filters: parameters
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                    .collect(),
                reads_body: !operation["requestBody"].is_null(),
            });
        }
    }
    assert!(operations.len() > 30, "{operations:?}");
    operations
}

/// What a tenant has one of, or what nobody has.
#[derive(Debug, Clone)]
struct Things {
    operator: String,
    task: String,
    robot: String,
    token: String,
    run: String,
    user: String,
    login: String,
    external_id: String,
}

impl Things {
    /// What the variable behind this segment of a path stands for.
    fn of_segment(&self, segment: &str) -> &str {
        match segment {
            "operators" => &self.operator,
            "tasks" | "user-data" => &self.task,
            "robots" => &self.robot,
            "tokens" => &self.token,
            "runs" | "imports" => &self.run,
            "users" => &self.user,
            other => panic!("what is behind /{other}/ in a path?"),
        }
    }

    /// What a filter of a list stands for; `None`: nothing that belongs to a tenant.
    fn of_filter(&self, operation: &Operation, filter: &str) -> Option<&str> {
        let list = operation.path.rsplit('/').next().unwrap_or_default();
        match (list, filter) {
            (_, "robot") => Some(&self.robot),
            (_, "task") => Some(&self.task),
            ("users", "id" | "ids") => Some(&self.user),
            (_, "login" | "loginLike") => Some(&self.login),
            (_, "external_id") => Some(&self.external_id),
            (_, "limit" | "after" | "text" | "status" | "from" | "to" | "enabled") => None,
            (_, "active" | "role" | "code" | "severity" | "record" | "key") => None,
            (_, "debug" | "dryRun" | "fields" | "page" | "size") => None,
            // What several tenants may have alike.
            (_, "roles" | "levels" | "emails" | "businessDirId" | "divisionId") => None,
            (_, "regionId" | "directorForShop" | "emailLike" | "positionLike") => None,
            (_, "firstNameLike" | "lastNameLike") => None,
            (_, other) => panic!("whose is what the filter {other} of {operation:?} names?"),
        }
    }

    /// A body that the operation takes, with these things in it.
    fn body(&self, operation: &Operation) -> Option<String> {
        let path = operation.path.trim_start_matches("/admin/v1");
        let settings = json!({"title": "Matrix", "permitted_robots": [self.robot]});
        let body = match (operation.method.as_str(), path) {
            _ if !operation.reads_body => return None,
            ("POST", "/sessions") => json!({"name": self.operator, "password": "wrong password"}),
            ("POST", "/authenticate") => json!({"username": self.robot, "password": "wrong"}),
            ("PUT", "/session/password") => json!({"current": "x", "new": "long enough"}),
            ("POST", "/operators") => json!({"name": "", "password": "x", "role": "read"}),
            ("PATCH", "/operators/{name}") => json!({"enabled": true}),
            ("PUT", "/roles") => json!({"version": 0, "roles": [""]}),
            ("POST", "/tasks") => json!({"settings": settings}),
            ("PUT", "/tasks/{id}") => json!({"version": 1, "settings": settings}),
            ("POST", "/tasks/{id}/copy") => json!({"title": "Matrix"}),
            ("POST", "/robots") => json!({"name": ""}),
            ("PATCH", "/robots/{name}") => json!({"enabled": true}),
            ("POST", "/tokens") => json!({"robot": self.robot, "lifetime_seconds": 60}),
            ("POST", "/v1/import/user-data/{task_id}") => json!([]),
            ("POST", "/v1/import/user-data/{task_id}/uploads") => json!({"size": 1}),
            ("POST", "/api/v2/users-import/single" | "/v1/orgstruct/users") => json!({}),
            ("PUT", "/v1/orgstruct/users/{id}") => json!({"firstName": "Matrix"}),
            other => panic!("what body does {other:?} take?"),
        };
        Some(body.to_string())
    }

    /// Whether a body names a thing of a tenant.
    fn is_in_body(&self, operation: &Operation) -> bool {
        let body = self.body(operation).unwrap_or_default();
        operation.scheme.is_some() && body.contains(&self.robot)
    }
}

/// The path with each variable as one of these has it.
fn filled(operation: &Operation, things: &[&Things]) -> String {
    let mut things = things.iter();
    let mut before = "";
    let mut path = String::new();
    for segment in operation.path.split('/').skip(1) {
        path.push('/');
        path.push_str(match segment.starts_with('{') {
            true => things
                .next()
                .expect("a thing for each variable")
                .of_segment(before),
            false => segment,
        });
        before = segment;
    }
    path
}

fn variables(operation: &Operation) -> usize {
    operation.path.matches('{').count()
}

impl Operation {
    fn call<'w>(&self, w: &'w World, things: &Things, token: &str) -> Call<'w> {
        let all = vec![things; variables(self)];
        self.call_at(w, &filled(self, &all), things, token)
    }

    fn call_at<'w>(&self, w: &'w World, path: &str, things: &Things, token: &str) -> Call<'w> {
        let call = w.call(self.method.clone(), path).token(token);
        match things.body(self) {
            None => call,
            Some(body) => call.content_type(Some("application/json")).body(body),
        }
    }
}

/// What no tenant has.
fn nobodys() -> Things {
    Things {
        operator: "nobody".to_owned(),
        task: "999999999".to_owned(),
        robot: "no-robot".to_owned(),
        token: RunId::generate(Timestamp::now()).to_string(),
        run: RunId::generate(Timestamp::now()).to_string(),
        user: "999999999".to_owned(),
        login: "no.such.login".to_owned(),
        external_id: "no-such-id".to_owned(),
    }
}

/// One of each, of this tenant.
async fn furnished(w: &World, tenant: usize) -> Things {
    let login = w.login(&format!("anna{tenant}"));
    let external_id = format!("{login}-id");
    let mut record = w.record("anna");
    record["Username"] = json!(login);
    record["External ID"] = json!(external_id);
    let imported = w
        .import(tenant)
        .await
        .records(&json!([record]))
        .send()
        .await;
    let users = w
        .operator(tenant, Method::GET, "/users")
        .await
        .query(&format!("login={login}"));
    let user = users.send().await.json()["items"][0]["id"].to_string();
    let robot = w.tenants[tenant].robot.username.clone();
    let token = w.operator(tenant, Method::POST, "/tokens").await;
    let token = token
        .content_type(Some("application/json"))
        .body(json!({"robot": robot, "lifetime_seconds": 3600}).to_string())
        .send()
        .await;
    Things {
        operator: w.tenants[tenant].operator.username.clone(),
        task: w.tenants[tenant].task_id.to_string(),
        robot,
        token: token.json()["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{token}"))
            .to_owned(),
        run: imported.header("import-id").expect("Import-Id").to_owned(),
        user,
        login,
        external_id,
    }
}

/// All of an answer but what differs from request to request.
fn answer(reply: &Reply) -> (u16, BTreeMap<String, String>, String) {
    let own = ["date", "x-request-id", "apigw-requestid"];
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (reply.status, headers.collect(), reply.text().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_wants_its_role() {
    let w = World::start().await;
    let name = format!("reader.{}", w.tag);
    let password = "a long password";
    let body = json!({"name": name, "password": password, "role": "read"});
    let made = w.send_json(Method::POST, "/operators", &body).await;
    assert_eq!(made.status, 201, "{made}");
    let reader = SignIn {
        username: name,
        password: password.to_owned(),
    };
    let ended = w.begin_session(&w.tenants[0].operator).await;
    let end = w.call(Method::DELETE, "/admin/v1/session").token(&ended);
    assert_eq!(end.send().await.status, 204);
    let things = nobodys();

    for operation in operations() {
        let Some(scheme) = &operation.scheme else {
            continue;
        };
        let robot = w.token(0).await;
        // Some operations end the session.
        let readers = w.begin_session(&reader).await;
        let managers = w.begin_session(&w.tenants[0].operator).await;
        let is_for_robots = scheme == "robot";
        let allowed = |status: u16| (status != 401 && status != 403).then_some(());
        for (who, token, expected) in [
            ("a robot", robot, if is_for_robots { 0 } else { 401 }),
            ("an ended session", &ended, 401),
            ("nobody", "", 401),
            ("a made-up token", &"x".repeat(43), 401),
            (
                "a reader",
                &readers,
                match (is_for_robots, operation.manages) {
                    (true, _) => 401,
                    (false, true) => 403,
                    (false, false) => 0,
                },
            ),
            ("a manager", &managers, if is_for_robots { 401 } else { 0 }),
        ] {
            let call = operation.call(&w, &things, token);
            let call = if token.is_empty() {
                call.authorization(None)
            } else {
                call
            };
            let reply = call.send().await;
            match expected {
                0 => assert!(
                    allowed(reply.status).is_some(),
                    "{who}, {operation:?}: {reply}"
                ),
                status => assert_eq!(reply.status, status, "{who}, {operation:?}: {reply}"),
            }
            if expected != 0 && !is_for_robots {
                reply.assert_problem(expected);
            }
        }
        assert!(
            operation.method != Method::GET || !operation.manages,
            "who may read may look: {operation:?}"
        );
        assert!(
            operation.method == Method::GET
                || operation.manages
                || is_for_robots
                || operation.path.starts_with("/admin/v1/session"),
            "who may only read changes nothing: {operation:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_another_tenant_s_answers_like_what_does_not_exist() {
    let w = World::start().await;
    let (own, foreign) = (furnished(&w, 0).await, furnished(&w, 1).await);
    let missing = Things {
        // As long as theirs: an answer may repeat the name that a body holds.
        robot: foreign.robot.chars().rev().collect(),
        ..nobodys()
    };
    let before = all_that_is_seen(&w, &foreign).await;
    let mut compared = 0;
    for operation in operations() {
        let Some(scheme) = &operation.scheme else {
            continue;
        };
        let token = match scheme.as_str() {
            "robot" => w.token(0).await,
            _ => w.session(0).await,
        };
        let send = async |path: String, query: String, body: &Things| {
            let call = operation.call_at(&w, &path, body, token).query(&query);
            answer(&call.send().await)
        };
        // Each variable of the path in turn, the others being the tenant's own.
        for turn in 0..variables(&operation) {
            let with = |things| {
                let mut all = vec![&own; variables(&operation)];
                all[turn] = things;
                filled(&operation, &all)
            };
            let theirs = send(with(&foreign), String::new(), &own).await;
            let nones = send(with(&missing), String::new(), &own).await;
            // Who has no permission can lose it any number of times.
            let withdraws = operation.method == Method::DELETE && turn == 1;
            let expected = if withdraws { 200 } else { 404 };
            assert_eq!(theirs.0, expected, "{operation:?}: {theirs:?}");
            assert_eq!(theirs, nones, "{operation:?}");
            compared += 1;
        }
        let path = filled(&operation, &vec![&own; variables(&operation)]);
        for filter in &operation.filters {
            let of = |things: &Things| {
                let value = things.of_filter(&operation, filter)?;
                Some(format!("{filter}={value}"))
            };
            if let (Some(theirs), Some(nones)) = (of(&foreign), of(&missing)) {
                let theirs = send(path.clone(), theirs, &own).await;
                assert_eq!(
                    theirs,
                    send(path.clone(), nones, &own).await,
                    "{operation:?}"
                );
                compared += 1;
            }
        }
        if own.is_in_body(&operation) {
            let mut theirs = send(path.clone(), String::new(), &foreign).await;
            theirs.2 = theirs.2.replace(&foreign.robot, &missing.robot);
            let nones = send(path, String::new(), &missing).await;
            assert!(theirs.0 >= 400, "{operation:?}: {theirs:?}");
            assert_eq!(theirs, nones, "{operation:?}");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared}");
    assert_eq!(
        all_that_is_seen(&w, &foreign).await,
        before,
        "something of theirs changed"
    );
}

/// What the second tenant's operator sees of its things.
async fn all_that_is_seen(w: &World, things: &Things) -> Vec<Value> {
    let mut seen = Vec::new();
    for operation in operations() {
        let about_one = operation.method == Method::GET && operation.path.contains('{');
        if about_one && operation.scheme.as_deref() == Some("operator") {
            let reply = operation.call(w, things, w.session(1).await).send().await;
            assert_eq!(reply.status, 200, "{operation:?}: {reply}");
            seen.push(reply.json());
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
    seen
}
