//! Invariants of the directory's rows, read directly from DynamoDB.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::Store;
use muster_core::login::canon;
use muster_tests::Access;
use muster_tests::store::Row;

pub use muster_tests::store::Rows;

/// Returns the rows whose keys contain `tag`.
pub async fn ours(store: &Store, tag: &str) -> Rows {
    let mut rows = Access::new(store.clone()).directory().await;
    rows.retain(|key, _| key.contains(tag));
    rows
}

pub fn text<'r>(row: &'r Row, name: &str) -> Option<&'r str> {
    row.get(name)?.as_s().ok().map(String::as_str)
}

pub fn number(row: &Row, name: &str) -> Option<u64> {
    row.get(name)?.as_n().ok()?.parse().ok()
}

/// Returns the rows of users.
pub fn users(rows: &Rows) -> impl Iterator<Item = &Row> {
    let users = rows.iter().filter(|(key, _)| key.starts_with("U#"));
    users
        .map(|(_, row)| row)
        .filter(|row| row.contains_key("id"))
}

/// Returns the user with this canonical login.
fn user<'r>(rows: &'r Rows, canon: &str) -> Option<&'r Row> {
    rows.get(&format!("U#{canon}"))
        .filter(|row| row.contains_key("id"))
}

/// Returns tenant and external id of each claim whose user does not have the id.
pub fn dangling(rows: &Rows) -> Vec<(String, String)> {
    let claims = rows.iter().filter_map(|(key, claim)| {
        let (tenant, id) = key.strip_prefix("X#")?.split_once('#')?;
        let login = text(claim, "login").expect("a claim has a login");
        let held = user(rows, login).is_some_and(|user| {
            text(user, "tenant") == Some(tenant) && text(user, "external_id") == Some(id)
        });
        (!held).then(|| (tenant.to_owned(), id.to_owned()))
    });
    claims.collect()
}

/// Asserts what must be true of the rows after any sequence of writes.
pub fn verify(rows: &Rows) {
    let (mut ids, mut external_ids) = (BTreeSet::new(), BTreeSet::new());
    for row in users(rows) {
        let tenant = text(row, "tenant").expect("a tenant");
        let id = number(row, "id").expect("an id");
        let key = text(row, "pk").and_then(|key| key.strip_prefix("U#"));
        let key = key.expect("a user's key");
        // A login equal to its canonical form is not stored.
        let canon = canon(text(row, "login").unwrap_or(key)).into_owned();
        assert_eq!(canon, key);
        let shard = format!("{tenant}#{}", id % 32);
        assert_eq!(text(row, "shard"), Some(shard.as_str()), "{canon}");
        assert!(!row.contains_key("expires_at"), "{canon} has an expiry");
        assert!(ids.insert(id), "two users have the id {id}");
        if let Some(external_id) = text(row, "external_id") {
            assert!(
                external_ids.insert((tenant, external_id)),
                "two users of {tenant} have the external id {external_id}: {rows:#?}"
            );
            let claim = rows.get(&format!("X#{tenant}#{external_id}"));
            let claimant = claim.and_then(|claim| text(claim, "login"));
            assert_eq!(
                claimant,
                Some(canon.as_str()),
                "claim on {external_id}: {rows:#?}"
            );
        }
    }
    for (key, row) in rows {
        if let Some((tenant, id)) = key.strip_prefix("I#").and_then(|key| key.split_once('#')) {
            let login = text(row, "login").expect("a row of an id has a login");
            let user = user(rows, login).expect("the user with the id");
            assert_eq!(text(user, "tenant"), Some(tenant));
            assert_eq!(
                number(user, "id").map(|id| id.to_string()).as_deref(),
                Some(id)
            );
        }
        if key.starts_with("U#") && !row.contains_key("id") {
            let names: BTreeSet<&str> = row.keys().map(String::as_str).collect();
            let tombstone = ["expires_at", "pk", "stamps", "version"];
            assert!(names.iter().eq(tombstone.iter()), "a tombstone: {names:?}");
        }
    }
}

/// Asserts that every row of a login that was written in between has a greater version.
pub fn verify_versions_grew(before: &Rows, after: &Rows) {
    for (key, old) in before.iter().filter(|(key, _)| key.starts_with("U#")) {
        let new = after.get(key).expect("a row of a login is never deleted");
        let grew = number(old, "version") < number(new, "version");
        assert!(grew || old == new, "{key}: {old:#?}, then {new:#?}");
    }
}

/// Counts the users by their value of `attribute`.
pub fn count_by_value(rows: &Rows, attribute: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in users(rows) {
        if let Some(AttributeValue::S(text)) = row.get(attribute) {
            *counts.entry(text.clone()).or_default() += 1;
        }
    }
    counts
}
