//! What goes wrong in the files that real systems send, and what an import must make of it.
//! The counters stand here by the contract's own words, for an import into an empty directory
//! by a task on the default keys that maps the roles `catman` and `store manager`.

use crate::dice::Dice;
use crate::earlier::{Earlier, Repeat};
use crate::kinds::KINDS;
use crate::record::Record;

/// The counter that an anomalous element must end in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counter {
    Empty,
    Ignored,
    Duplicated,
    /// The user is created all the same, at most with a warning.
    None,
}

/// One kind of anomaly.
#[derive(Clone, Copy)]
pub(super) struct Anomaly {
    /// The name under which it is reported; several kinds may share one.
    pub(super) name: &'static str,
    pub(super) counter: Counter,
    changes: &'static [Change],
}

/// What is done to a sound record.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// The element is this JSON instead of a record.
    Element(&'static str),
    /// The value of a key becomes this JSON.
    Json(&'static str, &'static str),
    Text(&'static str, &'static str),
    Remove(&'static str),
    /// The key stands twice, first with this JSON.
    Twice(&'static str, &'static str),
    /// The login is another one, made from the record's number.
    Login(fn(u64) -> String),
    /// The login is a whole number instead of text.
    NumericLogin,
    Repeat(Repeat),
}

/// What is put in when there is nothing to repeat yet.
static FALLBACK: Anomaly = anomaly(
    "username.empty",
    Counter::Empty,
    &[Change::Json("Username", "\"\"")],
);

/// A kind of anomaly.
pub(super) const fn anomaly(
    name: &'static str,
    counter: Counter,
    changes: &'static [Change],
) -> Anomaly {
    Anomaly {
        name,
        counter,
        changes,
    }
}

/// Turns a sound record into an anomalous element, writes that, and answers its kind.
pub(super) fn spoil(
    dice: &mut Dice,
    earlier: &mut Earlier,
    number: u64,
    record: &mut Record,
    out: &mut Vec<u8>,
) -> Anomaly {
    let mut kind = KINDS
        .get(dice.position(KINDS.len()))
        .copied()
        .unwrap_or(FALLBACK);
    let mut repeated = String::new();
    for change in kind.changes {
        if let Change::Repeat(how) = change {
            match earlier.repeat(dice, *how) {
                Some(login) => repeated = login,
                None => kind = FALLBACK,
            }
        }
    }
    for change in kind.changes {
        match *change {
            Change::Element(json) => {
                out.extend_from_slice(json.as_bytes());
                return kind;
            }
            Change::Json(key, json) => record.set_json(key, json),
            Change::Text(key, text) => record.set_text(key, text),
            Change::Remove(key) => record.remove(key),
            Change::Twice(key, json) => record.push_json_first(key, json),
            Change::Login(make) => record.set_text("Username", &make(number)),
            Change::NumericLogin => {
                let numeric = 1_000_000_000 + number;
                record.set_integer("Username", numeric);
                earlier.remember_number(dice, numeric);
            }
            Change::Repeat(_) => record.set_text("Username", &repeated),
        }
    }
    if kind.name.starts_with("role.") || kind.name.starts_with("email.") {
        earlier.remember_ignored(dice, record.text("Username"));
    }
    record.write(out);
    kind
}
