//! Validation of one record: its user, its changes, and every problem in it
//! (contract.md#counters-and-warnings). Independent of what is stored; see [`crate::plan`] for
//! that.

use std::borrow::Cow;

use crate::attribute::Attribute;
use crate::item::{Item, Severity, display_login};
use crate::json::Json;
use crate::login::{Login, canon};
use crate::rules::Rules;
use crate::value::{Assignment, Problem, Reading, TaskFormats, Value, read};

/// One element of the imported array.
#[derive(Debug, Clone, Copy)]
pub enum Element<'a> {
    /// Not an object: the name of its type.
    NotAnObject(&'static str),
    /// Values of the mapped keys, by slot of the [`Rules`].
    Object(&'a [Json<'a>]),
    /// An element that is longer than a record may be: those of its values that can be kept.
    TooLarge(&'a [Json<'a>]),
}

/// The user that a record refers to.
#[derive(Debug, Clone)]
pub enum Identity<'a> {
    /// None: the element is not an object.
    NotAnObject(Problem),
    /// None: the element is too large to be read.
    TooLarge {
        /// The user name as items show it, if it is known.
        shown: Option<String>,
        /// The problem.
        problem: Problem,
    },
    /// None: the user name is absent, `null` or `""`.
    Empty(Problem),
    /// None: the user name has a wrong type.
    WrongType(Problem),
    /// An invalid user name. It still counts in the search for duplicates.
    InvalidLogin {
        /// The user name as sent.
        raw: Cow<'a, str>,
        /// Reason why it is invalid.
        problem: Problem,
    },
    /// A valid user name.
    User(Login<'a>),
}

impl Identity<'_> {
    /// Returns the canonical form for the search for duplicates, if there is one.
    #[must_use]
    pub fn canon(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::NotAnObject(_) | Self::TooLarge { .. } | Self::Empty(_) | Self::WrongType(_) => {
                None
            }
            Self::InvalidLogin { raw, .. } => Some(canon(raw)),
            Self::User(login) => Some(Cow::Borrowed(login.canon())),
        }
    }

    /// Returns the user name as items show it.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::NotAnObject(_) | Self::Empty(_) | Self::WrongType(_) => None,
            Self::TooLarge { shown, .. } => shown.clone(),
            Self::InvalidLogin { raw, .. } => Some(display_login(raw)),
            Self::User(login) => Some(login.shown().to_owned()),
        }
    }
}

/// A set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributeSet(u64);

const _: () = assert!(Attribute::COUNT <= 64, "AttributeSet holds 64 attributes");

impl AttributeSet {
    /// Adds an attribute.
    pub const fn insert(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u8;
    }

    /// Returns `true` if the attribute is in the set.
    #[must_use]
    pub const fn contains(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute as u8) != 0
    }
}

/// The changes of a record to the attributes of its user, except the user name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes<'a> {
    /// Attributes to set and to clear, in catalogue order; absent attributes keep their value.
    pub assignments: Vec<(Attribute, Assignment<'a>)>,
    /// Attributes whose value was refused and reported.
    pub refused: AttributeSet,
    /// `true` if the external id cannot be read: nobody knows whom the record is about.
    pub unreadable_id: bool,
}

impl<'a> Changes<'a> {
    /// Returns `true` if the record sets this attribute.
    #[must_use]
    pub fn sets(&self, attribute: Attribute) -> bool {
        self.value(attribute).is_some()
    }

    /// Returns the value that the record sets.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> Option<&Value<'a>> {
        self.assignments
            .iter()
            .find_map(|(a, assignment)| match assignment {
                Assignment::Set(value) if *a == attribute => Some(value),
                Assignment::Set(_) | Assignment::Clear => None,
            })
    }

    /// Removes an attribute from the changes, which keeps its stored value.
    pub fn keep(&mut self, attribute: Attribute) {
        self.assignments.retain(|(a, _)| *a != attribute);
    }

    /// Clears the changes for another record, keeping the allocation. (Collecting a vector into one
    /// of the same layout reuses its allocation.)
    #[must_use]
    pub fn recycle<'b>(mut self) -> Changes<'b> {
        self.assignments.clear();
        Changes {
            assignments: self.assignments.into_iter().map_while(|_| None).collect(),
            refused: AttributeSet::default(),
            unreadable_id: false,
        }
    }

    /// Returns the same changes with owned values.
    #[must_use]
    pub fn to_static(&self) -> Changes<'static> {
        Changes {
            assignments: self
                .assignments
                .iter()
                .map(|(attribute, assignment)| (*attribute, assignment.clone().into_owned()))
                .collect(),
            refused: self.refused,
            unreadable_id: self.unreadable_id,
        }
    }
}

/// Returns the user that a record refers to.
#[must_use]
pub fn identify<'a>(element: &Element<'a>, formats: &TaskFormats) -> Identity<'a> {
    let slots = match element {
        Element::Object(slots) => slots,
        Element::NotAnObject(type_name) => {
            return Identity::NotAnObject(Problem {
                code: "not_object",
                message: Cow::Owned(format!("expected an object, found {type_name}")),
            });
        }
        Element::TooLarge(slots) => {
            return Identity::TooLarge {
                shown: identify(&Element::Object(slots), formats).shown(),
                problem: too_large(),
            };
        }
    };
    // Slot 0 is the user name: it is first in the catalogue and always mapped.
    let raw: Cow<'a, str> = match slots.first().copied().unwrap_or(Json::Absent) {
        Json::Absent | Json::Null | Json::Text("") => return Identity::Empty(MISSING_USERNAME),
        Json::Text(text) if formats.changes_texts() => {
            let username = formats.username(text);
            let words = [text.trim(), username.trim()];
            if username.is_empty() || words.iter().any(|word| formats.is_empty_word(word)) {
                return Identity::Empty(MISSING_USERNAME);
            }
            username
        }
        Json::Text(text) => Cow::Borrowed(text),
        Json::Integer(number) => Cow::Owned(number.to_string()),
        Json::BigInteger(number) => Cow::Owned(number.to_string()),
        other @ (Json::Bool(_)
        | Json::Fraction(_)
        | Json::BrokenText
        | Json::Array(_)
        | Json::Object) => {
            return Identity::WrongType(Problem {
                code: "wrong_type",
                message: Cow::Owned(format!("expected a user name, found {}", other.type_name())),
            });
        }
    };
    let parsed = match &raw {
        Cow::Borrowed(text) => Login::parse(text),
        Cow::Owned(text) => Login::parse(text).map(Login::into_owned),
    };
    match parsed {
        Ok(login) => Identity::User(login),
        Err(problem) => Identity::InvalidLogin {
            raw,
            problem: Problem {
                code: problem.code(),
                message: Cow::Owned(problem.to_string()),
            },
        },
    }
}

const MISSING_USERNAME: Problem = Problem {
    code: "missing",
    message: Cow::Borrowed("the user name is empty"),
};

/// Returns the problem of a record that is longer than a record may be.
pub(crate) const fn too_large() -> Problem {
    Problem {
        code: "too_large",
        message: Cow::Borrowed(
            "the record is longer than 8,000,000 bytes: send it again without what makes it so long",
        ),
    }
}

/// Reads the other attributes into `changes`, which must be empty, and passes every problem to
/// `report` with the value as sent, also what was removed from values that are taken.
pub fn read_changes<'a>(
    rules: &'a Rules,
    slots: &[Json<'a>],
    changes: &mut Changes<'a>,
    mut report: impl FnMut(Attribute, Json<'a>, Problem),
) {
    let context = rules.read_context();
    for ((attribute, _), json) in rules.keys().iter().zip(slots) {
        match read(attribute.kind(), *json, context) {
            Ok(Reading {
                assignment,
                warning,
            }) => {
                let assignment = assignment.map(|assignment| (*attribute, assignment));
                changes.assignments.extend(assignment);
                if let Some(problem) = warning {
                    report(*attribute, *json, problem);
                }
            }
            Err(problem) => {
                changes.refused.insert(*attribute);
                changes.unreadable_id |= *attribute == Attribute::ExternalId;
                report(*attribute, *json, problem);
            }
        }
    }
    if let Some(problem) = own_manager(changes) {
        changes.keep(Attribute::ManagerUid);
        changes.refused.insert(Attribute::ManagerUid);
        let json = sent(rules, slots, Attribute::ManagerUid);
        report(Attribute::ManagerUid, json, problem);
    }
}

/// Returns the value of an attribute as the record has it.
#[must_use]
pub fn sent<'a>(rules: &Rules, slots: &[Json<'a>], attribute: Attribute) -> Json<'a> {
    let mut keys = rules.keys().iter();
    let slot = keys.position(|(mapped, _)| *mapped == attribute);
    slot.and_then(|slot| slots.get(slot).copied())
        .unwrap_or(Json::Absent)
}

/// Returns a problem if the record names its own user as the manager. Detects only managers given
/// by external id.
fn own_manager(changes: &Changes<'_>) -> Option<Problem> {
    let manager = changes.value(Attribute::ManagerUid)?;
    (changes.value(Attribute::ExternalId)? == manager).then_some(Problem {
        code: "own_manager",
        message: Cow::Borrowed("a user cannot be their own manager"),
    })
}

/// Returns the item for a problem of a record. `attribute` is `None` for the record as a whole;
/// `value` is as items show it.
#[must_use]
pub fn item(
    rules: &Rules,
    record: u64,
    login: Option<String>,
    attribute: Option<Attribute>,
    problem: Problem,
    value: Option<String>,
) -> Item {
    let subject = attribute.map_or("record", Attribute::name);
    let code = format!("{subject}.{}", problem.code);
    Item {
        record: Some(record),
        login,
        key: attribute.and_then(|a| rules.key(a)).map(str::to_owned),
        severity: Severity::of_record_code(&code),
        code: Cow::Owned(code),
        message: problem.message,
        value,
    }
}
