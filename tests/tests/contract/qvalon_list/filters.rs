//! Filters, alone and combined.

use muster_tests::World;
use serde_json::{Value, json};

use super::{create, id, list, login, logins};

/// Creates three users of the first tenant, of whom anna has every attribute, and a copy of anna in
/// the second; returns the three.
async fn create_users(w: &World) -> [Value; 3] {
    let anna = json!({
        "email": format!("Anna{}@Example.com", w.tag), "firstName": "Ève 100%", "lastName": "Straße",
        "position": "Head Cook", "level": "SHOP", "businessDirId": -11, "divisionIds": [3, 4],
        "regionIds": [5], "shopIds": [7, 8], "shopDirector": true, "supervisor": true,
    });
    let ben = json!({
        "email": format!("ben{}@example.com", w.tag), "firstName": "Ben", "lastName": "Woo",
        "position": "Cook", "level": "DIVISION", "businessDirId": 12, "divisionIds": [4, 13],
        "regionIds": [15], "shopIds": [7], "admin": true, "active": false,
    });
    let created_anna = create(w, 0, "Anna", anna.clone()).await;
    create(w, 1, "theirs.anna", anna).await;
    let created_ben = create(w, 0, "ben", ben).await;
    w.put(&json!([w.record("carl")])).await;
    let carl = list(w, &format!("login={}", w.login("carl"))).await;
    [created_anna, created_ben, carl[0].clone()]
}

/// Returns the names, without the tag, of the users of this test that match the query.
async fn names(w: &World, query: &str) -> Vec<String> {
    let query = format!("{query}&loginLike=.{}", w.tag);
    let logins = logins(w, &query).await;
    let tag = format!(".{}", w.tag);
    logins
        .iter()
        .map(|login| login.strip_suffix(&tag).expect("of this test").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_filter_returns_the_matching_users() {
    let w = World::start().await;
    let [anna, ben, carl] = create_users(&w).await.map(|user| id(&user));
    let tag = &w.tag;
    let cases: &[(&str, String, &[&str])] = &[
        ("active", "true".into(), &["Anna", "carl"]),
        ("active", "false".into(), &["ben"]),
        ("ids", format!("{anna}"), &["Anna"]),
        (
            "ids",
            format!("{carl},-1,{anna},9007199254740993"),
            &["Anna", "carl"],
        ),
        ("ids", format!("{carl}&ids={ben}"), &["ben", "carl"]),
        ("role", "ROLE_SUPERVISOR".into(), &["Anna"]),
        ("role", "ROLE_SHOPDIR".into(), &["Anna"]),
        ("role", "ROLE_SURVEY_ADMIN".into(), &[]),
        ("roles", "ROLE_ADMIN,ROLE_SHOPDIR".into(), &["Anna", "ben"]),
        ("businessDirId", "-11".into(), &["Anna"]),
        ("businessDirId", "1,12,-11".into(), &["Anna", "ben"]),
        ("divisionId", "4".into(), &["Anna", "ben"]),
        ("divisionId", "3".into(), &["Anna"]),
        ("regionId", "15,5".into(), &["Anna", "ben"]),
        ("regionId", "15".into(), &["ben"]),
        ("login", format!("anna.{tag}"), &["Anna"]),
        (
            "login",
            format!("BEN.{tag},no%20login,carl.{tag}"),
            &["ben", "carl"],
        ),
        ("login", format!("theirs.anna.{tag}"), &[]),
        ("login", format!("%20anna.{tag}"), &[]),
        ("emails", format!("anna{tag}@example.COM"), &["Anna"]),
        ("emails", format!("x,ben{tag}@example.com"), &["ben"]),
        ("emails", format!("anna{tag}"), &[]),
        ("levels", "SHOP".into(), &["Anna"]),
        ("levels", "DIVISION,SHOP".into(), &["Anna", "ben"]),
        ("levels", "COMPANY".into(), &[]),
        ("directorForShop", "7".into(), &["Anna"]),
        ("directorForShop", "9,8".into(), &["Anna"]),
        ("directorForShop", "9".into(), &[]),
        ("emailLike", format!("NNA{tag}%40"), &["Anna"]),
        ("emailLike", "".into(), &["Anna", "ben", "carl"]),
        ("firstNameLike", "%C3%A8VE".into(), &["Anna"]),
        ("firstNameLike", "0%25".into(), &["Anna"]),
        ("firstNameLike", "%25".into(), &["Anna"]),
        ("firstNameLike", "eve".into(), &[]),
        ("lastNameLike", "STRASS".into(), &["Anna"]),
        ("positionLike", "cook".into(), &["Anna", "ben"]),
        ("positionLike", "d%20c".into(), &["Anna"]),
        ("positionLike", "_".into(), &[]),
    ];
    for (name, value, expected) in cases {
        let query = format!("{name}={value}");
        assert_eq!(names(&w, &query).await, *expected, "{query}");
    }
    let like = |part: &str| format!("loginLike={part}.{tag}");
    for (query, expected) in [(like("NN"), 0), (like("NNA"), 1), (like("%25"), 0)] {
        assert_eq!(logins(&w, &query).await.len(), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn combined_filters_must_all_match() {
    let w = World::start().await;
    let [anna, ..] = create_users(&w).await;
    let (tag, number) = (&w.tag, id(&anna));
    let all = [
        "active=true".to_owned(),
        format!("ids=1,{number}"),
        "role=ROLE_SUPERVISOR".into(),
        "roles=ROLE_ADMIN&roles=ROLE_SHOPDIR".into(),
        "businessDirId=-11,12".into(),
        "divisionId=4".into(),
        "regionId=5".into(),
        format!("login=ANNA.{tag}"),
        format!("emails=anna{tag}@example.com"),
        "levels=SHOP".into(),
        "directorForShop=8".into(),
        format!("loginLike=nna.{tag}"),
        "emailLike=anna".into(),
        "firstNameLike=100%25".into(),
        "lastNameLike=stra%C3%9Fe".into(),
        "positionLike=cook".into(),
    ];
    let every = format!("{}&fields=roles,shops&active_=?", all.join("&"));
    let [found] = &list(&w, &every).await[..] else {
        panic!("expected only anna");
    };
    assert_eq!(login(found), login(&anna));
    assert_eq!(found["roles"], json!(["ROLE_SUPERVISOR", "ROLE_SHOPDIR"]));
    assert_eq!(found["shops"], json!([7, 8]));
    for one in [
        "active=false",
        "role=ROLE_ADMIN",
        "roles=ROLE_ADMIN",
        "businessDirId=12",
        "divisionId=13",
        "regionId=15",
        "levels=DIVISION",
        "directorForShop=9",
        "loginLike=ben",
        "emailLike=ben",
        "firstNameLike=ben",
        "lastNameLike=woo",
        "positionLike=waiter",
    ] {
        // All of anna's values, except for this parameter.
        let (name, _) = one.split_once('=').expect("a name and a value");
        let others = all
            .iter()
            .filter(|it| it.split_once('=').map(|it| it.0) != Some(name));
        let mut query: Vec<&str> = others.map(String::as_str).collect();
        query.push(one);
        assert_eq!(logins(&w, &query.join("&")).await, [""; 0], "{one}");
    }
    let other_id = format!("login=anna.{tag}&ids={}", number + 1_000_000);
    assert_eq!(logins(&w, &other_id).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listed_users_equal_single_ones_with_the_requested_fields() {
    let w = World::start().await;
    let [anna, ben, _] = create_users(&w).await;
    let query = format!("login={},{}", w.login("ben"), w.login("Anna"));
    let reply = super::request(&w, 0, &query).await;
    assert_eq!(
        reply.json(),
        json!([anna, ben]),
        "the users are not in the order of ids"
    );
    let query = format!(
        "ids={}&fields=divisions,nonsense&fields=authType,roles",
        id(&ben)
    );
    let (ben_id, tag) = (id(&ben), &w.tag);
    assert_eq!(
        super::request(&w, 0, &query).await.text(),
        format!(
            r#"[{{"id":{ben_id},"active":false,"login":"ben.{tag}","firstName":"Ben","lastName":"Woo","position":"Cook","email":"ben{tag}@example.com","level":"DIVISION","businessDirId":12,"ldapLogin":"ben","roles":["ROLE_ADMIN"],"authType":"LDAP","divisions":[4,13]}}]"#
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_another_tenant_are_never_listed() {
    let w = World::start().await;
    create_users(&w).await;
    let theirs = super::request(&w, 1, &format!("loginLike={}", w.tag)).await;
    let theirs = super::users(&theirs);
    let their_id = id(&theirs[0]);
    assert_eq!(theirs.len(), 1);
    assert_eq!(login(&theirs[0]), w.login("theirs.anna"));
    for query in [
        format!("ids={their_id}"),
        format!("login={}", w.login("theirs.anna")),
        format!("loginLike=theirs.anna.{}", w.tag),
        format!("ids={their_id}&page=0"),
        format!("ids={their_id}&after={}", their_id - 1),
    ] {
        assert_eq!(logins(&w, &query).await, [""; 0], "{query}");
    }
    let following = list(&w, &format!("after={}&size=1", their_id - 1)).await;
    assert!(following.iter().all(|user| id(user) != their_id));
}
