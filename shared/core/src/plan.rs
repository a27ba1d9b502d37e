//! The plan for one record: what it means for the user that is stored, if one is. Pure, and the
//! same for every dialect and path; nothing is written that [`plan`] does not name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::attribute::Attribute;
use crate::limits;
use crate::validate::Changes;
use crate::value::{Assignment, Problem, Value};

/// A user as the directory holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The tenant that owns the user.
    pub tenant: String,
    /// Positive and below 2^53.
    pub id: u64,
    /// The user name as it is shown.
    pub login: String,
    /// Grows with every change.
    pub version: u64,
    /// Every value that is set, the user name apart.
    pub values: BTreeMap<Attribute, Value<'static>>,
}

/// A stored user with the changes of a request on top: what the user would be.
#[derive(Debug, Clone, Copy)]
pub struct Merged<'m> {
    /// What is stored; `None`: the user is new.
    pub stored: Option<&'m User>,
    /// What the request changes.
    pub changes: &'m Changes<'m>,
}

impl<'m> Merged<'m> {
    /// The value that the attribute would have. Defaults are none.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&'m Value<'m>> {
        let change = self
            .changes
            .assignments
            .iter()
            .find(|(a, _)| *a == attribute);
        match change {
            Some((_, Assignment::Set(value))) => Some(value),
            Some((_, Assignment::Clear)) => None,
            None => self.stored.and_then(|user| user.values.get(&attribute)),
        }
    }

    /// The text that the attribute would have.
    #[must_use]
    pub fn text(&self, attribute: Attribute) -> Option<&'m str> {
        match self.get(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// What is to be done for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<'c, 'a> {
    /// Create the user with the values that the record sets.
    Create,
    /// Change these attributes, and no others. Never empty.
    Update(Vec<(Attribute, &'c Assignment<'a>)>),
    /// The user is already as the record says.
    Unchanged,
    /// Take nothing of the record.
    Ignored(Vec<Refusal>),
}

/// Why a record is not taken. Empty where validation has reported the reason already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The attribute that is to blame; `None` for the user as a whole.
    pub attribute: Option<Attribute>,
    /// What is wrong.
    pub problem: Problem,
}

impl Refusal {
    /// A refusal whose sentence never changes.
    #[must_use]
    pub const fn new(
        attribute: Option<Attribute>,
        code: &'static str,
        message: &'static str,
    ) -> Self {
        Self {
            attribute,
            problem: Problem {
                code,
                message: Cow::Borrowed(message),
            },
        }
    }
}

/// Attributes that a new user must have, and what is said where one is missing.
pub type Needs = &'static [(Attribute, &'static str)];

/// A login that another user has. Whose it is stays unsaid: CONTRACT §0, foreign things look like
/// missing ones.
pub const LOGIN_TAKEN: Refusal = Refusal::new(
    Some(Attribute::Username),
    "taken",
    "this user name is not available",
);

/// Plans one record of an import by `tenant` against what is stored under its login.
#[must_use]
pub fn plan<'c, 'a>(
    changes: &'c Changes<'a>,
    stored: Option<&User>,
    tenant: &str,
    needs: Needs,
) -> Plan<'c, 'a> {
    match stored {
        None => create(changes, needs),
        Some(user) if user.tenant == tenant => update(changes, user),
        Some(_) => Plan::Ignored(vec![LOGIN_TAKEN]),
    }
}

/// Plans a new user: [`Plan::Create`] or [`Plan::Ignored`].
#[must_use]
pub fn create<'c, 'a>(changes: &'c Changes<'a>, needs: Needs) -> Plan<'c, 'a> {
    let mut refusals = Vec::new();
    let mut acceptable = true;
    for (attribute, message) in needs.iter().copied() {
        if changes.sets(attribute) {
            continue;
        }
        acceptable = false;
        if !changes.refused.contains(attribute) {
            refusals.push(Refusal::new(Some(attribute), "missing", message));
        }
    }
    if !acceptable {
        return Plan::Ignored(refusals);
    }
    let bytes: usize = changes
        .assignments
        .iter()
        .map(|(attribute, assignment)| assigned_bytes(*attribute, assignment))
        .sum();
    if bytes > limits::STORED_USER {
        return Plan::Ignored(vec![TOO_LARGE]);
    }
    Plan::Create
}

/// Plans the change of a user: anything but [`Plan::Create`].
#[must_use]
pub fn update<'c, 'a>(changes: &'c Changes<'a>, user: &User) -> Plan<'c, 'a> {
    let difference: Vec<_> = changes
        .assignments
        .iter()
        .filter(|(attribute, assignment)| {
            differs(*attribute, assignment, user.values.get(attribute))
        })
        .map(|(attribute, assignment)| (*attribute, assignment))
        .collect();
    if difference.is_empty() {
        return Plan::Unchanged;
    }
    let kept = user
        .values
        .iter()
        .filter(|(attribute, _)| difference.iter().all(|(changed, _)| changed != *attribute));
    let bytes = kept
        .map(|(attribute, value)| attribute.name().len() + value.stored_bytes())
        .chain(
            difference
                .iter()
                .map(|(attribute, assignment)| assigned_bytes(*attribute, assignment)),
        )
        .sum::<usize>();
    if bytes > limits::STORED_USER {
        return Plan::Ignored(vec![TOO_LARGE]);
    }
    Plan::Update(difference)
}

const TOO_LARGE: Refusal = Refusal::new(
    None,
    "too_large",
    "the user would take more than 256 KB of storage",
);

fn assigned_bytes(attribute: Attribute, assignment: &Assignment<'_>) -> usize {
    match assignment {
        Assignment::Clear => 0,
        Assignment::Set(value) => attribute.name().len() + value.stored_bytes(),
    }
}

/// Whether the assignment changes what is stored. A default that is not stored counts as stored.
fn differs(
    attribute: Attribute,
    assignment: &Assignment<'_>,
    stored: Option<&Value<'static>>,
) -> bool {
    match (assignment, stored) {
        (Assignment::Set(value), Some(stored)) => value != stored,
        (Assignment::Set(Value::Flag(flag)), None) => attribute.default_flag() != Some(*flag),
        (Assignment::Set(_), None) => true,
        (Assignment::Clear, stored) => stored.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::quant::NEW_USER;

    fn plan<'c, 'a>(changes: &'c Changes<'a>, stored: Option<&User>, tenant: &str) -> Plan<'c, 'a> {
        super::plan(changes, stored, tenant, NEW_USER)
    }

    fn text(value: &'static str) -> Assignment<'static> {
        Assignment::Set(Value::Text(Cow::Borrowed(value)))
    }

    fn changes(assignments: Vec<(Attribute, Assignment<'static>)>) -> Changes<'static> {
        Changes {
            assignments,
            ..Changes::default()
        }
    }

    fn stored(values: &[(Attribute, Value<'static>)]) -> User {
        User {
            tenant: "acme".into(),
            id: 1,
            login: "john".into(),
            version: 1,
            values: values.iter().cloned().collect(),
        }
    }

    fn codes(plan: &Plan<'_, '_>) -> Vec<String> {
        let Plan::Ignored(refusals) = plan else {
            panic!("{plan:?}")
        };
        refusals
            .iter()
            .map(|r| {
                format!(
                    "{}.{}",
                    r.attribute.map_or("record", Attribute::name),
                    r.problem.code
                )
            })
            .collect()
    }

    #[test]
    fn a_new_user_needs_a_role_and_an_email_and_both_are_said() {
        let nothing = changes(vec![]);
        assert_eq!(
            codes(&plan(&nothing, None, "acme")),
            ["role.missing", "email.missing"]
        );
        let mut refused = changes(vec![(Attribute::Role, text("User"))]);
        refused.refused.insert(Attribute::Email);
        assert_eq!(codes(&plan(&refused, None, "acme")), [""; 0]);
        let cleared = changes(vec![
            (Attribute::Role, text("User")),
            (Attribute::Email, Assignment::Clear),
        ]);
        assert_eq!(codes(&plan(&cleared, None, "acme")), ["email.missing"]);
    }

    #[test]
    fn a_user_of_another_tenant_is_not_touched() {
        let change = changes(vec![(Attribute::Name, text("X"))]);
        assert_eq!(
            codes(&plan(&change, Some(&stored(&[])), "globex")),
            ["username.taken"]
        );
    }

    #[test]
    fn only_differences_are_written() {
        let user = stored(&[
            (Attribute::Name, Value::Text("John".into())),
            (Attribute::Active, Value::Flag(true)),
            (Attribute::City, Value::Text("Kyiv".into())),
        ]);
        let same = changes(vec![
            (Attribute::Name, text("John")),
            (Attribute::Active, Assignment::Set(Value::Flag(true))),
            (Attribute::Phone, Assignment::Clear),
        ]);
        assert_eq!(plan(&same, Some(&user), "acme"), Plan::Unchanged);
        let other = changes(vec![
            (Attribute::Name, text("Jack")),
            (Attribute::City, Assignment::Clear),
        ]);
        let Plan::Update(difference) = plan(&other, Some(&user), "acme") else {
            panic!()
        };
        let attributes: Vec<_> = difference.iter().map(|(a, _)| *a).collect();
        assert_eq!(attributes, [Attribute::Name, Attribute::City]);
    }

    #[test]
    fn a_default_that_is_not_stored_counts_as_stored() {
        let user = stored(&[]);
        let flags = changes(vec![
            (Attribute::Active, Assignment::Set(Value::Flag(true))),
            (Attribute::Supervisor, Assignment::Set(Value::Flag(false))),
        ]);
        assert_eq!(plan(&flags, Some(&user), "acme"), Plan::Unchanged);
        let stores = changes(vec![(
            Attribute::AllStores,
            Assignment::Set(Value::Flag(false)),
        )]);
        assert!(matches!(
            plan(&stores, Some(&user), "acme"),
            Plan::Update(_)
        ));
    }

    #[test]
    fn a_user_that_would_not_fit_is_not_written() {
        let long = Value::Texts(vec![Cow::Owned("x".repeat(1_024)); 200]);
        let user = stored(&[(Attribute::Tags, long.clone())]);
        let more = changes(vec![(Attribute::IndividualStores, Assignment::Set(long))]);
        assert_eq!(
            codes(&plan(&more, Some(&user), "acme")),
            ["record.too_large"]
        );
    }
}
