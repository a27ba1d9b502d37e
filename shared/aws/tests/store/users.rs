//! Users are listed, found and blocked, with the authors of their changes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::directory::Claim;
use muster_aws::directory::{
    Author, Executed, MAX_STATEMENTS, NewUser, Outcome, Stamp, Stamps, Statement, UserEdit,
    UserEntry, UserKey, UserVersion, Writer,
};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::run::UpdateEffects;
use muster_core::value::{Assignment, Value};

use crate::faults::{Fault, Faults};
use crate::support::{at, directory};

fn robot(second: u64) -> Author {
    Author {
        writer: Writer::Robot {
            dialect: "quant".to_owned(),
            robot: "robot".to_owned(),
            run: Some(format!("run {second}").replace(' ', "-")),
        },
        at: at(second),
    }
}

fn stamps() -> Stamps {
    let stamp = Stamp {
        task: 206,
        record: 7,
        outcome: Outcome::Created,
        effects: UpdateEffects::default(),
        warnings: vec!["external_id.taken".to_owned()],
        until: 1_900_000_000,
    };
    Stamps::from([("run-0".to_owned(), stamp)])
}

fn set(attribute: Attribute, text: &str) -> (Attribute, Assignment<'_>) {
    let value = Value::Text(Cow::Borrowed(text));
    (attribute, Assignment::Set(value))
}

async fn write(store: &Store, statements: Vec<Statement>) {
    for executed in store
        .directory()
        .execute(statements, Duration::from_secs(10))
        .await
    {
        assert!(matches!(executed, Executed::Done), "{executed:?}");
    }
}

fn new(store: &Store, tenant: &str, id: u64, login: &str) -> Statement {
    let user = NewUser {
        tenant,
        id,
        login,
        assignments: &[set(Attribute::Email, "someone@example.com")],
    };
    let canon = login.to_lowercase();
    let table = &store.tables.directory;
    Statement::create(table, &canon, &user, &stamps(), &robot(0))
}

async fn create_user(store: &Store, tenant: &str, id: u64, login: &str) {
    write(store, vec![new(store, tenant, id, login)]).await;
}

/// Returns the ids of all users, read in pages of this size.
async fn list_all(store: &Store, limit: u16) -> Vec<u64> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.directory().list("acme", after, limit).await.unwrap();
        assert!(page.users.len() <= usize::from(limit));
        ids.extend(page.users.iter().map(|entry| entry.user.id));
        after = page.next;
        if after.is_none() {
            return ids;
        }
    }
}

async fn find_id(store: &Store, tenant: &str, key: UserKey<'_>) -> Option<u64> {
    let entry = store.directory().find(tenant, key).await.unwrap();
    entry.map(|entry| entry.user.id)
}

async fn anna(store: &Store) -> UserEntry {
    let found = store
        .directory()
        .find("acme", UserKey::Id(5))
        .await
        .unwrap();
    found.unwrap()
}

#[tokio::test]
async fn each_user_of_a_tenant_is_listed_once_in_id_order() {
    let store = directory().await;
    assert_eq!(list_all(&store, 100).await, [0; 0]);
    // Most ids are in one shard, so that pages end where that shard may have more.
    let ids: BTreeSet<u64> = (1..=150)
        .map(|n| n * 32)
        .chain((0..60).map(|_| rand::random_range(1..6_000)))
        .collect();
    let users: Vec<u64> = ids.iter().copied().collect();
    for ids in users.chunks(MAX_STATEMENTS) {
        let users = ids
            .iter()
            .map(|id| new(&store, "acme", *id, &format!("user{id}")));
        write(&store, users.collect()).await;
    }
    create_user(&store, "globex", 33, "theirs").await;
    for limit in [20, 32, 100, 1_000] {
        assert_eq!(list_all(&store, limit).await, users, "{limit}");
    }
    let after = store
        .directory()
        .list("acme", users.last().copied(), 10)
        .await;
    let after = after.unwrap();
    assert_eq!((after.users.len(), after.next), (0, None));
}

/// Returns the ids of a walk, and the cursor after each batch.
async fn walk_batches(store: &Store, after: u64) -> (Vec<u64>, Vec<Option<u64>>) {
    let (mut ids, mut cursors) = (Vec::new(), Vec::new());
    let mut walk = store.directory().walk("acme", after);
    while let Some(batch) = walk.next().await.unwrap() {
        ids.extend(batch.users.iter().map(|entry| entry.user.id));
        cursors.push(batch.next);
    }
    (ids, cursors)
}

#[tokio::test]
async fn a_walk_returns_all_users_and_a_count_their_number_and_cursor() {
    let store = directory().await;
    assert_eq!(walk_batches(&store, 0).await, (vec![], vec![]));
    let nobody = store.directory().count("acme", 0).await.unwrap();
    assert_eq!((nobody.total, nobody.cursor), (0, Some(0)));
    let ids: BTreeSet<u64> = (0..260).map(|_| rand::random_range(1..2_000)).collect();
    let users: Vec<u64> = ids.iter().copied().collect();
    for ids in users.chunks(MAX_STATEMENTS) {
        let users = ids
            .iter()
            .map(|id| new(&store, "acme", *id, &format!("user{id}")));
        write(&store, users.collect()).await;
    }
    create_user(&store, "globex", 2_001, "theirs").await;
    let (all, cursors) = walk_batches(&store, 0).await;
    assert_eq!(all, users);
    let ends = users.chunks(100).map(|batch| batch.last().copied());
    assert!(cursors.into_iter().eq(ends));
    assert_eq!(walk_batches(&store, users[70]).await.0, users[71..]);
    for passed in [0, 1, 70, users.len()] {
        let counted = store
            .directory()
            .count("acme", passed as u64)
            .await
            .unwrap();
        let after = passed.checked_sub(1).map_or(0, |last| users[last]);
        assert_eq!(counted.total, users.len() as u64);
        assert_eq!(counted.cursor, Some(after), "{passed}");
    }
    for beyond in [users.len() as u64 + 1, u64::MAX] {
        let counted = store.directory().count("acme", beyond).await.unwrap();
        assert_eq!(counted.cursor, None);
    }
}

#[tokio::test]
async fn users_are_found_by_id_within_their_tenant() {
    let store = directory().await;
    create_user(&store, "acme", 5, "Anna").await;
    create_user(&store, "acme", 6, "ben").await;
    create_user(&store, "globex", 7, "theirs").await;
    let found = store
        .directory()
        .users_by_id("acme", [7, 6, 5, 4, 5])
        .await
        .unwrap();
    let found: BTreeSet<_> = found
        .iter()
        .map(|(login, user)| (user.id, &**login))
        .collect();
    assert_eq!(found, BTreeSet::from([(5, "anna"), (6, "ben")]));
}

#[tokio::test]
async fn an_index_hit_is_confirmed_by_the_row() {
    let store = directory().await;
    create_user(&store, "acme", 1, "anna").await;
    create_user(&store, "acme", 2, "ben").await;
    // As in a stale index: the user is under a former tenant.
    let update = store.client().update_item();
    update
        .table_name(&store.tables.directory)
        .key("pk", AttributeValue::S("U#ben".to_owned()))
        .update_expression("SET #shard = :shard")
        .expression_attribute_names("#shard", "shard")
        .expression_attribute_values(":shard", AttributeValue::S("globex#2".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(list_all(&store, 10).await, [1]);
    let theirs = store.directory().list("globex", None, 10).await.unwrap();
    assert_eq!((theirs.users.len(), theirs.next), (0, None));
    assert_eq!(find_id(&store, "globex", UserKey::Id(2)).await, None);
}

#[tokio::test]
async fn a_user_is_found_by_its_unique_keys_within_its_tenant() {
    let store = directory().await;
    create_user(&store, "acme", 5, "Anna").await;
    let claim = |id| Claim::insert(&store.tables.directory, "acme", id, "anna", "run-0");
    write(&store, vec![claim("E-1"), claim("E-2")]).await;
    let login = Login::parse("ANNA").unwrap();
    let keys = [
        UserKey::Id(5),
        UserKey::Login(&login),
        UserKey::ExternalId("E-1"),
    ];
    assert_eq!(find_id(&store, "acme", keys[0]).await, Some(5));
    assert_eq!(find_id(&store, "acme", keys[1]).await, Some(5));
    assert_eq!(
        find_id(&store, "acme", keys[2]).await,
        None,
        "a claim whose user does not have the id yet"
    );
    change(&store, 1, &[set(Attribute::ExternalId, "E-1")]).await;
    assert_eq!(find_id(&store, "acme", keys[2]).await, Some(5));
    assert_eq!(
        find_id(&store, "acme", UserKey::ExternalId("E-2")).await,
        None
    );
    for key in keys {
        assert_eq!(find_id(&store, "globex", key).await, None, "{key:?}");
    }
    let nobody = Login::parse("nobody").unwrap();
    assert_eq!(find_id(&store, "acme", UserKey::Id(6)).await, None);
    assert_eq!(find_id(&store, "acme", UserKey::Login(&nobody)).await, None);
}

async fn change(store: &Store, second: u64, difference: &[(Attribute, Assignment<'_>)]) {
    let seen = store
        .directory()
        .users(["anna"])
        .await
        .unwrap()
        .remove("anna")
        .unwrap();
    let user = UserVersion {
        id: 5,
        version: seen.version,
        changes: &seen.changes,
    };
    let difference: Vec<_> = difference.iter().map(|(a, to)| (*a, to)).collect();
    let table = &store.tables.directory;
    let statement = Statement::change(
        table,
        "anna",
        &user,
        &difference,
        &seen.stamps,
        &robot(second),
    );
    write(store, vec![statement]).await;
}

/// Blocks or unblocks a user, with retries after concurrent changes.
async fn set_active(
    store: &Store,
    (tenant, id): (&str, u64),
    active: bool,
    operator: &str,
    second: u64,
) -> Result<Option<UserEntry>, StoreError> {
    let author = Author {
        writer: Writer::Operator(operator.to_owned()),
        at: at(second),
    };
    let flag = Assignment::Set(Value::Flag(active));
    let edit = UserEdit {
        difference: &[(Attribute::Active, &flag)],
        login: None,
        claim: None,
        stamps: None,
    };
    loop {
        let Some(seen) = store.directory().snapshot(tenant, UserKey::Id(id)).await? else {
            return Ok(None);
        };
        if seen.entry.is_active() == active {
            return Ok(Some(seen.entry));
        }
        let changed = store.directory().change(&seen, edit, &author).await?;
        if changed.is_some() {
            return Ok(changed);
        }
    }
}

#[tokio::test]
async fn changes_of_a_user_are_listed_newest_first() {
    let store = directory().await;
    create_user(&store, "acme", 5, "Anna").await;
    let name = [
        set(Attribute::Name, "Anna"),
        (Attribute::Email, Assignment::Clear),
    ];
    change(&store, 1, &name).await;
    set_active(&store, ("acme", 5), false, "an operator", 2)
        .await
        .unwrap();
    let anna = anna(&store).await;
    assert_eq!(anna.created, robot(0));
    let operator = Writer::Operator("an operator".to_owned());
    let last = Author {
        writer: operator,
        at: at(2),
    };
    assert_eq!(anna.updated, last);
    let changes: Vec<_> = anna
        .changes()
        .unwrap()
        .into_iter()
        .map(|change| (change.author, change.attributes))
        .collect();
    assert_eq!(
        changes,
        [
            (last, vec![Attribute::Active]),
            (robot(1), vec![Attribute::Name, Attribute::Email]),
            (robot(0), vec![Attribute::Email]),
        ]
    );
}

#[tokio::test]
async fn blocking_writes_once_and_keeps_the_stamps_of_runs() {
    let store = directory().await;
    create_user(&store, "acme", 5, "anna").await;
    for (active, version) in [(true, 1), (false, 2), (false, 2), (true, 3), (true, 3)] {
        let entry = set_active(&store, ("acme", 5), active, "anna", version);
        let entry = entry.await.unwrap().unwrap();
        assert_eq!((entry.is_active(), entry.user.version), (active, version));
    }
    assert_eq!(store.directory_writes(), 3, "one creation and two changes");
    let stored = store.directory().users(["anna"]).await.unwrap();
    assert_eq!(stored["anna"].stamps, stamps());
    for (tenant, id) in [("acme", 6), ("globex", 5)] {
        let missing = set_active(&store, (tenant, id), false, "anna", 9).await;
        assert_eq!(missing.unwrap(), None);
    }
}

#[tokio::test]
async fn a_block_with_a_lost_response_is_one_change() {
    let store = directory().await;
    create_user(&store, "acme", 5, "anna").await;
    let (faults, faulty) = Faults::on("PutItem", &store);
    for fault in [Fault::LostResponse, Fault::Throttled] {
        faults.next(1, fault);
        let active = !anna(&store).await.is_active();
        let entry = set_active(&faulty, ("acme", 5), active, "anna", 1).await;
        assert_eq!(entry.unwrap().unwrap().is_active(), active);
        assert_eq!(faults.left(), 0);
    }
    let anna = anna(&store).await;
    assert_eq!(anna.user.version, 3);
    assert_eq!(anna.changes().unwrap().len(), 3);
}

#[tokio::test]
async fn concurrent_blocks_and_runs_on_one_user_all_take_effect() {
    let store = directory().await;
    create_user(&store, "acme", 5, "anna").await;
    let block = set_active(&store, ("acme", 5), false, "anna", 1);
    let unblock = set_active(&store, ("acme", 5), true, "ben", 1);
    let again = set_active(&store, ("acme", 5), false, "cleo", 1);
    let (block, unblock, again) = futures::join!(block, unblock, again);
    for entry in [block, unblock, again] {
        entry.unwrap().unwrap();
    }
    let anna = anna(&store).await;
    assert_eq!(
        anna.changes().unwrap().len() as u64,
        anna.user.version,
        "no write was undone"
    );
}
