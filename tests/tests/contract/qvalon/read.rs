//! Reading users.

use muster_tests::World;
use serde_json::{Value, json};

use super::{FIELDS, assert_refused, create, get, path_of, post, put, user, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requested_fields_are_added_in_a_fixed_order() {
    let w = World::start().await;
    let body = with(
        user(&w, "ann"),
        json!({
            "externalId": w.login("E"), "ldapLogin": "ann", "email": "ann@example.com",
            "firstName": "Ann", "lastName": "Woo", "position": "Cook", "authType": "LOCAL",
            "level": "SHOP", "active": false, "supervisor": true, "surveyAdmin": true,
            "shopDirector": true, "canViewAllProcesses": true, "lang": "en_EN",
            "businessDirId": 1002, "divisionIds": [3], "regionIds": [2, 1], "shopIds": [17, 4],
            "divisionExternalIds": ["d"], "regionExternalIds": ["r"], "shopExternalIds": ["s", "t"],
            "businessDirExternalId": "b", "timeZoneId": "Europe/Moscow",
        }),
    );
    let created = post(&w, 0, &body).await;
    let id = created.json()["id"].as_u64().expect("an id");
    let (login, uid) = (w.login("ann"), w.login("E"));
    let own = format!(
        r#"{{"id":{id},"active":false,"login":"{login}","firstName":"Ann","lastName":"Woo","position":"Cook","email":"ann@example.com","level":"SHOP","businessDirId":1002,"ldapLogin":"ann","lang":"en_EN","timeZoneId":"Europe/Moscow","externalId":"{uid}""#
    );
    assert_eq!(created.compact(), format!("{own}}}"));
    assert_eq!(get(&w, 0, id, "").await.body, created.body);

    let added = r#""roles":["ROLE_SUPERVISOR","ROLE_SURVEY_ADMIN","ROLE_SHOPDIR"],"authType":"LOCAL","directorOfShops":[17,4],"shops":[17,4],"regions":[2,1],"divisions":[3],"businessDir":{"id":1002},"supervisor":true,"admin":false,"surveyAdmin":true,"taskManager":false,"userChecklistsOrganizer":false,"shopDirector":true,"canEditAllProcesses":false,"canViewAllProcesses":true,"canEditAllChlTemplates":false,"canEditSelectedChlTemplates":false,"shopExternalIds":["s","t"],"divisionExternalIds":["d"],"regionExternalIds":["r"]"#;
    let mut reversed: Vec<&str> = FIELDS.split(',').collect();
    reversed.reverse();
    for query in [
        format!("fields={FIELDS}"),
        format!("fields={}", reversed.join(",")),
        format!("fields={}", reversed.join("&fields=")),
        format!("fields=nothing,{FIELDS},password,shops&other=1"),
    ] {
        let reply = get(&w, 0, id, &query).await;
        assert_eq!(reply.compact(), format!("{own},{added}}}"), "{query}");
    }
    for (query, keys) in [
        ("fields=shops", vec!["shops"]),
        ("fields=admin%2C%20roles", vec!["roles", "admin"]),
        ("fields=", vec![]),
        ("fields=Roles,shopIds", vec![]),
        ("field=roles", vec![]),
    ] {
        let shown = get(&w, 0, id, query).await;
        assert_eq!(shown.keys()[13..], keys, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_that_are_not_set_are_left_out() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let shown = get(&w, 0, id, &format!("fields={FIELDS}")).await;
    let flags = &FIELDS.split(',').collect::<Vec<_>>()[7..17];
    let mut keys = vec!["id", "active", "login", "level", "roles", "authType"];
    keys.extend(flags);
    assert_eq!(shown.keys(), keys);
    let shops = put(&w, 0, id, &json!({"shopIds": [1]})).await;
    assert_eq!(shops.status, 200, "{shops}");
    let shown = get(&w, 0, id, "fields=directorOfShops,shops").await.json();
    assert_eq!(shown["shops"], json!([1]));
    assert_eq!(
        shown.get("directorOfShops"),
        None,
        "a user who is no shop director has directorOfShops"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_foreign_and_invalid_ids_get_the_same_response() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let before = w.directory().await;
    let mut responses = Vec::new();
    for id in [
        id.to_string(),
        "9007199254740990".to_owned(),
        "0".to_owned(),
        "99999999999999999999999".to_owned(),
        "-1".to_owned(),
        "1.5".to_owned(),
        "ann".to_owned(),
        w.login("ann"),
    ] {
        responses.push(get(&w, 1, &id, "fields=roles").await);
        responses.push(put(&w, 1, &id, &json!({"position": "Cook"})).await);
    }
    for response in &responses {
        assert_refused(response, 404, None);
        assert_eq!(response.body, responses[0].body);
    }
    assert_eq!(w.directory().await, before);
    let shown: Value = get(&w, 0, id, "").await.json();
    assert_eq!(shown.get("position"), None, "{}", path_of(id));
}
