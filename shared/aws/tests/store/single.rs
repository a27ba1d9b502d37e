//! Users written one at a time: all their rows at once, under conditions on what was read.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::Store;
use muster_aws::claims::Claim;
use muster_aws::directory::{
    Author, Claiming, Entry, Executed, NewUser, Outcome, Seat, SeenUser, Stamp, Stamps, Statement,
    UserEdit, UserKey, Writer,
};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::value::{Assignment, Value};

use crate::faults::{Fault, Faults};
use crate::support::{at, directory};

type Row = HashMap<String, AttributeValue>;

const EMAIL: &[(Attribute, Assignment<'_>)] = &[set(Attribute::Email, "someone@example.com")];

const fn set(attribute: Attribute, text: &str) -> (Attribute, Assignment<'_>) {
    (attribute, Assignment::Set(Value::Text(Cow::Borrowed(text))))
}

fn robot() -> Author {
    Author {
        writer: Writer::Robot {
            dialect: "qvalon".to_owned(),
            robot: "robot".to_owned(),
            run: None,
        },
        at: at(0),
    }
}

fn login(text: &str) -> Login<'_> {
    Login::parse(text).unwrap()
}

async fn seat(store: &Store, text: &str) -> Seat {
    store.seat(&login(text)).await.unwrap()
}

fn claiming<'c>(external_id: &'c str, seen: Option<&'c Claim>) -> Claiming<'c> {
    Claiming {
        external_id,
        seen,
        runs: &[],
    }
}

/// Makes a user with an id, and with an external id that nobody has claimed.
async fn make(
    store: &Store,
    (tenant, id): (&str, u64),
    login: &str,
    on: &Seat,
    external_id: Option<&str>,
) -> Option<Entry> {
    let mut assignments = EMAIL.to_vec();
    assignments.extend(external_id.map(|id| set(Attribute::ExternalId, id)));
    let new = NewUser {
        tenant,
        id,
        login,
        assignments: &assignments,
    };
    let claim = external_id.map(|id| claiming(id, None));
    store.create_user(&new, on, claim, &robot()).await.unwrap()
}

/// Gives the user with this id another login, and moves the claim on the external id.
async fn rename(store: &Store, id: u64, to: &str) -> Option<Entry> {
    let seen = store.see_user("acme", UserKey::Id(id)).await.unwrap();
    let seen = seen.unwrap();
    let (to, on) = (login(to), seat(store, to).await);
    let external_id = match seen.entry.user.values.get(&Attribute::ExternalId) {
        Some(Value::Text(id)) => Some(id.as_ref()),
        _ => None,
    };
    let claims = store.claims("acme", external_id).await.unwrap();
    let edit = UserEdit {
        difference: &[],
        login: Some((&to, Some(&on))),
        claim: external_id.map(|id| claiming(id, claims.get(id))),
    };
    store.change_user(&seen, edit, &robot()).await.unwrap()
}

async fn row(store: &Store, pk: &str) -> Option<Row> {
    let get = store.client().get_item();
    let get = get
        .table_name(&store.tables.directory)
        .consistent_read(true);
    let get = get.key("pk", AttributeValue::S(pk.to_owned()));
    get.send().await.unwrap().item
}

/// All rows, in the order of their keys.
async fn rows(store: &Store) -> Vec<Row> {
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

fn number(row: &Row, name: &str) -> u64 {
    row[name].as_n().unwrap().parse().unwrap()
}

fn stamps() -> Stamps {
    let stamp = Stamp {
        task: 206,
        record: 7,
        outcome: Outcome::Created,
        warnings: Vec::new(),
        until: 1_900_000_000,
    };
    Stamps::from([("run-0".to_owned(), stamp)])
}

/// Makes a user as an import does: with a stamp, and without a row for the id.
async fn import(store: &Store, id: u64, login: &str) {
    let new = NewUser {
        tenant: "acme",
        id,
        login,
        assignments: EMAIL,
    };
    let table = &store.tables.directory;
    let statement = Statement::create(table, login, &new, &stamps(), &robot());
    let executed = store
        .execute(vec![statement], Duration::from_secs(10))
        .await;
    assert!(matches!(executed[..], [Executed::Done]), "{executed:?}");
}

#[tokio::test]
async fn a_user_comes_with_the_row_of_the_id_and_the_claim() {
    let store = directory().await;
    let made = make(&store, ("acme", 5), "Anna", &Seat::Free, Some("E-1")).await;
    let made = made.unwrap();
    assert_eq!((made.user.id, made.user.version), (5, 1));
    assert_eq!(made.user.login, "Anna");
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
        let found = store.find_user("acme", key).await.unwrap();
        assert_eq!(found.as_ref(), Some(&made), "{key:?}");
        assert_eq!(store.find_user("globex", key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_rename_leaves_a_tombstone_and_takes_the_claim_along() {
    let store = directory().await;
    import(&store, 5, "anna").await;
    let seen = store
        .see_user("acme", UserKey::Id(5))
        .await
        .unwrap()
        .unwrap();
    let id = [set(Attribute::ExternalId, "E-1")];
    let edit = UserEdit {
        difference: &[(id[0].0, &id[0].1)],
        login: None,
        claim: Some(claiming("E-1", None)),
    };
    store
        .change_user(&seen, edit, &robot())
        .await
        .unwrap()
        .unwrap();
    let moved = rename(&store, 5, "Anna.B").await.unwrap();
    assert_eq!(
        (moved.user.login.as_str(), moved.user.version),
        ("Anna.B", 3)
    );

    let left = row(&store, "U#anna").await.unwrap();
    let names: BTreeSet<&str> = left.keys().map(String::as_str).collect();
    let tombstone = ["expires_at", "pk", "stamps", "version"];
    assert!(names.iter().eq(tombstone.iter()), "{names:?}");
    assert_eq!(number(&left, "version"), 3);
    let kept = at(72 * 3_600).as_second();
    assert_eq!(
        number(&left, "expires_at"),
        u64::try_from(kept).unwrap() + 1
    );
    let stood = store.users(["anna", "anna.b"]).await.unwrap();
    assert_eq!(
        (&stood["anna"].user, &stood["anna"].stamps),
        (&None, &stamps())
    );
    assert_eq!(stood["anna.b"].stamps, Stamps::new(), "stamps stay");

    let by_id = row(&store, "I#acme#5").await.unwrap();
    assert_eq!(by_id["login"].as_s().unwrap(), "anna.b");
    let claims = store.claims("acme", ["E-1"]).await.unwrap();
    assert_eq!(claims["E-1"].login, "anna.b");
    let anna = login("anna");
    assert_eq!(
        store
            .find_user("acme", UserKey::Login(&anna))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.see_user("acme", UserKey::Login(&anna)).await.unwrap(),
        None
    );
    assert!(matches!(seat(&store, "anna").await, Seat::Tombstone(_)));
    let found = store
        .find_user("acme", UserKey::ExternalId("E-1"))
        .await
        .unwrap();
    assert_eq!(found, Some(moved));
}

#[tokio::test]
async fn whoever_comes_onto_a_tombstone_continues_its_version_and_keeps_its_stamps() {
    let store = directory().await;
    import(&store, 5, "anna").await;
    rename(&store, 5, "anna.b").await.unwrap();
    let on = seat(&store, "anna").await;
    // Another tenant's user, as well as anybody's.
    let made = make(&store, ("globex", 6), "anna", &on, None)
        .await
        .unwrap();
    assert_eq!(made.user.version, 3);
    let stood = store.users(["anna"]).await.unwrap();
    assert_eq!(stood["anna"].stamps, stamps());
    assert!(
        !row(&store, "U#anna")
            .await
            .unwrap()
            .contains_key("expires_at")
    );
    assert_eq!(make(&store, ("acme", 7), "anna", &on, None).await, None);

    // A rename onto one continues above both.
    make(&store, ("acme", 8), "ben", &Seat::Free, None)
        .await
        .unwrap();
    rename(&store, 8, "ben.c").await.unwrap();
    for to in ["ben.d", "ben.e", "ben.f"] {
        rename(&store, 5, to).await.unwrap();
    }
    let left = number(&row(&store, "U#ben").await.unwrap(), "version");
    let before = number(&row(&store, "U#ben.f").await.unwrap(), "version");
    let moved = rename(&store, 5, "ben").await.unwrap();
    assert_eq!(moved.user.version, left.max(before) + 1);
    assert!(
        !row(&store, "U#ben")
            .await
            .unwrap()
            .contains_key("expires_at")
    );
}

#[tokio::test]
async fn what_was_planned_before_a_user_went_away_and_came_back_is_not_written() {
    let store = directory().await;
    import(&store, 5, "anna").await;
    let seen = store
        .see_user("acme", UserKey::Id(5))
        .await
        .unwrap()
        .unwrap();
    rename(&store, 5, "anna.b").await.unwrap();
    let tombstone = seat(&store, "anna").await;
    rename(&store, 5, "anna").await.unwrap();
    let before = rows(&store).await;
    let city = [set(Attribute::City, "Kyiv")];
    let difference = [(city[0].0, &city[0].1)];
    let edit = UserEdit {
        difference: &difference,
        login: None,
        claim: None,
    };
    assert_eq!(
        store.change_user(&seen, edit, &robot()).await.unwrap(),
        None
    );
    assert_eq!(
        make(&store, ("acme", 6), "anna", &tombstone, None).await,
        None
    );
    // Nor what an import had planned.
    let user = SeenUser {
        id: 5,
        version: seen.entry.user.version,
        changes: &store.users(["anna"]).await.unwrap()["anna"].changes,
    };
    let table = &store.tables.directory;
    let statement = Statement::change(table, "anna", &user, &difference, &stamps(), &robot());
    let executed = store
        .execute(vec![statement], Duration::from_secs(10))
        .await;
    assert!(
        matches!(executed[..], [Executed::Refused(_)]),
        "{executed:?}"
    );
    assert_eq!(rows(&store).await, before);
}

#[tokio::test]
async fn where_one_condition_fails_nothing_is_written() {
    let store = directory().await;
    make(&store, ("acme", 5), "anna", &Seat::Free, Some("E-1"))
        .await
        .unwrap();
    make(&store, ("acme", 6), "ben", &Seat::Free, None)
        .await
        .unwrap();
    let before = rows(&store).await;
    // The login is taken, the external id is, and each alone.
    for (login, id) in [("anna", None), ("anna", Some("E-2")), ("cleo", Some("E-1"))] {
        let made = make(&store, ("acme", 7), login, &Seat::Free, id).await;
        assert_eq!(made, None, "{login} {id:?}");
    }
    let seen = store
        .see_user("acme", UserKey::Id(6))
        .await
        .unwrap()
        .unwrap();
    let (anna, cleo) = (login("anna"), login("cleo"));
    let claims = store.claims("acme", ["E-1"]).await.unwrap();
    let other = Claim {
        login: "ben".to_owned(),
        ..claims["E-1"].clone()
    };
    let id = [set(Attribute::ExternalId, "E-1")];
    let difference = [(id[0].0, &id[0].1)];
    for (to, claim) in [
        (&anna, None),
        (&cleo, Some(claiming("E-1", None))),
        (&cleo, Some(claiming("E-1", Some(&other)))),
    ] {
        let edit = UserEdit {
            difference: &difference,
            login: Some((to, Some(&Seat::Free))),
            claim,
        };
        assert_eq!(
            store.change_user(&seen, edit, &robot()).await.unwrap(),
            None
        );
    }
    assert_eq!(rows(&store).await, before);
}

#[tokio::test]
async fn no_two_writes_leave_the_same_claim() {
    let store = directory().await;
    make(&store, ("acme", 5), "anna", &Seat::Free, Some("E-1"))
        .await
        .unwrap();
    let mut seen = vec![
        store
            .claims("acme", ["E-1"])
            .await
            .unwrap()
            .remove("E-1")
            .unwrap(),
    ];
    for to in ["anna.b", "anna", "anna.b", "anna"] {
        rename(&store, 5, to).await.unwrap();
        let claim = store.claims("acme", ["E-1"]).await.unwrap().remove("E-1");
        let claim = claim.unwrap();
        assert!(!seen.contains(&claim), "{claim:?} again");
        seen.push(claim);
    }
}

#[tokio::test]
async fn a_lost_answer_is_one_write() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("TransactWriteItems", &store);
    for (fault, id) in [
        (Fault::LostAnswer, 5),
        (Fault::Conflict, 6),
        (Fault::Throttled, 7),
    ] {
        let (name, external_id) = (format!("user{id}"), format!("E-{id}"));
        faults.next(1, fault);
        let made = make(
            &faulty,
            ("acme", id),
            &name,
            &Seat::Free,
            Some(&external_id),
        )
        .await;
        assert_eq!(made.unwrap().user.version, 1, "{fault:?}");
        faults.next(1, fault);
        let moved = rename(&faulty, id, &format!("{name}.b")).await.unwrap();
        assert_eq!(moved.user.version, 2, "{fault:?}");
        assert_eq!(moved.changes().unwrap().len(), 2, "{fault:?}");
        assert_eq!(faults.left(), 0);
    }
    let (faults, faulty) = Faults::on("PutItem", &store);
    let city = [set(Attribute::City, "Kyiv")];
    let edit = UserEdit {
        difference: &[(city[0].0, &city[0].1)],
        login: None,
        claim: None,
    };
    let seen = store
        .see_user("acme", UserKey::Id(5))
        .await
        .unwrap()
        .unwrap();
    faults.next(1, Fault::LostAnswer);
    let changed = faulty.change_user(&seen, edit, &robot()).await.unwrap();
    assert_eq!(changed.unwrap().user.version, 3);
    assert_eq!(faults.left(), 0);
}

#[tokio::test]
async fn what_this_version_does_not_know_survives_changes_and_renames() {
    let store = directory().await;
    make(&store, ("acme", 5), "anna", &Seat::Free, None)
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
    let seen = store
        .see_user("acme", UserKey::Id(5))
        .await
        .unwrap()
        .unwrap();
    let (shown, clear) = (login("Anna"), Assignment::Clear);
    let edit = UserEdit {
        difference: &[(Attribute::Email, &clear)],
        login: Some((&shown, None)),
        claim: None,
    };
    let changed = store.change_user(&seen, edit, &robot()).await.unwrap();
    assert_eq!(changed.unwrap().user.login, "Anna");
    assert_eq!(row(&store, "U#anna").await.unwrap()["shoe"], shoe);
    rename(&store, 5, "anna.b").await.unwrap();
    let now = row(&store, "U#anna.b").await.unwrap();
    assert_eq!(now["shoe"], shoe);
    assert!(!now.contains_key("email"));
}

#[tokio::test]
async fn a_renamed_user_is_found_by_the_id_though_the_index_is_behind() {
    let store = directory().await;
    import(&store, 5, "anna").await;
    import(&store, 6, "ben").await;
    rename(&store, 5, "anna.b").await.unwrap();
    // As an index that is behind has it: the user under the login of before, and not under the new.
    let mut stale = row(&store, "U#anna.b").await.unwrap();
    stale.insert("pk".to_owned(), AttributeValue::S("U#anna.a".to_owned()));
    stale.insert("tenant".to_owned(), AttributeValue::S("nobody".to_owned()));
    let put = store
        .client()
        .put_item()
        .table_name(&store.tables.directory);
    put.set_item(Some(stale)).send().await.unwrap();
    let update = store
        .client()
        .update_item()
        .table_name(&store.tables.directory);
    let update = update.key("pk", AttributeValue::S("U#anna.b".to_owned()));
    update
        .expression_attribute_names("#shard", "shard")
        .update_expression("REMOVE #shard")
        .send()
        .await
        .unwrap();

    let found = store.find_user("acme", UserKey::Id(5)).await.unwrap();
    assert_eq!(found.unwrap().user.login, "anna.b");
    let logins = store.logins_by_id("acme", [5, 6, 7]).await.unwrap();
    let logins: BTreeSet<_> = logins.into_iter().collect();
    let expected = [(5, "anna.b".to_owned()), (6, "ben".to_owned())];
    assert_eq!(logins, BTreeSet::from(expected));
    let page = store.list_users("acme", None, 10).await.unwrap();
    let listed: Vec<_> = page
        .users
        .iter()
        .map(|entry| entry.user.login.as_str())
        .collect();
    assert_eq!(listed, ["anna.b", "ben"]);
}
