//! Input of the measurement: users as an HR system would send them, about 248 bytes each, with six
//! mapped keys and two unmapped ones.

use std::fmt::Write as _;

use muster_core::rules::Rules;
use muster_core::settings::TaskSettings;

const FIRST: [&str; 16] = [
    "Olena", "John", "Priya", "Tomáš", "Maria", "Wei", "Ahmed", "Sofia", "Lukas", "Emma", "Noah",
    "Ivan", "Zoë", "Mateo", "Aisha", "Hanna",
];
const LAST: [&str; 16] = [
    "Shevchenko",
    "Novak",
    "Smith",
    "Dvořák",
    "Garcia",
    "Zhang",
    "Hassan",
    "Rossi",
    "Weber",
    "Kowalska",
    "Silva",
    "Petrov",
    "Brown",
    "Nguyen",
    "Okafor",
    "Lindgren",
];
const ROLES: [&str; 4] = ["catman", "store manager", "cashier", "region head"];
/// Bytes of one piece for the reference.
const PIECE_BYTES: usize = 256 * 1024;

/// A JSON array and the offsets of its records.
pub struct Text {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Text {
    /// Generates users; the same number gives the same text.
    pub fn generate(records: usize) -> Self {
        let mut text = String::with_capacity(records * 256 + 2);
        let mut starts = Vec::with_capacity(records);
        let mut random = Random(0x5eed);
        text.push('[');
        for number in 0..records {
            if number > 0 {
                text.push_str(",\n");
            }
            starts.push(text.len());
            write_user(&mut text, number, &mut random);
        }
        text.push(']');
        Self {
            bytes: text.into_bytes(),
            starts,
        }
    }

    /// Splits any array of objects; finds its records with serde_json.
    pub fn split(bytes: Vec<u8>) -> Self {
        let records: Vec<&serde_json::value::RawValue> =
            serde_json::from_slice(&bytes).expect("the input is no JSON array");
        let begin = bytes.as_ptr() as usize;
        let starts = records
            .iter()
            .map(|record| record.get().as_ptr() as usize - begin)
            .collect();
        Self { bytes, starts }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn records(&self) -> usize {
        self.starts.len()
    }

    /// Returns arrays of about 256 KB with the same records.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut start = 1;
        for border in &self.starts {
            if border - start >= PIECE_BYTES {
                pieces.push(self.piece(start, *border));
                start = *border;
            }
        }
        pieces.push(self.piece(start, self.bytes.len()));
        pieces
    }

    fn piece(&self, start: usize, end: usize) -> Vec<u8> {
        let records = self.bytes.get(start..end).expect("within the text");
        let records = records.trim_ascii_end();
        let records = records.strip_suffix(b",").unwrap_or(records);
        let records = records.strip_suffix(b"]").unwrap_or(records);
        [b"[", records, b"]"].concat()
    }
}

fn write_user(text: &mut String, number: usize, random: &mut Random) {
    let first = random.pick(&FIRST);
    let last = random.pick(&LAST);
    let role = random.pick(&ROLES);
    let all = random.below(8) == 0;
    write!(
        text,
        r#"{{"Username":"user.{number:07}","Name":"{first} {last}","Role":"{role}","E-mail":"user.{number:07}@example.com","All Stores":{all},"Individual Stores":"#
    )
    .expect("writing to a string");
    let (a, b, c) = (random.below(900), random.below(900), random.below(900));
    write!(text, r#""store{a},store{b},store{c}""#).expect("writing to a string");
    let (cost, day, second) = (random.below(10_000), 1 + random.below(28), random.below(60));
    write!(
        text,
        r#","Cost Centre":"CC-{cost:05}","Changed At":"2026-03-{day:02}T08:15:{second:02}Z"}}"#
    )
    .expect("writing to a string");
}

/// Returns the rules for the records.
pub fn rules() -> Rules {
    let settings: TaskSettings = serde_json::from_str(
        r#"{
            "attribute_mapping": {
                "username": "Username", "name": "Name", "role": "Role", "email": "E-mail",
                "all_stores": "All Stores", "individual_stores": "Individual Stores"
            },
            "role_mapping": {
                "catman": "Category Manager", "store manager": "Store Manager",
                "cashier": "Cashier", "region head": "Region Head"
            }
        }"#,
    )
    .expect("the settings are valid");
    Rules::new(&settings).expect("the settings are complete")
}

/// The SplitMix64 generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words
            .get(self.below(words.len() as u64) as usize)
            .expect("below the length")
    }
}
