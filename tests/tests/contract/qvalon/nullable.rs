//! Every attribute of QVALON's documentation: a value, the member that shows it, and `null`.

use muster_tests::World;
use serde_json::{Value, json};

use super::{FIELDS, assert_refused, create, get, post, put, user, with};

/// Returns each attribute with a value other than its default, the member of a response that shows
/// it, if any, and true if it is nullable.
fn attributes(w: &World) -> Vec<(&'static str, Value, Option<&'static str>, bool)> {
    vec![
        ("login", w.login("Renamed").into(), Some("login"), false),
        ("password", "changed".into(), None, false),
        ("ldapLogin", "ann".into(), Some("ldapLogin"), true),
        ("email", "ann@example.com".into(), Some("email"), true),
        ("firstName", "Ann".into(), Some("firstName"), true),
        ("lastName", "Woo".into(), Some("lastName"), true),
        ("position", "Cook".into(), Some("position"), true),
        ("authType", "LOCAL".into(), Some("authType"), false),
        ("level", "COMPANY".into(), Some("level"), false),
        ("active", false.into(), Some("active"), false),
        ("supervisor", true.into(), Some("supervisor"), false),
        ("admin", true.into(), Some("admin"), false),
        ("surveyAdmin", true.into(), Some("surveyAdmin"), false),
        ("taskManager", true.into(), Some("taskManager"), false),
        (
            "userChecklistsOrganizer",
            true.into(),
            Some("userChecklistsOrganizer"),
            false,
        ),
        ("shopDirector", true.into(), Some("shopDirector"), false),
        (
            "canEditAllProcesses",
            true.into(),
            Some("canEditAllProcesses"),
            false,
        ),
        (
            "canViewAllProcesses",
            true.into(),
            Some("canViewAllProcesses"),
            false,
        ),
        (
            "canEditAllChlTemplates",
            true.into(),
            Some("canEditAllChlTemplates"),
            false,
        ),
        (
            "canEditSelectedChlTemplates",
            true.into(),
            Some("canEditSelectedChlTemplates"),
            false,
        ),
        ("lang", "ru_RU".into(), Some("lang"), false),
        ("businessDirId", 1002.into(), Some("businessDirId"), false),
        ("divisionIds", json!([3]), Some("divisions"), true),
        ("regionIds", json!([2, 1]), Some("regions"), true),
        ("shopIds", json!([17, 4]), Some("shops"), true),
        (
            "divisionExternalIds",
            json!(["d"]),
            Some("divisionExternalIds"),
            true,
        ),
        (
            "regionExternalIds",
            json!(["r"]),
            Some("regionExternalIds"),
            true,
        ),
        (
            "shopExternalIds",
            json!(["s", "t"]),
            Some("shopExternalIds"),
            true,
        ),
        ("businessDirExternalId", "b".into(), None, true),
        (
            "timeZoneId",
            "Europe/Moscow".into(),
            Some("timeZoneId"),
            true,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_clears_nullable_attributes_and_is_refused_for_others() {
    let w = World::start().await;
    let everything: Value = attributes(&w)
        .into_iter()
        .map(|(name, value, ..)| (name.to_owned(), value))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let id = create(&w, &everything).await;
    let show = async || get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
    for (name, value, member, nullable) in attributes(&w) {
        if let Some(member) = member {
            assert_eq!(show().await[member], value, "{name}");
        }
        let before = show().await;
        let nulled = json!({name: null});
        let reply = put(&w, 0, id, &nulled).await;
        if !nullable {
            let message = assert_refused(&reply, 400, Some(name));
            assert_eq!(message, format!("{name}: must not be null"));
            assert_eq!(show().await, before, "{name}");
            let new = with(user(&w, "new"), nulled);
            assert_refused(&post(&w, 0, &new).await, 400, Some(name));
            continue;
        }
        assert_eq!(reply.status, 200, "{reply}");
        let mut after = before;
        if let Some(member) = member {
            after.as_object_mut().expect("a user").remove(member);
            if member == "shops" {
                after
                    .as_object_mut()
                    .expect("a user")
                    .remove("directorOfShops");
            }
        }
        assert_eq!(show().await, after, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_attributes_are_kept_and_an_empty_text_clears_or_counts_as_absent() {
    let w = World::start().await;
    let body = with(
        user(&w, "ann"),
        json!({"email": "ann@example.com", "position": "Cook", "shopIds": [1], "admin": true}),
    );
    let id = create(&w, &body).await;
    let all = async || get(&w, 0, id, "fields=shops,admin").await.json();
    let before = all().await;
    for unchanged in [
        json!({}),
        json!({"login": "", "email": "", "businessDirId": ""}),
        json!({"unknown": 1, "id": 7, "roles": ["ROLE_ADMIN"], "role": "x"}),
    ] {
        let reply = put(&w, 0, id, &unchanged).await;
        assert_eq!(reply.status, 200, "{unchanged}: {reply}");
        assert_eq!(all().await, before, "{unchanged}");
    }
    let cleared = put(&w, 0, id, &json!({"position": "", "shopIds": []})).await;
    assert_eq!(cleared.status, 200, "{cleared}");
    let after = all().await;
    assert_eq!((after.get("position"), after.get("shops")), (None, None));
    assert_eq!(after["email"], "ann@example.com");
}
