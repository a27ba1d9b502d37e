//! The dialects of single users: marks in every member, parameter and header, in requests that
//! succeed and in requests that are refused.

use muster_tests::{Call, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::marks::Marks;

const SINGLE: &str = "/api/v2/users-import/single";
const USERS: &str = "/v1/orgstruct/users";
/// One byte more than the maximum size of a body.
const TOO_MANY_BYTES: usize = 4_000_001;

/// Returns a call of the first tenant's robot, with an optional body.
async fn call<'w>(w: &'w World, method: Method, path: &str, body: Option<&Value>) -> Call<'w> {
    let call = w.call(method, path).token(w.token(0).await);
    match body {
        Some(body) => call
            .content_type(Some("application/json"))
            .body(body.to_string()),
        None => call,
    }
}

async fn send(w: &World, method: Method, path: &str, body: &Value, status: u16) -> Value {
    let reply = call(w, method, path, Some(body)).await.send().await;
    assert_eq!(reply.status, status, "{path} {body}: {reply}");
    reply.json()
}

/// Returns an object whose members are all marked.
fn marked(marks: &mut Marks, keys: &[&str]) -> Value {
    let members = keys
        .iter()
        .map(|key| ((*key).to_owned(), marks.mark(key).into()));
    Value::Object(members.collect())
}

/// Returns the object with another member.
fn with(object: &Value, key: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[key] = value.into();
    object
}

fn address(marks: &mut Marks) -> String {
    format!("{}@example.com", marks.mark("email"))
}

/// Creates a user of the second tenant and returns its login.
pub async fn foreign_login(w: &World, marks: &mut Marks) -> String {
    let login = marks.mark("foreign");
    let record = json!([{"Username": login, "Role": "catman", "E-mail": "someone@example.com"}]);
    let import = w.import(1).await.records(&record);
    marks.add_run(&import.send().await);
    login
}

/// Requests whose body, type, method or token is refused before any user is read.
async fn refused_as_a_whole(w: &World, marks: &mut Marks, method: Method, path: &str) {
    let user = marked(marks, &["login", "password", "uid"]);
    let whole = user.to_string();
    let right = call(w, method, path, Some(&user)).await;
    let large = marks.mark("large");
    let large = json!({"login": large.repeat(TOO_MANY_BYTES / large.len() + 1)}).to_string();
    let long = with(&user, "login", marks.mark("long").repeat(40_000)).to_string();
    let wrong_token = format!("Bearer {}", marks.mark("token"));
    let query = format!("name={}", marks.mark("query"));
    for (call, status) in [
        (right.clone().body(whole[..whole.len() - 2].to_owned()), 400),
        (right.clone().body(format!("[{whole}]")), 400),
        (right.clone().body(marks.mark("body")), 400),
        (right.clone().body(long), 400),
        (right.clone().body(large), 413),
        (right.clone().content_type(Some("text/csv")), 415),
        (right.clone().authorization(None), 401),
        (right.clone().authorization(Some(&wrong_token)), 401),
        (right.clone().method(Method::DELETE).query(&query), 405),
    ] {
        let reply = call.send().await;
        assert_eq!(reply.status, status, "{path}: {reply}");
    }
}

/// Collaborator's import of one user.
pub(crate) async fn collaborator(w: &World, marks: &mut Marks) {
    let import = async |user: &Value, status| send(w, Method::POST, SINGLE, user, status).await;
    let texts = [
        "uid",
        "login",
        "firstname",
        "secondname",
        "patronymic",
        "password",
        "city",
        "department",
        "position",
        "tags",
        "facebook_id",
        "google_id",
        "work_contact",
        "structure_uid",
        "manager_uid",
        "user_field1",
        "user_field2",
        "user_field3",
        "user_field4",
        "user_field5",
    ];
    let user = with(&marked(marks, &texts), "email", address(marks));
    // Created, then unchanged.
    for _ in 0..2 {
        import(&user, 200).await;
    }
    for key in ["firstname", "password", "login"] {
        import(&with(&user, key, marks.mark(key)), 200).await;
    }
    import(&with(&user, "is_active", 0), 200).await;

    for key in [
        "email",
        "birth_date",
        "date_of_employment",
        "phone",
        "language",
        "gender",
        "is_active",
        "customInfo",
        "manager_id",
    ] {
        import(&with(&user, key, marks.mark(key)), 400).await;
    }
    for key in ["uid", "login", "email", "firstname", "secondname"] {
        import(&with(&user, key, " "), 400).await;
    }
    let typed = json!({"first": marks.mark("name")});
    import(&with(&user, "city", typed), 400).await;
    let login = format!("{} !", marks.mark("login"));
    import(&with(&user, "login", login), 400).await;
    let login = foreign_login(w, marks).await;
    import(&with(&user, "login", login), 400).await;
    refused_as_a_whole(w, marks, Method::POST, SINGLE).await;
    // The dialect's own header takes precedence, even if it is invalid.
    let own_header = w.client().post(format!("{}{SINGLE}", w.url));
    let own_header = own_header
        .bearer_auth(w.token(0).await)
        .header(
            "x-cbr-authorization",
            format!("Bearer {}", marks.mark("token")),
        )
        .header("content-type", "application/json")
        .body(user.to_string());
    assert_eq!(own_header.send().await.expect("a response").status(), 401);
}

/// QVALON's user resource.
pub(crate) async fn qvalon(w: &World, marks: &mut Marks) {
    let texts = [
        "login",
        "password",
        "firstName",
        "lastName",
        "position",
        "externalId",
        "ldapLogin",
        "businessDirExternalId",
    ];
    let mut user = with(&marked(marks, &texts), "email", address(marks));
    for key in [
        "shopExternalIds",
        "divisionExternalIds",
        "regionExternalIds",
    ] {
        user[key] = json!([marks.mark(key), marks.mark(key)]);
    }
    let made = send(w, Method::POST, USERS, &user, 200).await;
    let own = format!("{USERS}/{}", made["id"]);
    let change = async |user: &Value, status| send(w, Method::PUT, &own, user, status).await;
    for key in ["firstName", "password", "login"] {
        let changed = json!({key: marks.mark(key)});
        // Changed, then unchanged.
        for _ in 0..2 {
            change(&changed, 200).await;
        }
    }
    let gone = marks.mark("path");
    for (path, status) in [(own.as_str(), 200), (&format!("{USERS}/{gone}"), 404)] {
        let reply = call(w, Method::GET, path, None).await.send().await;
        assert_eq!(reply.status, status, "{path}: {reply}");
    }
    send(w, Method::PUT, &format!("{USERS}/{gone}"), &user, 404).await;

    // The external id belongs to this user, the login to another tenant.
    let other = with(&user, "login", marks.mark("login"));
    send(w, Method::POST, USERS, &other, 409).await;
    let login = foreign_login(w, marks).await;
    change(&json!({"login": login}), 409).await;
    for key in [
        "email",
        "level",
        "authType",
        "lang",
        "timeZoneId",
        "admin",
        "businessDirId",
    ] {
        change(&json!({key: marks.mark(key)}), 400).await;
    }
    change(&json!({"divisionIds": [marks.mark("division")]}), 400).await;
    change(&json!({"position": {"first": marks.mark("name")}}), 400).await;
    let login = format!("{} !", marks.mark("login"));
    change(&json!({"login": login}), 400).await;
    let poor = marked(marks, &["login", "firstName"]);
    send(w, Method::POST, USERS, &poor, 400).await;
    refused_as_a_whole(w, marks, Method::POST, USERS).await;
    refused_as_a_whole(w, marks, Method::PUT, &own).await;
    lists(w, marks, &user).await;
}

/// Marks in every parameter of the list.
async fn lists(w: &World, marks: &mut Marks, user: &Value) {
    let list = async |query: String, status| {
        let call = call(w, Method::GET, USERS, None).await;
        let reply = call.query(&query).send().await;
        assert_eq!(reply.status, status, "{query}: {reply}");
    };
    for key in ["login", "email", "firstName", "lastName", "position"] {
        let value = user[key].as_str().expect("a string");
        list(format!("{key}Like={value}"), 200).await;
    }
    for key in [
        "login",
        "emails",
        "loginLike",
        "emailLike",
        "fields",
        "unknown",
    ] {
        list(format!("{key}={}", marks.mark("query")), 200).await;
    }
    for key in [
        "active",
        "ids",
        "role",
        "roles",
        "businessDirId",
        "divisionId",
        "regionId",
        "levels",
        "directorForShop",
        "page",
        "size",
        "after",
    ] {
        list(format!("{key}={}", marks.mark("query")), 400).await;
    }
}

/// Requests of both dialects whose store requests all fail.
pub(crate) async fn broken_store(w: &World, marks: &mut Marks) {
    let user = marked(
        marks,
        &["uid", "login", "firstname", "secondname", "password"],
    );
    let user = with(&user, "email", address(marks));
    send(w, Method::POST, SINGLE, &user, 500).await;
    send(w, Method::POST, USERS, &user, 500).await;
    send(w, Method::PUT, &format!("{USERS}/1"), &user, 500).await;
    let list = call(w, Method::GET, USERS, None).await;
    let list = list.query(&format!("loginLike={}", marks.mark("query")));
    assert_eq!(list.send().await.status, 500);
}
