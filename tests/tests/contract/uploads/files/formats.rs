//! Formats, compression and syntax errors of uploaded files.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster_tests::World;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{PART_BYTES, TWO_CHUNKS_RECORDS, assert_failed, counters, new_records};

fn ndjson(records: &[Value]) -> Vec<u8> {
    let lines = records.iter().map(|record| format!("{record}\n"));
    lines.collect::<String>().into_bytes()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("vectors grow");
    packer.finish().expect("vectors grow")
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_lines_are_imported_if_their_checksum_matches() {
    let w = World::start().await;
    let file = gzipped(&ndjson(&new_records(&w, 0, TWO_CHUNKS_RECORDS)));
    let task = w.tenants[0].task_id;
    let announced = |sum: String| json!({"format": "ndjson", "compression": "gzip", "sha256": sum});
    let run = w
        .upload(0, task, "", announced(sha256(b"another file")), &file)
        .await;
    assert_failed(&w.wait_until_ended(0, &run).await, &["SHA-256"]);

    let run = w.upload(0, task, "", announced(sha256(&file)), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Status"], "SUCCESS", "{status}");
    let total = TWO_CHUNKS_RECORDS as u64;
    assert_eq!(counters(&status), [total, 0, 0, 0, total, 0, 0]);
    assert_eq!(status["progress"]["chunks"], 2);

    let cut = &file[..file.len() - 100];
    let announced = json!({"format": "ndjson", "compression": "gzip"});
    let run = w.upload(0, task, "", announced, cut).await;
    assert_failed(&w.wait_until_ended(0, &run).await, &["cannot be unpacked"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_unpacks_to_too_many_bytes_is_refused() {
    const MAX_UNPACKED_BYTES: usize = 300_000;
    let w = World::own_with_max_unpacked_bytes(MAX_UNPACKED_BYTES as u64).await;
    let task = w.tenants[0].task_id;
    let announced = json!({"format": "ndjson", "compression": "gzip"});
    let mut lines = ndjson(&new_records(&w, 0, 100));
    lines.resize(MAX_UNPACKED_BYTES, b' ');
    let full = gzipped(&lines);
    let run = w.upload(0, task, "", announced.clone(), &full).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(counters(&status)[4], 100, "{status}");

    let before = w.directory().await;
    // Hundreds of times as large as the compressed file.
    lines.resize(100 * MAX_UNPACKED_BYTES, b' ');
    let bomb = gzipped(&lines);
    assert!(bomb.len() < MAX_UNPACKED_BYTES, "{}", bomb.len());
    let run = w.upload(0, task, "", announced, &bomb).await;
    assert_failed(
        &w.wait_until_ended(0, &run).await,
        &["it decompresses to more than 300000 bytes"],
    );
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_deep_in_a_file_is_located_and_nothing_is_imported() {
    let w = World::start().await;
    let before = w.directory().await;
    // The file is sent in parts of 8 MiB and read in pieces of 4 MiB; the position is in the whole
    // file.
    let padding = "x".repeat(5_000);
    let padded = |mut records: Vec<Value>| {
        for record in &mut records {
            record["Padding"] = json!(padding);
        }
        let lines = records.iter().map(|record| format!("{record},\n"));
        lines.collect::<String>()
    };
    let head = padded(new_records(&w, 0, 2_500));
    let tail = padded(new_records(&w, 2_500, 3_000));
    assert!(head.len() > PART_BYTES, "{}", head.len());
    let broken = r#"{"Username" "x"}"#;
    let array = format!("[\n{head}{broken},\n{tail}7]");
    let lines = format!("{head}{broken}\n{tail}").replace("},\n", "}\n");
    let task = w.tenants[0].task_id;
    for (format, file) in [("json", array), ("ndjson", lines)] {
        // The missing colon, counted from 1 like in editors.
        let at = file.find(broken).unwrap() + broken.find(" \"").unwrap() + 1;
        let line = 1 + file[..at].matches('\n').count();
        let position = format!("at byte {}, line {line}, record 2501;", at + 1);
        let plain = file.into_bytes();
        for (compression, file) in [("gzip", gzipped(&plain)), ("none", plain)] {
            let announced = json!({"format": format, "compression": compression});
            let run = w.upload(0, task, "", announced, &file).await;
            let status = w.wait_until_ended(0, &run).await;
            assert_failed(&status, &["the file cannot be read", &position]);
            assert_eq!(status.get("Total Lines"), None, "{status}");
        }
    }
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}
