//! A made-up employee, and the record that an HR system would send of that person.

use crate::dice::Dice;
use crate::names::{self, LANGUAGES, Language, MAIL_DOMAINS, Name};
use crate::record::{Record, push_number};

/// A made-up employee.
struct Person {
    language: Language,
    given: Name,
    family: Name,
}

impl Person {
    fn new(dice: &mut Dice) -> Self {
        let language = dice.pick(LANGUAGES);
        let given = dice.pick(language.given);
        let family = dice.pick(language.family);
        Self {
            language,
            given,
            family,
        }
    }

    /// The full name, as the person's language writes it; some are known by a nickname, in
    /// quotation marks.
    fn push_name(&self, dice: &mut Dice, text: &mut String) {
        let (first, last) = if self.language.family_first {
            (self.family.0, self.given.0)
        } else {
            (self.given.0, self.family.0)
        };
        text.push_str(first);
        if dice.one_in(100) {
            text.push_str(" \"");
            text.push_str(dice.pick(&["Ace", "Kiki", "Čiko", "Bob 🙂"]));
            text.push('"');
        }
        text.push(' ');
        text.push_str(last);
    }

    /// A login that no other number has: the number stands at its end, and no other digit in it.
    fn push_login(&self, dice: &mut Dice, number: u64, text: &mut String) {
        let (given, family) = (self.given.1, self.family.1);
        if self.language.native_logins && dice.one_in(50) {
            text.push_str(&self.given.0.to_lowercase());
            text.push('.');
            text.push_str(&self.family.0.to_lowercase());
        } else {
            match dice.below(12) {
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

/// Makes `record` a sound record of a new person.
pub(super) fn employee(dice: &mut Dice, number: u64, record: &mut Record) {
    let person = Person::new(dice);
    let manager = dice.one_in(5);
    record.clear();
    record.ascii_only = dice.one_in(32);
    record.push_text("Username", |text| person.push_login(dice, number, text));
    record.push_text("Name", |text| person.push_name(dice, text));
    record.push_text("Role", |text| {
        text.push_str(if manager { "catman" } else { "store manager" })
    });
    record.push_text("E-mail", |text| {
        join(text, person.given.1, ".", person.family.1);
        push_number(text, number, 1);
        text.push('@');
        text.push_str(dice.pick(MAIL_DOMAINS));
    });
    record.push_json("All Stores", if manager { "true" } else { "false" });
    if !manager {
        record.push_text("Individual Stores", |text| push_stores(dice, text));
    }
    if dice.one_in(4) {
        push_further(dice, number, record);
    }
    record.push_text("Cost Centre", |text| {
        text.push_str("CC-");
        push_number(text, dice.below(1_000_000), 6);
    });
    record.push_text("Hired By", |text| Person::new(dice).push_name(dice, text));
}

fn push_stores(dice: &mut Dice, text: &mut String) {
    for position in 0..=dice.below(3) {
        text.push_str(if position == 0 { "store" } else { ",store" });
        push_number(text, dice.below(900), 1);
    }
}

/// Adds one of the less usual attributes.
fn push_further(dice: &mut Dice, number: u64, record: &mut Record) {
    match dice.below(8) {
        0 | 1 => record.push_text("External ID", |text| {
            text.push_str("HR-");
            push_number(text, dice.below(100_000), 5);
            text.push('-');
            push_number(text, number, 1);
        }),
        2 => record.push_text("Position", |text| {
            text.push_str(dice.pick(names::POSITIONS))
        }),
        3 => record.push_text("Department", |text| {
            text.push_str(dice.pick(names::DEPARTMENTS))
        }),
        4 => record.push_text("City", |text| text.push_str(dice.pick(names::CITIES))),
        5 => record.push_text("Phone", |text| {
            text.push_str("+420 ");
            push_number(text, 600 + dice.below(200), 3);
            text.push(' ');
            push_number(text, dice.below(1_000_000), 6);
        }),
        6 => record.push_text("Language", |text| {
            text.push_str(dice.pick(names::LANGUAGE_CODES))
        }),
        _ => record.push_text("Employment Date", |text| {
            push_number(text, 1 + dice.below(28), 2);
            text.push('.');
            push_number(text, 1 + dice.below(12), 2);
            text.push('.');
            push_number(text, 1990 + dice.below(35), 4);
        }),
    }
}
