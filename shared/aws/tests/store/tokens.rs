//! Tokens: their verification, and their listing for operators.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_aws::auth::robots::{Robot, RobotChange};
use muster_aws::auth::tokens::api::{NewToken, TokenEntry, TokenStatus};
use muster_aws::auth::tokens::{Scope, Token};
use muster_aws::{Creation, Store};
use secrecy::{ExposeSecret as _, SecretString};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, rows, start, store};

const DAY: u64 = 24 * 3_600;

async fn with_robot() -> Store {
    let store = store().await;
    let made = store
        .robots()
        .create("acme", "robot", "s3cret".into(), start())
        .await
        .unwrap();
    assert_eq!(made, Creation::Created);
    store
}

async fn signed_in(store: &Store) -> Robot {
    let robot = store.robots().verify("robot", "s3cret".into()).await;
    robot.unwrap().unwrap()
}

fn new(title: &str, lifetime: Option<u64>) -> NewToken {
    NewToken {
        tenant: "acme".to_owned(),
        robot: "robot".to_owned(),
        title: title.to_owned(),
        scopes: Scope::ALL.into(),
        lifetime: lifetime.map(Duration::from_secs),
        created_by: "anna".to_owned(),
    }
}

async fn issue(store: &Store, title: &str, lifetime: Option<u64>) -> (TokenEntry, SecretString) {
    store
        .tokens()
        .create(new(title, lifetime), start())
        .await
        .unwrap()
}

async fn verify(store: &Store, token: &SecretString, second: u64) -> Option<Token> {
    let found = store
        .tokens()
        .look_up(token.expose_secret(), at(second))
        .await;
    found.unwrap()
}

async fn change(store: &Store, change: RobotChange) {
    let changed = store.robots().change("acme", "robot", change, at(1)).await;
    assert!(changed.unwrap().is_some());
}

#[tokio::test]
async fn a_sign_in_token_has_the_scopes_of_its_robot_until_it_expires() {
    let store = with_robot().await;
    let life = Duration::from_secs(1_800);
    let robot = signed_in(&store).await;
    let token = store.tokens().issue(robot, life, start()).await.unwrap();
    assert_eq!(token.expose_secret().len(), 43);
    let expected = Token {
        tenant: "acme".to_owned(),
        robot: "robot".to_owned(),
        scopes: Scope::ALL.into(),
        // The expiry has a quarter of a second, which is rounded up.
        expires_at: Some(at(1_800) + Duration::from_millis(750)),
    };
    assert_eq!(verify(&store, &token, 1_799).await, Some(expected));
    assert_eq!(verify(&store, &token, 1_801).await, None);
}

#[tokio::test]
async fn a_token_without_a_lifetime_does_not_expire() {
    let store = with_robot().await;
    let (_, token) = issue(&store, "", None).await;
    let found = verify(&store, &token, 100 * 365 * DAY).await.unwrap();
    assert_eq!(found.expires_at, None);
}

#[tokio::test]
async fn an_invalid_token_is_unknown_and_token_text_is_not_stored() {
    let store = with_robot().await;
    let (_, token) = issue(&store, "", None).await;
    for text in ["", "x", &"a".repeat(43), &"a".repeat(1_000_000), "é\0"] {
        assert_eq!(store.tokens().look_up(text, start()).await.unwrap(), None);
    }
    let scan = store.client().scan().table_name(&store.tables.control);
    let all = scan.send().await.unwrap();
    assert_eq!(rows(&store, "TOKEN#").await, 1);
    assert!(!format!("{all:?}").contains(token.expose_secret()));
}

#[tokio::test]
async fn tokens_of_a_disabled_robot_are_invalid_and_it_cannot_sign_in() {
    let store = with_robot().await;
    let robot = signed_in(&store).await;
    let life = Duration::from_secs(1_800);
    let token = store.tokens().issue(robot, life, start()).await.unwrap();
    let (_, api) = issue(&store, "", None).await;
    let enabled = |enabled| RobotChange {
        enabled: Some(enabled),
        ..RobotChange::default()
    };
    change(&store, enabled(false)).await;
    assert_eq!(verify(&store, &token, 2).await, None);
    assert_eq!(verify(&store, &api, 2).await, None);
    let refused = store.robots().verify("robot", "s3cret".into()).await;
    assert_eq!(refused.unwrap(), None);
    change(&store, enabled(true)).await;
    assert!(verify(&store, &token, 2).await.is_some());
    assert!(verify(&store, &api, 2).await.is_some());
}

#[tokio::test]
async fn a_token_is_limited_to_the_current_scopes_of_its_robot() {
    let store = with_robot().await;
    let both = BTreeSet::from([Scope::Quant, Scope::Qvalon]);
    let narrow = NewToken {
        scopes: both,
        ..new("", None)
    };
    let (_, token) = store.tokens().create(narrow, start()).await.unwrap();
    for (may, expected) in [
        (vec![Scope::Quant, Scope::Collaborator], vec![Scope::Quant]),
        (vec![Scope::Collaborator], vec![]),
        (Scope::ALL.to_vec(), vec![Scope::Quant, Scope::Qvalon]),
    ] {
        change(
            &store,
            RobotChange {
                scopes: Some(may.into_iter().collect()),
                ..RobotChange::default()
            },
        )
        .await;
        let found = verify(&store, &token, 2).await.unwrap();
        assert_eq!(found.scopes, expected.into_iter().collect());
    }
}

#[tokio::test]
async fn a_new_password_ends_only_the_tokens_of_sign_ins() {
    let store = with_robot().await;
    let robot = signed_in(&store).await;
    let life = Duration::from_secs(1_800);
    let token = store.tokens().issue(robot, life, start()).await.unwrap();
    let (_, api) = issue(&store, "", None).await;
    let password = RobotChange {
        password: Some("another one".into()),
        ..RobotChange::default()
    };
    change(&store, password).await;
    assert_eq!(verify(&store, &token, 2).await, None);
    assert!(verify(&store, &api, 2).await.is_some());
    let robot = store.robots().verify("robot", "another one".into()).await;
    let robot = robot.unwrap().unwrap();
    let token = store.tokens().issue(robot, life, start()).await.unwrap();
    assert!(verify(&store, &token, 2).await.is_some());
}

#[tokio::test]
async fn a_revoked_token_is_invalid_and_listed_for_90_more_days() {
    let store = with_robot().await;
    let (entry, token) = issue(&store, "nightly", None).await;
    let revoked = store.tokens().revoke("acme", &entry.id, at(60)).await;
    let revoked = revoked.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(at(60)));
    assert_eq!(revoked.status(at(60)), TokenStatus::Revoked);
    assert_eq!(verify(&store, &token, 61).await, None);
    let again = store.tokens().revoke("acme", &entry.id, at(120)).await;
    assert_eq!(again.unwrap(), Some(revoked.clone()));
    let listed = async |second| {
        let all = store
            .tokens()
            .list("acme", None, None, 100, at(second))
            .await;
        all.unwrap().items
    };
    assert_eq!(listed(90 * DAY).await, [revoked]);
    assert_eq!(listed(90 * DAY + 60).await, []);
    let gone = store
        .tokens()
        .get("acme", &entry.id, at(90 * DAY + 60))
        .await;
    assert_eq!(gone.unwrap(), None);
}

#[tokio::test]
async fn an_expired_token_is_listed_for_90_more_days() {
    let store = with_robot().await;
    let (entry, token) = issue(&store, "once", Some(60)).await;
    assert!(verify(&store, &token, 59).await.is_some());
    assert_eq!(verify(&store, &token, 61).await, None);
    assert_eq!(entry.status(at(59)), TokenStatus::Active);
    assert_eq!(entry.status(at(61)), TokenStatus::Expired);
    let found = async |second| {
        let found = store.tokens().get("acme", &entry.id, at(second)).await;
        found.unwrap().is_some()
    };
    assert!(found(90 * DAY).await);
    assert!(!found(90 * DAY + 61).await);
}

#[tokio::test]
async fn a_revocation_with_a_lost_response_succeeds() {
    let store = with_robot().await;
    let (entry, _) = issue(&store, "", None).await;
    let (faults, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
    faults.next(1, Fault::LostResponse);
    let revoked = faulty.tokens().revoke("acme", &entry.id, at(60)).await;
    assert_eq!(revoked.unwrap().unwrap().revoked_at, Some(at(60)));
}

#[tokio::test]
async fn tokens_are_listed_newest_first_and_by_robot() {
    let store = with_robot().await;
    let made = store
        .robots()
        .create("acme", "other", "s3cret".into(), start());
    made.await.unwrap();
    for n in 0..5_u64 {
        let robot = ["robot", "other"][usize::from(n % 2 == 1)].to_owned();
        let new = NewToken {
            robot,
            ..new(&n.to_string(), None)
        };
        store.tokens().create(new, at(n)).await.unwrap();
    }
    // A token of a sign-in is not listed.
    let robot = signed_in(&store).await;
    let life = Duration::from_secs(1_800);
    store.tokens().issue(robot, life, at(5)).await.unwrap();

    let (mut titles, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .tokens()
            .list("acme", None, after.as_deref(), 2, at(9))
            .await;
        let page = page.unwrap();
        titles.extend(page.items.into_iter().map(|token| token.title));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(titles, ["4", "3", "2", "1", "0"]);
    let others = store
        .tokens()
        .list("acme", Some("other"), None, 2, at(9))
        .await;
    let others = others.unwrap().items.into_iter().map(|token| token.title);
    assert_eq!(others.collect::<Vec<_>>(), ["3", "1"]);
    let foreign = store
        .tokens()
        .list("globex", None, None, 9, at(9))
        .await
        .unwrap();
    assert_eq!(foreign.items, []);
}

#[tokio::test]
async fn a_token_of_another_tenant_is_not_found() {
    let store = with_robot().await;
    let (entry, token) = issue(&store, "", None).await;
    assert_eq!(
        store
            .tokens()
            .get("globex", &entry.id, at(1))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .tokens()
            .revoke("globex", &entry.id, at(1))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.tokens().get("acme", "no id", at(1)).await.unwrap(),
        None
    );
    assert!(verify(&store, &token, 1).await.is_some());
}

#[tokio::test]
async fn last_use_is_recorded_every_ten_minutes() {
    let store = with_robot().await;
    let (entry, token) = issue(&store, "", None).await;
    for (second, noted) in [(1, 1), (600, 1), (601, 601), (602, 601)] {
        assert!(verify(&store, &token, second).await.is_some());
        let entry = store.tokens().get("acme", &entry.id, at(second)).await;
        assert_eq!(entry.unwrap().unwrap().last_used_at, Some(at(noted)));
        let robot = store.robots().get("acme", "robot").await.unwrap().unwrap();
        assert_eq!(robot.last_used_at, Some(at(noted)));
    }
}

#[tokio::test]
async fn a_token_is_valid_even_if_its_use_cannot_be_recorded() {
    let store = with_robot().await;
    let (_, token) = issue(&store, "", None).await;
    let (faults, faulty) = Faults::on_every_attempt("UpdateItem", &store);
    faults.next(1, Fault::Throttled);
    assert!(verify(&faulty, &token, 1).await.is_some());
}

#[tokio::test]
async fn a_change_of_a_robot_keeps_its_last_use() {
    let store = with_robot().await;
    let (_, token) = issue(&store, "", None).await;
    verify(&store, &token, 1).await;
    let narrower = RobotChange {
        scopes: Some([Scope::Quant].into()),
        ..RobotChange::default()
    };
    let robot = store
        .robots()
        .change("acme", "robot", narrower, at(2))
        .await;
    let robot = robot.unwrap().unwrap();
    assert_eq!((robot.last_used_at, robot.updated_at), (Some(at(1)), at(2)));
    let row = raw(&store, "ROBOT#robot", "ROBOT").await.unwrap();
    assert!(row.contains_key("last_used_at"));
}
