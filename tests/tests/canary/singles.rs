//! The dialects of single users: marks in every member, parameter and header, in requests that are
//! done and in requests that are refused.

use muster_tests::{Call, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Marks;

const SINGLE: &str = "/api/v2/users-import/single";
const USERS: &str = "/v1/orgstruct/users";
/// One byte more than a body may have.
const TOO_MUCH: usize = 4_000_001;

/// A call of the first tenant's robot, with a body if there is one.
async fn call<'w>(w: &'w World, method: Method, path: &str, body: Option<&Value>) -> Call<'w> {
    let call = w.call(method, path).token(w.token(0).await);
    match body {
        Some(body) => call
            .content_type(Some("application/json"))
            .body(body.to_string()),
        None => call,
    }
}

async fn sends(w: &World, method: Method, path: &str, body: &Value, status: u16) -> Value {
    let reply = call(w, method, path, Some(body)).await.send().await;
    assert_eq!(reply.status, status, "{path} {body}: {reply}");
    reply.json()
}

/// An object whose members are all marked.
fn marked(marks: &mut Marks, keys: &[&str]) -> Value {
    let members = keys
        .iter()
        .map(|key| ((*key).to_owned(), marks.new_of(key).into()));
    Value::Object(members.collect())
}

/// `object` with another member.
fn with(object: &Value, key: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[key] = value.into();
    object
}

fn address(marks: &mut Marks) -> String {
    format!("{}@example.com", marks.new_of("email"))
}

/// A login that belongs to the second tenant.
pub async fn foreign_login(w: &World, marks: &mut Marks) -> String {
    let login = marks.new_of("foreign");
    let record = json!([{"Username": login, "Role": "catman", "E-mail": "someone@example.com"}]);
    let import = w.import(1).await.records(&record);
    marks.ran(&import.send().await);
    login
}

/// Bodies, types, methods and tokens that are refused before anybody looks at a user.
async fn refused_as_a_whole(w: &World, marks: &mut Marks, method: Method, path: &str) {
    let user = marked(marks, &["login", "password", "uid"]);
    let whole = user.to_string();
    let right = call(w, method, path, Some(&user)).await;
    let large = marks.new_of("large");
    let large = json!({"login": large.repeat(TOO_MUCH / large.len() + 1)}).to_string();
    let long = with(&user, "login", marks.new_of("long").repeat(40_000)).to_string();
    let wrong_token = format!("Bearer {}", marks.new_of("token"));
    let query = format!("name={}", marks.new_of("query"));
    for (call, status) in [
        (right.clone().body(whole[..whole.len() - 2].to_owned()), 400),
        (right.clone().body(format!("[{whole}]")), 400),
        (right.clone().body(marks.new_of("body")), 400),
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

/// LMS Collaborator's import of one user.
pub(crate) async fn collaborator(w: &World, marks: &mut Marks) {
    let send = async |user: &Value, status| sends(w, Method::POST, SINGLE, user, status).await;
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
    // Made, and left alone.
    for _ in 0..2 {
        send(&user, 200).await;
    }
    for key in ["firstname", "password", "login"] {
        send(&with(&user, key, marks.new_of(key)), 200).await;
    }
    send(&with(&user, "is_active", 0), 200).await;

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
        send(&with(&user, key, marks.new_of(key)), 400).await;
    }
    for key in ["uid", "login", "email", "firstname", "secondname"] {
        send(&with(&user, key, " "), 400).await;
    }
    let typed = json!({"first": marks.new_of("name")});
    send(&with(&user, "city", typed), 400).await;
    let login = format!("{} !", marks.new_of("login"));
    send(&with(&user, "login", login), 400).await;
    let login = foreign_login(w, marks).await;
    send(&with(&user, "login", login), 400).await;
    refused_as_a_whole(w, marks, Method::POST, SINGLE).await;
    // The header of the dialect's own wins, even where it is wrong.
    let own = w.client().post(format!("{}{SINGLE}", w.url));
    let own = own
        .bearer_auth(w.token(0).await)
        .header(
            "x-cbr-authorization",
            format!("Bearer {}", marks.new_of("token")),
        )
        .header("content-type", "application/json")
        .body(user.to_string());
    assert_eq!(own.send().await.expect("an answer").status(), 401);
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
        user[key] = json!([marks.new_of(key), marks.new_of(key)]);
    }
    let made = sends(w, Method::POST, USERS, &user, 200).await;
    let own = format!("{USERS}/{}", made["id"]);
    let change = async |user: &Value, status| sends(w, Method::PUT, &own, user, status).await;
    for key in ["firstName", "password", "login"] {
        let changed = json!({key: marks.new_of(key)});
        // Changed, then left alone.
        for _ in 0..2 {
            change(&changed, 200).await;
        }
    }
    let gone = marks.new_of("path");
    for (path, status) in [(own.as_str(), 200), (&format!("{USERS}/{gone}"), 404)] {
        let reply = call(w, Method::GET, path, None).await.send().await;
        assert_eq!(reply.status, status, "{path}: {reply}");
    }
    sends(w, Method::PUT, &format!("{USERS}/{gone}"), &user, 404).await;

    // The external id is this user's, the login another tenant's.
    let other = with(&user, "login", marks.new_of("login"));
    sends(w, Method::POST, USERS, &other, 409).await;
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
        change(&json!({key: marks.new_of(key)}), 400).await;
    }
    change(&json!({"divisionIds": [marks.new_of("division")]}), 400).await;
    change(&json!({"position": {"first": marks.new_of("name")}}), 400).await;
    let login = format!("{} !", marks.new_of("login"));
    change(&json!({"login": login}), 400).await;
    let poor = marked(marks, &["login", "firstName"]);
    sends(w, Method::POST, USERS, &poor, 400).await;
    refused_as_a_whole(w, marks, Method::POST, USERS).await;
    refused_as_a_whole(w, marks, Method::PUT, &own).await;
    lists(w, marks, &user).await;
}

/// Marks in each parameter of the list.
async fn lists(w: &World, marks: &mut Marks, user: &Value) {
    let list = async |query: String, status| {
        let call = call(w, Method::GET, USERS, None).await;
        let reply = call.query(&query).send().await;
        assert_eq!(reply.status, status, "{query}: {reply}");
    };
    for key in ["login", "email", "firstName", "lastName", "position"] {
        let value = user[key].as_str().expect("text");
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
        list(format!("{key}={}", marks.new_of("query")), 200).await;
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
        list(format!("{key}={}", marks.new_of("query")), 400).await;
    }
}

/// What both answer where the store refuses everything.
pub(crate) async fn broken_store(w: &World, marks: &mut Marks) {
    let user = marked(
        marks,
        &["uid", "login", "firstname", "secondname", "password"],
    );
    let user = with(&user, "email", address(marks));
    sends(w, Method::POST, SINGLE, &user, 500).await;
    sends(w, Method::POST, USERS, &user, 500).await;
    sends(w, Method::PUT, &format!("{USERS}/1"), &user, 500).await;
    let list = call(w, Method::GET, USERS, None).await;
    let list = list.query(&format!("loginLike={}", marks.new_of("query")));
    assert_eq!(list.send().await.status, 500);
}
