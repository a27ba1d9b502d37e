//! Single-user writes: all rows of a user in one transaction, on the condition of what was read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::Store;
use muster_aws::directory::Claim;
use muster_aws::directory::{
    Author, ClaimWrite, Executed, LoginSlot, NewUser, Outcome, Stamp, Stamps, Statement, UserEdit,
    UserEntry, UserKey, UserSnapshot, Writer,
};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::run::UpdateEffects;
use muster_core::value::{Assignment, Value};

use crate::faults::{Fault, Faults};
use crate::support::{at, directory};

pub type Row = HashMap<String, AttributeValue>;

const EMAIL: &[(Attribute, Assignment<'_>)] = &[set(Attribute::Email, "someone@example.com")];

pub const fn set(attribute: Attribute, text: &str) -> (Attribute, Assignment<'_>) {
    (attribute, Assignment::Set(Value::Text(Cow::Borrowed(text))))
}

pub fn robot() -> Author {
    Author {
        writer: Writer::Robot {
            dialect: "qvalon".to_owned(),
            robot: "robot".to_owned(),
            run: None,
        },
        at: at(0),
    }
}

pub fn login(text: &str) -> Login<'_> {
    Login::parse(text).unwrap()
}

pub async fn login_slot(store: &Store, text: &str) -> LoginSlot {
    store.directory().login_slot(&login(text)).await.unwrap()
}

pub fn claim_write<'c>(external_id: &'c str, seen: Option<&'c Claim>) -> ClaimWrite<'c> {
    ClaimWrite {
        external_id,
        seen,
        runs: &[],
    }
}

/// Creates a user, optionally with an unclaimed external id.
pub async fn create_user(
    store: &Store,
    (tenant, id): (&str, u64),
    login: &str,
    on: &LoginSlot,
    external_id: Option<&str>,
) -> Option<UserEntry> {
    let mut assignments = EMAIL.to_vec();
    assignments.extend(external_id.map(|id| set(Attribute::ExternalId, id)));
    let new = NewUser {
        tenant,
        id,
        login,
        assignments: &assignments,
    };
    let claim = external_id.map(|id| claim_write(id, None));
    store
        .directory()
        .create(&new, on, claim, &robot())
        .await
        .unwrap()
}

/// Renames a user, and moves the claim on the external id.
pub async fn rename(store: &Store, id: u64, to: &str) -> Option<UserEntry> {
    let seen = snapshot(store, id).await;
    let (to, on) = (login(to), login_slot(store, to).await);
    let external_id = match seen.entry.user.values.get(&Attribute::ExternalId) {
        Some(Value::Text(id)) => Some(id.as_ref()),
        _ => None,
    };
    let claims = store.directory().claims("acme", external_id).await.unwrap();
    let edit = UserEdit {
        difference: &[],
        login: Some((&to, Some(&on))),
        claim: external_id.map(|id| claim_write(id, claims.get(id))),
        stamps: None,
    };
    store
        .directory()
        .change(&seen, edit, &robot())
        .await
        .unwrap()
}

pub async fn row(store: &Store, pk: &str) -> Option<Row> {
    let get = store.client().get_item();
    let get = get
        .table_name(&store.tables.directory)
        .consistent_read(true);
    let get = get.key("pk", AttributeValue::S(pk.to_owned()));
    get.send().await.unwrap().item
}

/// Returns all rows, ordered by key.
pub async fn rows(store: &Store) -> Vec<Row> {
    let scan = store.client().scan().table_name(&store.tables.directory);
    let mut rows = scan
        .consistent_read(true)
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    rows.sort_by_key(|row| row["pk"].as_s().unwrap().clone());
    rows
}

pub fn number(row: &Row, name: &str) -> u64 {
    row[name].as_n().unwrap().parse().unwrap()
}

pub fn stamps() -> Stamps {
    let stamp = Stamp {
        task: 206,
        record: 7,
        outcome: Outcome::Created,
        effects: UpdateEffects::default(),
        warnings: Vec::new(),
        until: 1_900_000_000,
    };
    Stamps::from([("run-0".to_owned(), stamp)])
}

/// Creates a user as an import does: with a stamp, and without an `I#` row.
pub async fn import_user(store: &Store, id: u64, login: &str) {
    let new = NewUser {
        tenant: "acme",
        id,
        login,
        assignments: EMAIL,
    };
    let table = &store.tables.directory;
    let statement = Statement::create(table, login, &new, &stamps(), &robot());
    let executed = store
        .directory()
        .execute(vec![statement], Duration::from_secs(10))
        .await;
    assert!(matches!(executed[..], [Executed::Done]), "{executed:?}");
}

pub async fn snapshot(store: &Store, id: u64) -> UserSnapshot {
    let found = store.directory().snapshot("acme", UserKey::Id(id)).await;
    found.unwrap().unwrap()
}

#[tokio::test]
async fn an_id_that_was_stored_with_its_accents_apart_is_found_in_either_form() {
    let store = directory().await;
    let apart = "e\u{301}-1";
    let free = LoginSlot::Free;
    let created = create_user(&store, ("acme", 5), "anna", &free, Some(apart)).await;
    for form in [apart, "\u{e9}-1"] {
        let key = UserKey::ExternalId(form);
        let found = store.directory().find("acme", key).await.unwrap();
        assert_eq!(found, created, "{form:?}");
        assert_eq!(store.directory().find("globex", key).await.unwrap(), None);
    }
    let other = UserKey::ExternalId("e-1");
    assert_eq!(store.directory().find("acme", other).await.unwrap(), None);
}

#[tokio::test]
async fn a_user_is_created_with_its_id_row_and_claim() {
    let store = directory().await;
    let created = create_user(&store, ("acme", 5), "Anna", &LoginSlot::Free, Some("E-1")).await;
    let created = created.unwrap();
    assert_eq!((created.user.id, created.user.version), (5, 1));
    assert_eq!(created.user.login, "Anna");
    let keys: Vec<_> = rows(&store).await;
    let keys: Vec<&str> = keys
        .iter()
        .map(|row| row["pk"].as_s().unwrap().as_str())
        .collect();
    assert_eq!(keys, ["I#acme#5", "U#anna", "X#acme#E-1"]);
    let anna = login("ANNA");
    for key in [
        UserKey::Id(5),
        UserKey::Login(&anna),
        UserKey::ExternalId("E-1"),
    ] {
        let found = store.directory().find("acme", key).await.unwrap();
        assert_eq!(found.as_ref(), Some(&created), "{key:?}");
        assert_eq!(store.directory().find("globex", key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn nothing_is_written_if_one_condition_fails() {
    let store = directory().await;
    create_user(&store, ("acme", 5), "anna", &LoginSlot::Free, Some("E-1"))
        .await
        .unwrap();
    create_user(&store, ("acme", 6), "ben", &LoginSlot::Free, None)
        .await
        .unwrap();
    let before = rows(&store).await;
    // Both the login and the external id are taken, or only one of them.
    for (login, id) in [("anna", None), ("anna", Some("E-2")), ("cleo", Some("E-1"))] {
        let created = create_user(&store, ("acme", 7), login, &LoginSlot::Free, id).await;
        assert_eq!(created, None, "{login} {id:?}");
    }
    let seen = snapshot(&store, 6).await;
    let (anna, cleo) = (login("anna"), login("cleo"));
    let claims = store.directory().claims("acme", ["E-1"]).await.unwrap();
    let other = Claim {
        login: "ben".to_owned(),
        ..claims["E-1"].clone()
    };
    let id = [set(Attribute::ExternalId, "E-1")];
    let difference = [(id[0].0, &id[0].1)];
    for (to, claim) in [
        (&anna, None),
        (&cleo, Some(claim_write("E-1", None))),
        (&cleo, Some(claim_write("E-1", Some(&other)))),
    ] {
        let edit = UserEdit {
            difference: &difference,
            login: Some((to, Some(&LoginSlot::Free))),
            claim,
            stamps: None,
        };
        assert_eq!(
            store
                .directory()
                .change(&seen, edit, &robot())
                .await
                .unwrap(),
            None
        );
    }
    assert_eq!(rows(&store).await, before);
}

#[tokio::test]
async fn a_lost_response_causes_no_second_write() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("TransactWriteItems", &store);
    for (fault, id) in [
        (Fault::LostResponse, 5),
        (Fault::Conflict, 6),
        (Fault::Throttled, 7),
    ] {
        let (name, external_id) = (format!("user{id}"), format!("E-{id}"));
        faults.next(1, fault);
        let created = create_user(
            &faulty,
            ("acme", id),
            &name,
            &LoginSlot::Free,
            Some(&external_id),
        )
        .await;
        assert_eq!(created.unwrap().user.version, 1, "{fault:?}");
        faults.next(1, fault);
        let renamed = rename(&faulty, id, &format!("{name}.b")).await.unwrap();
        assert_eq!(renamed.user.version, 2, "{fault:?}");
        assert_eq!(renamed.changes().unwrap().len(), 2, "{fault:?}");
        assert_eq!(faults.left(), 0);
    }
    let (faults, faulty) = Faults::on("PutItem", &store);
    let city = [set(Attribute::City, "Kyiv")];
    let edit = UserEdit {
        difference: &[(city[0].0, &city[0].1)],
        login: None,
        claim: None,
        stamps: None,
    };
    let seen = snapshot(&store, 5).await;
    faults.next(1, Fault::LostResponse);
    let changed = faulty
        .directory()
        .change(&seen, edit, &robot())
        .await
        .unwrap();
    assert_eq!(changed.unwrap().user.version, 3);
    assert_eq!(faults.left(), 0);
}

#[tokio::test]
async fn unknown_attributes_survive_changes_and_renames() {
    let store = directory().await;
    create_user(&store, ("acme", 5), "anna", &LoginSlot::Free, None)
        .await
        .unwrap();
    let shoe = AttributeValue::M(HashMap::from([(
        "size".to_owned(),
        AttributeValue::N("37.5".to_owned()),
    )]));
    let update = store
        .client()
        .update_item()
        .table_name(&store.tables.directory);
    let update = update.key("pk", AttributeValue::S("U#anna".to_owned()));
    let update = update.update_expression("SET shoe = :shoe");
    let update = update.expression_attribute_values(":shoe", shoe.clone());
    update.send().await.unwrap();
    let seen = snapshot(&store, 5).await;
    let (shown, clear) = (login("Anna"), Assignment::Clear);
    let edit = UserEdit {
        difference: &[(Attribute::Email, &clear)],
        login: Some((&shown, None)),
        claim: None,
        stamps: None,
    };
    let changed = store
        .directory()
        .change(&seen, edit, &robot())
        .await
        .unwrap();
    assert_eq!(changed.unwrap().user.login, "Anna");
    assert_eq!(row(&store, "U#anna").await.unwrap()["shoe"], shoe);
    rename(&store, 5, "anna.b").await.unwrap();
    let now = row(&store, "U#anna.b").await.unwrap();
    assert_eq!(now["shoe"], shoe);
    assert!(!now.contains_key("email"));
}
