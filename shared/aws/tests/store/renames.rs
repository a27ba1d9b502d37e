//! Renames of users: tombstones under former logins, and claims that follow the user.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::directory::{
    Executed, LoginSlot, Stamps, Statement, UserEdit, UserKey, UserVersion,
};
use muster_core::attribute::Attribute;

use crate::single_user_writes::{
    claim_write, create_user, import_user, login, login_slot, number, rename, robot, row, rows,
    set, snapshot, stamps,
};
use crate::support::{at, directory};

#[tokio::test]
async fn a_rename_leaves_a_tombstone_and_moves_the_claim() {
    let store = directory().await;
    import_user(&store, 5, "anna").await;
    let seen = snapshot(&store, 5).await;
    let id = [set(Attribute::ExternalId, "E-1")];
    let edit = UserEdit {
        difference: &[(id[0].0, &id[0].1)],
        login: None,
        claim: Some(claim_write("E-1", None)),
        stamps: None,
    };
    store
        .directory()
        .change(&seen, edit, &robot())
        .await
        .unwrap()
        .unwrap();
    let renamed = rename(&store, 5, "Anna.B").await.unwrap();
    assert_eq!(
        (renamed.user.login.as_str(), renamed.user.version),
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
    let stored = store.directory().users(["anna", "anna.b"]).await.unwrap();
    assert_eq!(
        (&stored["anna"].user, &stored["anna"].stamps),
        (&None, &stamps())
    );
    assert_eq!(
        stored["anna.b"].stamps,
        Stamps::new(),
        "a rename takes no stamps along"
    );

    let by_id = row(&store, "I#acme#5").await.unwrap();
    assert_eq!(by_id["login"].as_s().unwrap(), "anna.b");
    let claims = store.directory().claims("acme", ["E-1"]).await.unwrap();
    assert_eq!(claims["E-1"].login, "anna.b");
    let anna = login("anna");
    assert_eq!(
        store
            .directory()
            .find("acme", UserKey::Login(&anna))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .directory()
            .snapshot("acme", UserKey::Login(&anna))
            .await
            .unwrap(),
        None
    );
    assert!(matches!(
        login_slot(&store, "anna").await,
        LoginSlot::Tombstone(_)
    ));
    let found = store
        .directory()
        .find("acme", UserKey::ExternalId("E-1"))
        .await
        .unwrap();
    assert_eq!(found, Some(renamed));
}

#[tokio::test]
async fn a_user_on_a_tombstone_continues_its_version_and_keeps_its_stamps() {
    let store = directory().await;
    import_user(&store, 5, "anna").await;
    rename(&store, 5, "anna.b").await.unwrap();
    let on = login_slot(&store, "anna").await;
    // A tombstone is free for every tenant.
    let created = create_user(&store, ("globex", 6), "anna", &on, None)
        .await
        .unwrap();
    assert_eq!(created.user.version, 3);
    let stored = store.directory().users(["anna"]).await.unwrap();
    assert_eq!(stored["anna"].stamps, stamps());
    assert!(
        !row(&store, "U#anna")
            .await
            .unwrap()
            .contains_key("expires_at")
    );
    assert_eq!(
        create_user(&store, ("acme", 7), "anna", &on, None).await,
        None
    );

    // A rename onto a tombstone continues from the higher of the two versions.
    create_user(&store, ("acme", 8), "ben", &LoginSlot::Free, None)
        .await
        .unwrap();
    rename(&store, 8, "ben.c").await.unwrap();
    for to in ["ben.d", "ben.e", "ben.f"] {
        rename(&store, 5, to).await.unwrap();
    }
    let left = number(&row(&store, "U#ben").await.unwrap(), "version");
    let before = number(&row(&store, "U#ben.f").await.unwrap(), "version");
    let renamed = rename(&store, 5, "ben").await.unwrap();
    assert_eq!(renamed.user.version, left.max(before) + 1);
    assert!(
        !row(&store, "U#ben")
            .await
            .unwrap()
            .contains_key("expires_at")
    );
}

#[tokio::test]
async fn a_write_planned_before_a_rename_away_and_back_is_refused() {
    let store = directory().await;
    import_user(&store, 5, "anna").await;
    let seen = snapshot(&store, 5).await;
    rename(&store, 5, "anna.b").await.unwrap();
    let tombstone = login_slot(&store, "anna").await;
    rename(&store, 5, "anna").await.unwrap();
    let before = rows(&store).await;
    let city = [set(Attribute::City, "Kyiv")];
    let difference = [(city[0].0, &city[0].1)];
    let edit = UserEdit {
        difference: &difference,
        login: None,
        claim: None,
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
    assert_eq!(
        create_user(&store, ("acme", 6), "anna", &tombstone, None).await,
        None
    );
    // A statement planned by an import is refused, too.
    let user = UserVersion {
        id: 5,
        version: seen.entry.user.version,
        changes: &store.directory().users(["anna"]).await.unwrap()["anna"].changes,
    };
    let table = &store.tables.directory;
    let statement = Statement::change(table, "anna", &user, &difference, &stamps(), &robot());
    let executed = store
        .directory()
        .execute(vec![statement], Duration::from_secs(10))
        .await;
    assert!(
        matches!(executed[..], [Executed::Refused(_)]),
        "{executed:?}"
    );
    assert_eq!(rows(&store).await, before);
}

#[tokio::test]
async fn every_write_leaves_a_different_claim() {
    let store = directory().await;
    create_user(&store, ("acme", 5), "anna", &LoginSlot::Free, Some("E-1"))
        .await
        .unwrap();
    let mut seen = vec![
        store
            .directory()
            .claims("acme", ["E-1"])
            .await
            .unwrap()
            .remove("E-1")
            .unwrap(),
    ];
    for to in ["anna.b", "anna", "anna.b", "anna"] {
        rename(&store, 5, to).await.unwrap();
        let claim = store
            .directory()
            .claims("acme", ["E-1"])
            .await
            .unwrap()
            .remove("E-1");
        let claim = claim.unwrap();
        assert!(!seen.contains(&claim), "{claim:?} occurred before");
        seen.push(claim);
    }
}

#[tokio::test]
async fn a_renamed_user_is_found_by_id_despite_a_stale_index() {
    let store = directory().await;
    import_user(&store, 5, "anna").await;
    import_user(&store, 6, "ben").await;
    rename(&store, 5, "anna.b").await.unwrap();
    // As in a stale index: the user is under the former login, and not under the new one.
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

    let found = store
        .directory()
        .find("acme", UserKey::Id(5))
        .await
        .unwrap();
    assert_eq!(found.unwrap().user.login, "anna.b");
    let logins = store
        .directory()
        .logins_by_id("acme", [5, 6, 7])
        .await
        .unwrap();
    let logins: BTreeSet<_> = logins.into_iter().collect();
    let expected = [(5, "anna.b".to_owned()), (6, "ben".to_owned())];
    assert_eq!(logins, BTreeSet::from(expected));
    let page = store.directory().list("acme", None, 10).await.unwrap();
    let listed: Vec<_> = page
        .users
        .iter()
        .map(|entry| entry.user.login.as_str())
        .collect();
    assert_eq!(listed, ["anna.b", "ben"]);
}
