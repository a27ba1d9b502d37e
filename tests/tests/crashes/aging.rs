//! Sets stored times back, so that tests of what takes long do not wait.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::import::Import;

/// An age after which a run of 24 hours at most has taken too long.
pub const RUN_OVER: Duration = Duration::from_secs(25 * 3_600);
/// An age after which a run without progress is stuck, and every chunk lease has expired.
pub const STUCK: Duration = Duration::from_secs(20 * 60);

pub fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

impl Import {
    /// Sets back the time under a path in a row of the run.
    pub async fn set_back(&self, row: &str, path: &[&str], age: Duration) {
        let store = &self.harness.stack.store;
        let found = store.client().get_item().table_name(&store.tables.control);
        let found = found.key("pk", string(&format!("RUN#{}", self.run)));
        let found = found.key("sk", string(row)).consistent_read(true).send();
        let found = found.await.expect("reading the row");
        let mut row = found.item.expect("the row exists");
        let (name, outer) = path.split_last().expect("a path has a name");
        let members = outer.iter().fold(&mut row, |members, name| {
            let inner = members.get_mut(*name);
            match inner.unwrap_or_else(|| panic!("there is no {name}")) {
                AttributeValue::M(members) => members,
                other => panic!("{name} has no members: {other:?}"),
            }
        });
        let time = members.get_mut(*name);
        let time = time.unwrap_or_else(|| panic!("there is no {name}"));
        let millis: i64 = time
            .as_n()
            .expect("a time is a number")
            .parse()
            .expect("a time is an integer");
        let earlier = millis - i64::try_from(age.as_millis()).expect("the age fits into i64");
        *time = AttributeValue::N(earlier.to_string());
        let put = store.client().put_item().table_name(&store.tables.control);
        let put = put.set_item(Some(row)).send();
        put.await.expect("writing the row");
    }

    /// Sets back the begin of the run.
    pub async fn set_begin_back(&self, age: Duration) {
        self.set_back("RUN", &["job", "acquired_at"], age).await;
    }

    /// Makes the lease of a chunk expire in the round of applying.
    pub async fn expire_chunk_lease(&self, chunk: u32) {
        let row = format!("CHUNK#apply#{chunk:09}");
        self.set_back(&row, &["since"], STUCK).await;
    }
}
