//! Users: listed, found, blocked, and who changed them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::claims::Claim;
use muster_aws::directory::{
    Author, BATCH, Entry, Executed, NewUser, Outcome, SeenUser, Stamp, Stamps, Statement, UserEdit,
    UserKey, Writer,
};
use muster_aws::{Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
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
    for executed in store.execute(statements, Duration::from_secs(10)).await {
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

async fn make(store: &Store, tenant: &str, id: u64, login: &str) {
    write(store, vec![new(store, tenant, id, login)]).await;
}

/// Pages of this size, to the end.
async fn walk(store: &Store, limit: u16) -> Vec<u64> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.list_users("acme", after, limit).await.unwrap();
        assert!(page.users.len() <= usize::from(limit));
        ids.extend(page.users.iter().map(|entry| entry.user.id));
        after = page.next;
        if after.is_none() {
            return ids;
        }
    }
}

async fn found(store: &Store, tenant: &str, key: UserKey<'_>) -> Option<u64> {
    let entry = store.find_user(tenant, key).await.unwrap();
    entry.map(|entry| entry.user.id)
}

async fn anna(store: &Store) -> Entry {
    let found = store.find_user("acme", UserKey::Id(5)).await.unwrap();
    found.unwrap()
}

#[tokio::test]
async fn a_tenant_s_users_are_listed_once_each_in_the_order_of_their_ids() {
    let store = directory().await;
    assert_eq!(walk(&store, 100).await, [0; 0]);
    // Most in one shard, so that pages end where that one may have more.
    let ids: BTreeSet<u64> = (1..=150)
        .map(|n| n * 32)
        .chain((0..60).map(|_| rand::random_range(1..6_000)))
        .collect();
    let users: Vec<u64> = ids.iter().copied().collect();
    for ids in users.chunks(BATCH) {
        let users = ids
            .iter()
            .map(|id| new(&store, "acme", *id, &format!("user{id}")));
        write(&store, users.collect()).await;
    }
    make(&store, "globex", 33, "theirs").await;
    for limit in [20, 32, 100, 1_000] {
        assert_eq!(walk(&store, limit).await, users, "{limit}");
    }
    let behind = store.list_users("acme", users.last().copied(), 10).await;
    let behind = behind.unwrap();
    assert_eq!((behind.users.len(), behind.next), (0, None));
}

/// The users of a walk, and how far it has come after each piece.
async fn walked(store: &Store, after: u64) -> (Vec<u64>, Vec<Option<u64>>) {
    let (mut ids, mut reached) = (Vec::new(), Vec::new());
    let mut walk = store.walk_users("acme", after);
    while let Some(piece) = walk.next().await.unwrap() {
        ids.extend(piece.users.iter().map(|entry| entry.user.id));
        reached.push(piece.next);
    }
    (ids, reached)
}

#[tokio::test]
async fn a_walk_gives_all_users_and_a_count_says_how_many_and_where() {
    let store = directory().await;
    assert_eq!(walked(&store, 0).await, (vec![], vec![]));
    let nobody = store.count_users("acme", 0).await.unwrap();
    assert_eq!((nobody.total, nobody.behind), (0, Some(0)));
    let ids: BTreeSet<u64> = (0..260).map(|_| rand::random_range(1..2_000)).collect();
    let users: Vec<u64> = ids.iter().copied().collect();
    for ids in users.chunks(BATCH) {
        let users = ids
            .iter()
            .map(|id| new(&store, "acme", *id, &format!("user{id}")));
        write(&store, users.collect()).await;
    }
    make(&store, "globex", 2_001, "theirs").await;
    let (all, reached) = walked(&store, 0).await;
    assert_eq!(all, users);
    let ends = users.chunks(100).map(|piece| piece.last().copied());
    assert!(reached.into_iter().eq(ends));
    assert_eq!(walked(&store, users[70]).await.0, users[71..]);
    for passed in [0, 1, 70, users.len()] {
        let counted = store.count_users("acme", passed as u64).await.unwrap();
        let behind = passed.checked_sub(1).map_or(0, |last| users[last]);
        assert_eq!(counted.total, users.len() as u64);
        assert_eq!(counted.behind, Some(behind), "{passed}");
    }
    for beyond in [users.len() as u64 + 1, u64::MAX] {
        let counted = store.count_users("acme", beyond).await.unwrap();
        assert_eq!(counted.behind, None);
    }
}

#[tokio::test]
async fn users_are_found_by_their_ids_and_nobody_else_s() {
    let store = directory().await;
    make(&store, "acme", 5, "Anna").await;
    make(&store, "acme", 6, "ben").await;
    make(&store, "globex", 7, "theirs").await;
    let found = store.users_by_id("acme", [7, 6, 5, 4, 5]).await.unwrap();
    let found: BTreeSet<_> = found
        .iter()
        .map(|(login, user)| (user.id, &**login))
        .collect();
    assert_eq!(found, BTreeSet::from([(5, "anna"), (6, "ben")]));
}

#[tokio::test]
async fn a_hit_of_the_index_counts_only_as_the_row_says() {
    let store = directory().await;
    make(&store, "acme", 1, "anna").await;
    make(&store, "acme", 2, "ben").await;
    // As an index that is behind has it: under the tenant of earlier.
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
    assert_eq!(walk(&store, 10).await, [1]);
    let theirs = store.list_users("globex", None, 10).await.unwrap();
    assert_eq!((theirs.users.len(), theirs.next), (0, None));
    assert_eq!(found(&store, "globex", UserKey::Id(2)).await, None);
}

#[tokio::test]
async fn a_user_is_found_by_what_is_unique_and_by_nobody_else() {
    let store = directory().await;
    make(&store, "acme", 5, "Anna").await;
    let claim = |id| Claim::insert(&store.tables.directory, "acme", id, "anna", "run-0");
    write(&store, vec![claim("E-1"), claim("E-2")]).await;
    let login = Login::parse("ANNA").unwrap();
    let keys = [
        UserKey::Id(5),
        UserKey::Login(&login),
        UserKey::ExternalId("E-1"),
    ];
    assert_eq!(found(&store, "acme", keys[0]).await, Some(5));
    assert_eq!(found(&store, "acme", keys[1]).await, Some(5));
    assert_eq!(
        found(&store, "acme", keys[2]).await,
        None,
        "a claim whose user does not have the id yet"
    );
    change(&store, 1, &[set(Attribute::ExternalId, "E-1")]).await;
    assert_eq!(found(&store, "acme", keys[2]).await, Some(5));
    assert_eq!(
        found(&store, "acme", UserKey::ExternalId("E-2")).await,
        None
    );
    for key in keys {
        assert_eq!(found(&store, "globex", key).await, None, "{key:?}");
    }
    let nobody = Login::parse("nobody").unwrap();
    assert_eq!(found(&store, "acme", UserKey::Id(6)).await, None);
    assert_eq!(found(&store, "acme", UserKey::Login(&nobody)).await, None);
}

async fn change(store: &Store, second: u64, difference: &[(Attribute, Assignment<'_>)]) {
    let seen = store.users(["anna"]).await.unwrap().remove("anna").unwrap();
    let user = SeenUser {
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

/// Blocks a user or lets it in again, as often as others are faster.
async fn set_active(
    store: &Store,
    (tenant, id): (&str, u64),
    active: bool,
    operator: &str,
    second: u64,
) -> Result<Option<Entry>, StoreError> {
    let author = Author {
        writer: Writer::Operator(operator.to_owned()),
        at: at(second),
    };
    let flag = Assignment::Set(Value::Flag(active));
    let edit = UserEdit {
        difference: &[(Attribute::Active, &flag)],
        login: None,
        claim: None,
    };
    loop {
        let Some(seen) = store.see_user(tenant, UserKey::Id(id)).await? else {
            return Ok(None);
        };
        if seen.entry.is_active() == active {
            return Ok(Some(seen.entry));
        }
        let changed = store.change_user(&seen, edit, &author).await?;
        if changed.is_some() {
            return Ok(changed);
        }
    }
}

#[tokio::test]
async fn a_user_knows_what_changed_it_the_newest_first() {
    let store = directory().await;
    make(&store, "acme", 5, "Anna").await;
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
async fn blocking_writes_once_and_leaves_the_stamps_of_runs_alone() {
    let store = directory().await;
    make(&store, "acme", 5, "anna").await;
    for (active, version) in [(true, 1), (false, 2), (false, 2), (true, 3), (true, 3)] {
        let entry = set_active(&store, ("acme", 5), active, "anna", version);
        let entry = entry.await.unwrap().unwrap();
        assert_eq!((entry.is_active(), entry.user.version), (active, version));
    }
    assert_eq!(store.directory_writes(), 3, "one made it, two changed it");
    let stored = store.users(["anna"]).await.unwrap();
    assert_eq!(stored["anna"].stamps, stamps());
    for (tenant, id) in [("acme", 6), ("globex", 5)] {
        let missing = set_active(&store, (tenant, id), false, "anna", 9).await;
        assert_eq!(missing.unwrap(), None);
    }
}

#[tokio::test]
async fn a_block_whose_answer_is_lost_is_one_change() {
    let store = directory().await;
    make(&store, "acme", 5, "anna").await;
    let (faults, faulty) = Faults::on("PutItem", &store);
    for fault in [Fault::LostAnswer, Fault::Throttled] {
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
async fn operators_and_runs_at_one_user_at_once_all_get_their_way() {
    let store = directory().await;
    make(&store, "acme", 5, "anna").await;
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
        "no write undid another's"
    );
}
