//! Turns valid records into anomalous elements.

use crate::anomaly::{Anomaly, Counter, Mutation, anomaly};
use crate::anomaly_kinds::ANOMALIES;
use crate::earlier_logins::EarlierLogins;
use crate::random::Random;
use crate::record::Record;

/// Anomaly used if there is no login to repeat yet.
static FALLBACK: Anomaly = anomaly(
    "username.empty",
    Counter::Empty,
    &[Mutation::Json("Username", "\"\"")],
);

/// Turns a valid record into an anomalous element, writes it, and returns its kind.
pub(super) fn write_anomalous(
    random: &mut Random,
    earlier_logins: &mut EarlierLogins,
    number: u64,
    record: &mut Record,
    out: &mut Vec<u8>,
) -> Anomaly {
    let mut kind = ANOMALIES
        .get(random.position(ANOMALIES.len()))
        .copied()
        .unwrap_or(FALLBACK);
    let mut repeated = String::new();
    for mutation in kind.mutations {
        if let Mutation::Repeat(repeat_kind) = mutation {
            match earlier_logins.repeat(random, *repeat_kind) {
                Some(login) => repeated = login,
                None => kind = FALLBACK,
            }
        }
    }
    for mutation in kind.mutations {
        match *mutation {
            Mutation::Element(json) => {
                out.extend_from_slice(json.as_bytes());
                return kind;
            }
            Mutation::Json(key, json) => record.set_json(key, json),
            Mutation::Text(key, text) => record.set_text(key, text),
            Mutation::Remove(key) => record.remove(key),
            Mutation::Twice(key, json) => record.push_json_first(key, json),
            Mutation::Login(make) => record.set_text("Username", &make(number)),
            Mutation::NumericLogin => {
                let numeric = 1_000_000_000 + number;
                record.set_integer("Username", numeric);
                earlier_logins.add_number(random, numeric);
            }
            Mutation::Repeat(_) => record.set_text("Username", &repeated),
        }
    }
    if kind.name.starts_with("role.") || kind.name.starts_with("email.") {
        earlier_logins.add_ignored(random, record.text("Username"));
    }
    record.write(out);
    kind
}
