//! Baselines for a check. Copies that a measurement consumes are made outside of it.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufReader, Read};

use serde::Deserialize;
use simd_json::{Buffers, Tape};

use crate::measure::cpu_seconds;
use crate::records::Text;

pub fn tape_of_whole(text: &Text) -> f64 {
    let mut bytes = text.bytes().to_vec();
    cpu_seconds(|| {
        let tape = simd_json::to_tape(&mut bytes).expect("the text is JSON");
        assert!(!black_box(tape).0.is_empty());
    })
}

pub fn tapes_of_pieces(text: &Text) -> f64 {
    let mut pieces = text.pieces();
    cpu_seconds(|| {
        for piece in &mut pieces {
            let tape = simd_json::to_tape(piece).expect("the piece is JSON");
            assert!(!black_box(tape).0.is_empty());
        }
    })
}

pub fn tapes_in_reused_buffers(text: &Text) -> f64 {
    let mut pieces = text.pieces();
    cpu_seconds(|| {
        let mut buffers = Buffers::default();
        let mut spare = Tape(Vec::new());
        for piece in &mut pieces {
            let mut tape = spare.reset();
            simd_json::fill_tape(piece, &mut buffers, &mut tape).expect("the piece is JSON");
            assert!(!black_box(&tape).0.is_empty());
            spare = tape.reset();
        }
    })
}

/// The mapped keys of a record. Only their types are validated.
#[derive(Deserialize)]
struct User {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Role")]
    role: String,
    #[serde(rename = "E-mail")]
    email: String,
    #[serde(rename = "All Stores")]
    all_stores: bool,
    #[serde(rename = "Individual Stores")]
    individual_stores: Option<String>,
    #[serde(flatten, skip)]
    _rest: HashMap<String, serde_json::Value>,
}

/// Parses all records as structs from a stream, as most programs would.
pub fn typed_records(input: impl Read) -> usize {
    let users: Vec<User> =
        serde_json::from_reader(BufReader::new(input)).expect("the text is JSON of users");
    let texts: usize = users
        .iter()
        .map(|user| {
            usize::from(user.all_stores)
                + [&user.username, &user.name, &user.role, &user.email]
                    .into_iter()
                    .chain(&user.individual_stores)
                    .map(String::len)
                    .sum::<usize>()
        })
        .sum();
    black_box(texts);
    users.len()
}
