//! Whom each filter finds, alone and together with others.

use muster_tests::World;
use serde_json::{Value, json};

use super::{id, listed, login, logins, made};

/// Three users of the first tenant, of whom anna has everything, and one like anna of the second.
async fn people(w: &World) -> [Value; 3] {
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
    let [anna_s, ben_s] = ["Anna", "ben"].map(|name| name.to_owned());
    let annas = made(w, 0, &anna_s, anna.clone()).await;
    made(w, 1, "theirs.anna", anna).await;
    let bens = made(w, 0, &ben_s, ben).await;
    w.put(&json!([w.record("carl")])).await;
    let carls = listed(w, &format!("login={}", w.login("carl"))).await;
    [annas, bens, carls[0].clone()]
}

/// The names, without this test's tag, of those of this test whom the query finds.
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
async fn each_filter_finds_whom_it_says() {
    let w = World::start().await;
    let [anna, ben, carl] = people(&w).await.map(|user| id(&user));
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
async fn every_filter_has_a_say_where_several_are_given() {
    let w = World::start().await;
    let [anna, ..] = people(&w).await;
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
    let [found] = &listed(&w, &every).await[..] else {
        panic!("not anna alone");
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
        // The same parameter with another value in place of anna's, the others as they are.
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
async fn users_are_shown_as_they_are_alone_with_the_fields_asked_for() {
    let w = World::start().await;
    let [anna, ben, _] = people(&w).await;
    let query = format!("login={},{}", w.login("ben"), w.login("Anna"));
    let reply = super::asked(&w, 0, &query).await;
    assert_eq!(reply.json(), json!([anna, ben]), "in the order of ids");
    let query = format!(
        "ids={}&fields=divisions,nonsense&fields=authType,roles",
        id(&ben)
    );
    let (ben_id, tag) = (id(&ben), &w.tag);
    assert_eq!(
        super::asked(&w, 0, &query).await.text(),
        format!(
            r#"[{{"id":{ben_id},"active":false,"login":"ben.{tag}","firstName":"Ben","lastName":"Woo","position":"Cook","email":"ben{tag}@example.com","level":"DIVISION","businessDirId":12,"ldapLogin":"ben","roles":["ROLE_ADMIN"],"authType":"LDAP","divisions":[4,13]}}]"#
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenant_s_users_never_appear() {
    let w = World::start().await;
    people(&w).await;
    let theirs = super::asked(&w, 1, &format!("loginLike={}", w.tag)).await;
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
    let behind = listed(&w, &format!("after={}&size=1", their_id - 1)).await;
    assert!(behind.iter().all(|user| id(user) != their_id));
}
