//! A large input is read in two passes: as a whole, then chunk by chunk. Together they must give
//! the same result as collecting all of it at once, for any format and chunk size.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, HashMap};

use muster_core::attribute::Attribute;
use muster_core::item::Item;
use muster_core::reader::{Compression, Format, ReadError, Sizes, Source, SourceError};
use muster_core::rules::Rules;
use muster_core::scan::{
    Chunk, ChunkRecords, ChunkSizes, Collected, FirstPass, RejectedRecord, Repeats, collect,
    collect_chunk, split_into_chunks,
};
use muster_core::value::Value;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

mod inputs;
mod records;

use self::inputs::input;
use self::records::{IGNORE, PERSON_RULES, rules_with, rules_with_own_formats};

fn reading() -> impl Strategy<Value = Sizes> {
    (16_usize..4_000).prop_map(|chunk| Sizes {
        chunk,
        window: chunk * 3,
    })
}

fn cutting() -> impl Strategy<Value = ChunkSizes> {
    (1_u32..20, 1_usize..3_000).prop_map(|(records, bytes)| ChunkSizes { records, bytes })
}

fn first_pass(
    rules: &Rules,
    object: &[u8],
    format: Format,
    compression: Compression,
    reading: Sizes,
    cutting: ChunkSizes,
) -> Result<(FirstPass, Vec<Chunk>), SourceError> {
    let source = Source::new(object, format, compression, u64::MAX);
    let mut chunks = Vec::new();
    let first_pass = split_into_chunks(source, rules, reading, cutting, &[5; 16], |chunk| {
        chunks.push(chunk);
        Ok(())
    })?;
    Ok((first_pass, chunks))
}

/// Returns the combined result of all chunks, and the rejected records.
fn collect_chunks(
    first_pass: &FirstPass,
    chunks: &[Chunk],
    rules: &Rules,
    reading: Sizes,
) -> (Collected, Vec<RejectedRecord>) {
    let repeats: HashMap<u32, &Repeats> = first_pass
        .repeated
        .iter()
        .map(|(n, repeats)| (*n, repeats))
        .collect();
    assert_eq!(repeats.len(), first_pass.repeated.len());
    let mut all = Collected::default();
    let mut rejected = Vec::new();
    for chunk in chunks {
        let none = Repeats::default();
        let repeats = repeats.get(&chunk.number).copied().unwrap_or(&none);
        let part = collect_chunk(&chunk.text, chunk.first, repeats, rules, reading).unwrap();
        assert_eq!(part.collected.counts.total, u64::from(chunk.records));
        all.counts.total += part.collected.counts.total;
        all.counts.empty += part.collected.counts.empty;
        all.counts.ignored += part.collected.counts.ignored;
        all.counts.duplicated += part.collected.counts.duplicated;
        all.changes.extend(part.collected.changes);
        all.items.extend(part.collected.items);
        rejected.extend(part.rejected);
    }
    (all, rejected)
}

/// Returns the earlier record that sets the same external id, for each change in order.
fn taken(collected: &Collected) -> Vec<Option<u64>> {
    let mut first = HashMap::new();
    let changes = collected.changes.iter();
    let taken = changes.map(|change| match change.changes.value(Attribute::ExternalId) {
        Some(Value::Text(id)) => {
            let holder = *first.entry(id.clone()).or_insert(change.record);
            (holder != change.record).then_some(holder)
        }
        _ => None,
    });
    taken.collect()
}

/// Returns the expected line of a rejected record.
fn rejected_line(rules: &Rules, record: &str, items: &[&Item]) -> String {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(record).unwrap_or_default();
    let mut line = String::new();
    for (_, key) in rules.keys() {
        // The records have other spellings in upper case, with a space at the end.
        let other = || {
            let mut spellings =
                [key.to_uppercase(), format!("{} ", key.to_uppercase())].into_iter();
            spellings.find_map(|key| members.get(&key))
        };
        if let Some(value) = members.get(key).or_else(other) {
            line.push_str(&format!("{key:?}:{value},"));
        }
    }
    if !record.starts_with('{') {
        line = format!("\"_element\":{record},");
    }
    let sentences: Vec<String> = items.iter().map(|item| item.to_string()).collect();
    let errors = serde_json::to_string(&sentences).unwrap();
    format!("{{{line}\"_errors\":{errors}}}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_chunks_together_equal_the_whole(
        input in input(),
        reading in reading(),
        cutting in cutting(),
        person in select(&PERSON_RULES[..]),
    ) {
        let rules = rules_with_own_formats(person);
        let whole = collect(input.json.as_bytes(), &rules, reading, &[3; 16]).unwrap();
        let (first_pass, chunks) =
            first_pass(&rules, &input.sent, input.format, input.compression, reading, cutting).unwrap();
        prop_assert_eq!(first_pass.counts, whole.counts);
        prop_assert_eq!(first_pass.chunks as usize, chunks.len());
        let (combined, rejected) = collect_chunks(&first_pass, &chunks, &rules, reading);
        prop_assert_eq!(&combined, &whole, "{}", input.json);
        let known_duplicates: Vec<_> =
            whole.changes.iter().map(|change| change.external_id_taken_by).collect();
        prop_assert_eq!(known_duplicates, taken(&whole));

        let kept: Vec<u64> = whole.changes.iter().map(|change| change.record).collect();
        let expected: Vec<RejectedRecord> = (1..=whole.counts.total)
            .filter(|record| !kept.contains(record))
            .map(|record| {
                let about = whole.items.iter().filter(|item| item.record == Some(record));
                let about: Vec<_> = about.collect();
                let sent = &input.records[record as usize - 1];
                RejectedRecord { record, line: rejected_line(&rules, sent, &about) }
            })
            .collect();
        prop_assert_eq!(rejected, expected);
    }

    #[test]
    fn chunks_hold_the_records_as_sent(
        input in input(),
        reading in reading(),
        cutting in cutting(),
    ) {
        let rules = rules_with_own_formats(IGNORE);
        let (_, chunks) =
            first_pass(&rules, &input.sent, input.format, input.compression, reading, cutting).unwrap();
        let mut number = 0;
        for (index, chunk) in chunks.iter().enumerate() {
            let elements: Vec<Box<RawValue>> = serde_json::from_slice(&chunk.text).unwrap();
            prop_assert_eq!(chunk.number as usize, index);
            prop_assert_eq!(chunk.first, number + 1);
            prop_assert_eq!(chunk.records as usize, elements.len());
            prop_assert!(chunk.records >= 1 && chunk.records <= cutting.records);
            prop_assert!(chunk.records == 1 || chunk.text.len() <= cutting.bytes + 2);
            for element in elements {
                prop_assert_eq!(element.get(), &input.records[number as usize]);
                number += 1;
            }
        }
        prop_assert_eq!(number as usize, input.records.len());
    }

    #[test]
    fn input_in_a_wrong_format_is_refused_as_a_whole(
        input in input(),
        place in any::<Index>(),
        byte in prop_oneof![any::<u8>(), select(&b"{}[],:\"\\ 0e\n\r"[..])],
        edit in 0..4,
        reading in reading(),
        cutting in cutting(),
    ) {
        let mut text = match input.format {
            Format::Json => input.json,
            Format::Ndjson => input.records.join("\n"),
        }
        .into_bytes();
        prop_assume!(!text.is_empty());
        let place = place.index(text.len());
        match edit {
            0 => text[place] = byte,
            1 => text.insert(place, byte),
            2 => text.truncate(place),
            _ => drop(text.remove(place)),
        }
        let rules = rules_with_own_formats(IGNORE);
        let read = first_pass(&rules, &text, input.format, Compression::None, reading, cutting);
        match input.format {
            Format::Json => match (read, collect(&text[..], &rules, reading, &[3; 16])) {
                (Ok((first_pass, _)), Ok(whole)) => prop_assert_eq!(first_pass.counts, whole.counts),
                (Err(SourceError::Syntax(located)), Err(ReadError::Syntax(error))) => {
                    prop_assert_eq!((located.offset, located.record), (error.offset, error.records + 1));
                    let before = &text[..located.offset as usize];
                    let newlines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
                    prop_assert_eq!(located.line, newlines + 1);
                }
                (read, _) => panic!("{read:?}"),
            },
            Format::Ndjson => {
                let lines = text.split(|byte| *byte == b'\n').enumerate();
                let lines: Vec<_> = lines.filter(|(_, line)| !is_blank(line)).collect();
                let wrong = lines.iter().position(|(_, line)| !is_record(line));
                match (read, wrong) {
                    (Ok((first_pass, _)), None) => {
                        prop_assert_eq!(first_pass.counts.total as usize, lines.len());
                    }
                    (Err(SourceError::Syntax(error)), Some(wrong)) => {
                        prop_assert_eq!(error.record as usize, wrong + 1, "{}", error);
                        prop_assert_eq!(error.line as usize, lines[wrong].0 + 1, "{}", error);
                    }
                    // No record, or one array with all of them.
                    (Err(SourceError::Syntax(error)), None) => {
                        prop_assert!(lines.len() < 2 && error.found.is_some(), "{}", error);
                    }
                    (read, wrong) => panic!("{read:?} {wrong:?}"),
                }
            }
        }
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| b" \t\r".contains(byte))
}

fn is_record(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok_and(|line| serde_json::from_str::<IgnoredAny>(line).is_ok())
}

#[test]
fn chunks_have_at_most_2_000_records() {
    let text = format!("[{}]", vec!["1"; 5_001].join(","));
    let (first_pass, chunks) = first_pass(
        &rules_with(IGNORE),
        text.as_bytes(),
        Format::Json,
        Compression::None,
        Sizes::default(),
        ChunkSizes::default(),
    )
    .unwrap();
    let sizes: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.first, chunk.records))
        .collect();
    assert_eq!(sizes, [(1, 2_000), (2_001, 2_000), (4_001, 1_001)]);
    assert_eq!(
        (first_pass.counts.total, first_pass.counts.ignored),
        (5_001, 5_001)
    );
    assert_eq!(first_pass.bytes, text.len() as u64);
    assert_eq!(chunks.last().unwrap().sent, text.len() as u64);
}

#[test]
fn any_record_of_a_chunk_can_be_returned_in_one_line() {
    let rules = rules_with(IGNORE);
    let text = b"[7,{\"n\":\"x\\ny\",\n\"i\":[\n\"a\",\r\n\"b\"],\"secret\":1,\"u\":\"ann\",\"u\":\"bob\"}]";
    let records = ChunkRecords::new(text, 41);
    let item: Item = serde_json::from_str(
        r#"{"record":42,"login":"bob","code":"username.taken","severity":"warning",
            "message":"this user name is not available"}"#,
    )
    .unwrap();
    assert_eq!(
        records.rejected(&rules, 42, [&item]).unwrap().line,
        r#"{"u":"bob","n":"x\ny","i":[ "a",  "b"],"_errors":["Record 42 (bob): this user name is not available [username.taken]"]}"#
    );
    assert_eq!(
        records.rejected(&rules, 41, []).unwrap().line,
        r#"{"_element":7,"_errors":[]}"#
    );
    assert_eq!(records.rejected(&rules, 40, []), None);
    assert_eq!(records.rejected(&rules, 43, []), None);
}

#[test]
fn an_element_that_is_no_object_keeps_its_content_and_counts_as_before() {
    let rules = rules_with(IGNORE);
    let long = format!("\"{}\"", "x".repeat(1_000_000));
    for element in [
        "7",
        "null",
        "\"text\"",
        "[1,{\"u\":\"ann\"}]",
        "1e999",
        long.as_str(),
    ] {
        let sent = format!("[{element}]");
        let whole = collect(sent.as_bytes(), &rules, Sizes::default(), &[3; 16]).unwrap();
        let records = ChunkRecords::new(sent.as_bytes(), 1);
        let line = records.rejected(&rules, 1, &whole.items).unwrap().line;
        let returned: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line.replace("1e999", "1")).unwrap();
        let is_short = element.len() < 1_000_000;
        assert_eq!(returned.contains_key("_element"), is_short, "{element:.20}");
        if is_short {
            let sent = format!("[{line}]");
            let again = collect(sent.as_bytes(), &rules, Sizes::default(), &[3; 16]).unwrap();
            assert_eq!(again, whole, "{element}");
            let records = ChunkRecords::new(sent.as_bytes(), 1);
            assert_eq!(
                records.rejected(&rules, 1, &again.items).unwrap().line,
                line
            );
        }
    }
    // A record with a mapped key is a record.
    let sent = br#"[{"_element":7,"u":"ann"}]"#;
    let whole = collect(&sent[..], &rules, Sizes::default(), &[3; 16]).unwrap();
    assert_eq!(whole.changes.len(), 1);
    let records = ChunkRecords::new(sent, 1);
    let line = records.rejected(&rules, 1, []).unwrap().line;
    assert_eq!(line, r#"{"u":"ann","_errors":[]}"#);
}
