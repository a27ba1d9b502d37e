//! The operations of the OpenAPI document, and requests that name things of a tenant.

use jiff::Timestamp;
use muster_aws::runs::RunId;
use muster_tests::{Call, World};
use reqwest::Method;
use serde_json::json;

use crate::support::import_id;

/// An operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// `operator` or `robot`; `None` for operations without a token.
    pub scheme: Option<String>,
    /// True if it needs the role `manage`.
    pub needs_manage: bool,
    /// Names of the query parameters.
    pub filters: Vec<String>,
    pub reads_body: bool,
}

/// Returns all operations of the OpenAPI document.
pub fn operations() -> Vec<Operation> {
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
                needs_manage: scheme.is_some_and(|(_, roles)| *roles == json!(["manage"])),
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

/// One thing of each kind: of a tenant, or missing ones.
#[derive(Debug, Clone)]
pub struct Things {
    pub operator: String,
    pub task: String,
    pub robot: String,
    pub token: String,
    pub run: String,
    pub user: String,
    pub login: String,
    pub external_id: String,
}

impl Things {
    /// Returns the value of the path variable after this segment.
    pub fn of_segment(&self, segment: &str) -> &str {
        match segment {
            "operators" => &self.operator,
            "tasks" | "user-data" => &self.task,
            "robots" => &self.robot,
            "tokens" => &self.token,
            "runs" | "imports" => &self.run,
            "users" => &self.user,
            other => panic!("add the variable after /{other}/ to this test"),
        }
    }

    /// Returns the value of a filter; `None` if it does not name a thing of a tenant.
    pub fn of_filter(&self, operation: &Operation, filter: &str) -> Option<&str> {
        let list = operation.path.rsplit('/').next().unwrap_or_default();
        match (list, filter) {
            (_, "robot") => Some(&self.robot),
            (_, "task") => Some(&self.task),
            ("users", "id" | "ids") => Some(&self.user),
            (_, "login" | "loginLike") => Some(&self.login),
            (_, "external_id") => Some(&self.external_id),
            (_, "limit" | "after" | "text" | "status" | "from" | "to" | "enabled") => None,
            (_, "active" | "role" | "code" | "severity" | "record" | "key") => None,
            (_, "debug" | "dryRun" | "overrideThreshold") => None,
            (_, "fields" | "page" | "size") => None,
            // Values that several tenants can have.
            (_, "roles" | "levels" | "emails" | "businessDirId" | "divisionId") => None,
            (_, "regionId" | "directorForShop" | "emailLike" | "positionLike") => None,
            (_, "firstNameLike" | "lastNameLike") => None,
            (_, other) => panic!("add the filter {other} of {operation:?} to this test"),
        }
    }

    /// Returns a body for the operation that names these things.
    pub fn body(&self, operation: &Operation) -> Option<String> {
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
            other => panic!("add a body of {other:?} to this test"),
        };
        Some(body.to_string())
    }

    /// Returns true if the body names a thing of a tenant.
    pub fn is_in_body(&self, operation: &Operation) -> bool {
        let body = self.body(operation).unwrap_or_default();
        operation.scheme.is_some() && body.contains(&self.robot)
    }
}

/// Returns the path with its variables taken from `things`, in order.
pub fn filled(operation: &Operation, things: &[&Things]) -> String {
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

/// Returns the number of variables in the path.
pub fn variables(operation: &Operation) -> usize {
    operation.path.matches('{').count()
}

impl Operation {
    /// Returns a request whose path variables and body name these things.
    pub fn call<'w>(&self, w: &'w World, things: &Things, token: &str) -> Call<'w> {
        let all = vec![things; variables(self)];
        self.call_at(w, &filled(self, &all), things, token)
    }

    /// Returns a request to `path` whose body names these things.
    pub fn call_at<'w>(&self, w: &'w World, path: &str, things: &Things, token: &str) -> Call<'w> {
        let call = w.call(self.method.clone(), path).token(token);
        match things.body(self) {
            None => call,
            Some(body) => call.content_type(Some("application/json")).body(body),
        }
    }
}

/// Returns things that no tenant has.
pub fn missing_things() -> Things {
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

/// Creates a thing of each kind in a tenant.
pub async fn create_things(w: &World, tenant: usize) -> Things {
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
        run: import_id(&imported).to_owned(),
        user,
        login,
        external_id,
    }
}
