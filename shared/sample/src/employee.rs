//! Generates employees and the records that an HR system would send about them.

use crate::names::{self, LANGUAGES, Language, MAIL_DOMAINS, Name};
use crate::random::Random;
use crate::record::{Record, push_number};

/// A generated employee.
struct Employee {
    language: Language,
    given: Name,
    family: Name,
}

impl Employee {
    fn new(random: &mut Random) -> Self {
        let language = random.pick(LANGUAGES);
        let given = random.pick(language.given);
        let family = random.pick(language.family);
        Self {
            language,
            given,
            family,
        }
    }

    /// Appends the full name in the order of the employee's language; some have a nickname in
    /// quotation marks.
    fn push_name(&self, random: &mut Random, text: &mut String) {
        let (first, last) = if self.language.family_first {
            (self.family.0, self.given.0)
        } else {
            (self.given.0, self.family.0)
        };
        text.push_str(first);
        if random.one_in(100) {
            text.push_str(" \"");
            text.push_str(random.pick(&["Ace", "Kiki", "Čiko", "Bob 🙂"]));
            text.push('"');
        }
        text.push(' ');
        text.push_str(last);
    }

    /// Appends a unique login: it ends with the number and contains no other digit.
    fn push_login(&self, random: &mut Random, number: u64, text: &mut String) {
        let (given, family) = (self.given.1, self.family.1);
        if self.language.native_logins && random.one_in(50) {
            text.push_str(&self.given.0.to_lowercase());
            text.push('.');
            text.push_str(&self.family.0.to_lowercase());
        } else {
            match random.below(12) {
                0 => join(text, family, "_", given),
                1 => {
                    push_capitalised(text, given);
                    text.push('.');
                    push_capitalised(text, family);
                }
                2 => join(text, given.get(..1).unwrap_or(given), family, "-"),
                _ => join(text, given, ".", family),
            }
        }
        push_number(text, number, 1);
    }
}

fn join(text: &mut String, first: &str, second: &str, third: &str) {
    text.push_str(first);
    text.push_str(second);
    text.push_str(third);
}

fn push_capitalised(text: &mut String, word: &str) {
    let mut letters = word.chars();
    text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    text.push_str(letters.as_str());
}

/// Fills `record` with a valid record of a new employee.
pub(super) fn fill_record(random: &mut Random, number: u64, record: &mut Record) {
    let employee = Employee::new(random);
    let manager = random.one_in(5);
    record.clear();
    record.ascii_only = random.one_in(32);
    record.push_text("Username", |text| employee.push_login(random, number, text));
    record.push_text("Name", |text| employee.push_name(random, text));
    record.push_text("Role", |text| {
        text.push_str(if manager { "catman" } else { "store manager" })
    });
    record.push_text("E-mail", |text| {
        join(text, employee.given.1, ".", employee.family.1);
        push_number(text, number, 1);
        text.push('@');
        text.push_str(random.pick(MAIL_DOMAINS));
    });
    record.push_json("All Stores", if manager { "true" } else { "false" });
    if !manager {
        record.push_text("Individual Stores", |text| push_stores(random, text));
    }
    if random.one_in(4) {
        push_optional(random, number, record);
    }
    record.push_text("Cost Centre", |text| {
        text.push_str("CC-");
        push_number(text, random.below(1_000_000), 6);
    });
    record.push_text("Hired By", |text| {
        Employee::new(random).push_name(random, text)
    });
}

fn push_stores(random: &mut Random, text: &mut String) {
    for position in 0..=random.below(3) {
        text.push_str(if position == 0 { "store" } else { ",store" });
        push_number(text, random.below(900), 1);
    }
}

/// Adds one of the less common attributes.
fn push_optional(random: &mut Random, number: u64, record: &mut Record) {
    match random.below(8) {
        0 | 1 => record.push_text("External ID", |text| {
            text.push_str("HR-");
            push_number(text, random.below(100_000), 5);
            text.push('-');
            push_number(text, number, 1);
        }),
        2 => record.push_text("Position", |text| {
            text.push_str(random.pick(names::POSITIONS))
        }),
        3 => record.push_text("Department", |text| {
            text.push_str(random.pick(names::DEPARTMENTS))
        }),
        4 => record.push_text("City", |text| text.push_str(random.pick(names::CITIES))),
        5 => record.push_text("Phone", |text| {
            text.push_str("+420 ");
            push_number(text, 600 + random.below(200), 3);
            text.push(' ');
            push_number(text, random.below(1_000_000), 6);
        }),
        6 => record.push_text("Language", |text| {
            text.push_str(random.pick(names::LANGUAGE_CODES))
        }),
        _ => record.push_text("Employment Date", |text| {
            push_number(text, 1 + random.below(28), 2);
            text.push('.');
            push_number(text, 1 + random.below(12), 2);
            text.push('.');
            push_number(text, 1990 + random.below(35), 4);
        }),
    }
}
