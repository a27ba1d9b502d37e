//! The values before a run, read from the rows and objects where they are kept: unpacked and parsed
//! without the implementation.

use std::collections::BTreeSet;
use std::io::Read as _;

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::store::{Access, Row, json};

impl Access {
    /// Returns the names of the objects with values before a run: those of its chunks, and of its
    /// request.
    pub async fn kept_objects(&self, run: &str) -> Vec<String> {
        let rows = self.control_rows(&[&format!("RUN#{run}")]).await;
        let before = rows.get(&format!("RUN#{run}/BEFORE"));
        let of_request = before.map(|row| texts(&row["objects"])).unwrap_or_default();
        let of_chunks = chunk_undos(&rows, run).into_iter();
        of_chunks
            .flat_map(|undo| texts(&undo["objects"]))
            .chain(of_request)
            .collect()
    }

    /// Returns the entries of these objects.
    pub async fn entries_of(&self, run: &str, objects: &[String]) -> Vec<Value> {
        let mut entries = Vec::new();
        for name in objects {
            let key = format!("kept/{run}/apply/{name}.before");
            let object = self.objects().get(&key).await.expect("reading an object");
            entries.extend(unpacked(&object.unwrap_or_else(|| panic!("no {key}"))));
        }
        entries
    }

    /// Returns all entries with values before a run.
    pub async fn kept_entries(&self, run: &str) -> Vec<Value> {
        let objects = self.kept_objects(run).await;
        let mut entries = self.entries_of(run, &objects).await;
        if let Some(packed) = self.kept_row(run).await {
            entries.extend(unpacked(&packed));
        }
        entries
    }

    /// Returns the packed values in the row of a synchronous run, if there are any.
    pub async fn kept_row(&self, run: &str) -> Option<Vec<u8>> {
        let rows = self.control_rows(&[&format!("RUN#{run}")]).await;
        let packed = rows.get(&format!("RUN#{run}/BEFORE"))?.get("packed")?;
        Some(packed.as_b().expect("binary").as_ref().to_vec())
    }

    /// Returns true if an object with values before a run exists.
    pub async fn is_kept(&self, run: &str, object: &str) -> bool {
        let key = format!("kept/{run}/apply/{object}.before");
        let found = self.objects().head(&key).await;
        found.expect("asking for an object").is_some()
    }

    /// Returns the numbers of the records that a run has written, according to its rows.
    pub async fn applied_records(&self, run: &str) -> BTreeSet<u64> {
        let rows = self.control_rows(&[&format!("RUN#{run}")]).await;
        let of_request = rows[&format!("RUN#{run}/RUN")].get("applied").map(json);
        let of_chunks = chunk_undos(&rows, run).into_iter();
        let of_chunks = of_chunks.map(|undo| json(&undo["applied"]));
        let mut all = BTreeSet::new();
        for numbers in of_chunks.chain(of_request) {
            let mut end = 0;
            for range in numbers.as_str().expect("a text").split(',') {
                let (gap, length) = range.split_once('+').unwrap_or((range, "1"));
                let [gap, length] = [gap, length].map(|it| it.parse::<u64>().expect("a number"));
                all.extend(end + gap..end + gap + length);
                end += gap + length;
            }
        }
        all
    }
}

/// Returns what the rows of a run's chunks have for an undo.
fn chunk_undos(rows: &crate::store::Rows, run: &str) -> Vec<Row> {
    let prefix = format!("RUN#{run}/CHUNK#apply#");
    let chunks = rows.iter().filter(|(key, _)| key.starts_with(&prefix));
    let undo = chunks.filter_map(|(_, row)| row.get("result")?.as_m().ok()?.get("undo"));
    undo.map(|undo| undo.as_m().expect("a map").clone())
        .collect()
}

fn texts(list: &AttributeValue) -> Vec<String> {
    let list = list.as_l().expect("a list");
    let text = |text: &AttributeValue| text.as_s().expect("a text").clone();
    list.iter().map(text).collect()
}

/// Returns the lines of packed NDJSON.
fn unpacked(packed: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    let unpacked = MultiGzDecoder::new(packed).read_to_string(&mut text);
    unpacked.expect("gzip");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}
