//! The plan for one record against the stored user, if there is one. Pure, and the same for every
//! dialect and for synchronous and background runs; only changes in the plan are written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::attribute::Attribute;
use crate::item::display_login;
use crate::limits;
use crate::run::UpdateEffects;
use crate::settings::{IdentifyBy, PersonRules};
use crate::text::nfc;
use crate::validate::Changes;
use crate::value::{Assignment, Problem, Value, is_same};

/// A user as stored in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Owning tenant.
    pub tenant: String,
    /// Positive and below 2^53.
    pub id: u64,
    /// Display form of the user name.
    pub login: String,
    /// Version; increases with every change.
    pub version: u64,
    /// All values except the user name.
    pub values: BTreeMap<Attribute, Value<'static>>,
}

impl User {
    /// Returns true unless the user is blocked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.values.get(&Attribute::Active) != Some(&Value::Flag(false))
    }
}

#[cfg(test)]
impl User {
    /// Returns a user of the tenant `acme` with these values.
    pub(crate) fn sample(
        login: &str,
        values: impl IntoIterator<Item = (Attribute, Value<'static>)>,
    ) -> Self {
        Self {
            tenant: "acme".into(),
            id: 1_615,
            login: login.into(),
            version: 3,
            values: values.into_iter().collect(),
        }
    }
}

/// A stored user with the changes of a request applied.
#[derive(Debug, Clone, Copy)]
pub struct MergedUser<'m> {
    /// The stored user; `None` if the user is new.
    pub stored: Option<&'m User>,
    /// Changes of the request.
    pub changes: &'m Changes<'m>,
}

impl<'m> MergedUser<'m> {
    /// Returns the resulting value of the attribute. Defaults are not included.
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

    /// Returns the resulting text of the attribute.
    #[must_use]
    pub fn text(&self, attribute: Attribute) -> Option<&'m str> {
        match self.get(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Planned action for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<'c, 'a> {
    /// Create the user with the values that the record sets.
    Create,
    /// Change exactly these attributes. Never empty.
    Update(Vec<(Attribute, &'c Assignment<'a>)>),
    /// The stored user already has the values of the record.
    Unchanged,
    /// Ignore the record. The refusals are empty if validation has reported the reason already.
    Ignored(Vec<Refusal>),
}

/// Reason why a record is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The attribute with the problem; `None` for the user as a whole.
    pub attribute: Option<Attribute>,
    /// The problem.
    pub problem: Problem,
}

impl Refusal {
    /// Returns a refusal with a constant message.
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

/// Attributes that a new user must have, each with the message for a missing one.
pub type RequiredAttributes = &'static [(Attribute, &'static str)];

/// The login belongs to another user. The message does not say whose: other tenants' users look
/// like missing ones (contract.md#tenants-and-credentials).
pub const LOGIN_TAKEN: Refusal = Refusal::new(
    Some(Attribute::Username),
    "taken",
    "this user name is not available",
);

/// Plans one record of an import by `tenant` against the user whom it is about: the one stored under
/// its login, unless the task identifies people by external id and the person has another login.
#[must_use]
pub fn plan<'c, 'a>(
    changes: &'c Changes<'a>,
    stored: Option<&User>,
    tenant: &str,
    required: RequiredAttributes,
    rules: PersonRules,
) -> Plan<'c, 'a> {
    // The user name alone may be that of somebody else. Validation has reported the external id.
    let is_unreadable = rules.refuses_others() && changes.unreadable_id;
    match stored {
        None => match create(changes, required) {
            Plan::Create if is_unreadable => Plan::Ignored(Vec::new()),
            plan => plan,
        },
        Some(user) if user.tenant != tenant => Plan::Ignored(vec![LOGIN_TAKEN]),
        Some(_) if is_unreadable => Plan::Ignored(Vec::new()),
        Some(user) => {
            let another_person = rules
                .refuses_others()
                .then(|| another_person(changes, user, rules.identify_by));
            match another_person.flatten() {
                Some(refusal) => Plan::Ignored(vec![refusal]),
                None => update(changes, user),
            }
        }
    }
}

/// Returns a refusal if the user stored under the login of a request that sets an external id is
/// most likely another person: one who has another external id, or is blocked, has none, and would
/// be let in.
#[must_use]
pub fn another_person(
    changes: &Changes<'_>,
    user: &User,
    identify_by: IdentifyBy,
) -> Option<Refusal> {
    let id = changes.value(Attribute::ExternalId)?;
    match user.values.get(&Attribute::ExternalId) {
        Some(stored) if is_same_id(stored, id) => None,
        Some(stored) => {
            let state = if user.is_active() { "" } else { ", blocked" };
            let stored = match stored {
                Value::Text(stored) => display_login(stored),
                _ => String::new(),
            };
            let (attribute, advice) = match identify_by {
                IdentifyBy::Username => (
                    Attribute::ExternalId,
                    "send the person's own user name, or clear that user's external id first",
                ),
                IdentifyBy::ExternalId => (
                    Attribute::Username,
                    "send another user name; if that user gets another one in this import, send the \
                     record again after it",
                ),
            };
            Some(Refusal {
                attribute: Some(attribute),
                problem: Problem {
                    code: "other_user",
                    message: Cow::Owned(format!(
                        "this user name belongs to the user with the external id {stored} (id \
                         {}{state}): {advice}",
                        user.id
                    )),
                },
            })
        }
        None if !user.is_active()
            && changes.value(Attribute::Active) == Some(&Value::Flag(true)) =>
        {
            Some(Refusal {
                attribute: Some(Attribute::Username),
                problem: Problem {
                    code: "blocked_user",
                    message: Cow::Owned(format!(
                        "this user name belongs to a blocked user without an external id (id {}), \
                         most likely of somebody who left: send another user name, or let that \
                         user in first if it is the same person",
                        user.id
                    )),
                },
            })
        }
        None => None,
    }
}

/// Returns true if both are the same external id: one that was stored when texts were kept as sent is
/// compared in NFC.
fn is_same_id(stored: &Value<'_>, id: &Value<'_>) -> bool {
    match (stored, id) {
        (Value::Text(stored), Value::Text(id)) => nfc(stored) == nfc(id),
        _ => stored == id,
    }
}

/// Plans a new user: returns [`Plan::Create`] or [`Plan::Ignored`].
#[must_use]
pub fn create<'c, 'a>(changes: &'c Changes<'a>, required: RequiredAttributes) -> Plan<'c, 'a> {
    let mut refusals = Vec::new();
    let mut acceptable = true;
    for (attribute, message) in required.iter().copied() {
        if changes.sets(attribute) {
            continue;
        }
        acceptable = false;
        if !changes.refused.contains(attribute) {
            refusals.push(Refusal::new(Some(attribute), "missing", message));
        }
    }
    // A user whose state cannot be read may be meant to stay out: the default would let them in.
    if !acceptable || changes.refused.contains(Attribute::Active) {
        return Plan::Ignored(refusals);
    }
    let bytes: usize = changes
        .assignments
        .iter()
        .map(|(attribute, assignment)| assigned_bytes(*attribute, assignment))
        .sum();
    if bytes > limits::MAX_STORED_USER_BYTES {
        return Plan::Ignored(vec![USER_TOO_LARGE]);
    }
    Plan::Create
}

/// Plans the change of an existing user: returns any plan but [`Plan::Create`].
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
    if bytes > limits::MAX_STORED_USER_BYTES {
        return Plan::Ignored(vec![USER_TOO_LARGE]);
    }
    Plan::Update(difference)
}

/// Returns what an update with these changes, which do not rename the user, does beside changing values. Each of them differs from
/// what is stored.
#[must_use]
pub fn effects(difference: &[(Attribute, &Assignment<'_>)]) -> UpdateEffects {
    let mut effects = UpdateEffects::default();
    for (attribute, assignment) in difference {
        match (attribute, assignment) {
            (_, Assignment::Clear) => effects.cleared += 1,
            (Attribute::Active, Assignment::Set(Value::Flag(active))) => {
                effects.unblocked = *active;
                effects.blocked = !*active;
            }
            (_, Assignment::Set(_)) => {}
        }
    }
    effects
}

const USER_TOO_LARGE: Refusal = Refusal::new(
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

/// Returns `true` if the assignment changes the stored value. Another spelling of the same value is
/// no change, and a default that is not stored counts as stored.
fn differs(
    attribute: Attribute,
    assignment: &Assignment<'_>,
    stored: Option<&Value<'static>>,
) -> bool {
    match (assignment, stored) {
        (Assignment::Set(value), Some(stored)) => !is_same(attribute.kind(), value, stored),
        (Assignment::Set(Value::Flag(flag)), None) => attribute.default_flag() != Some(*flag),
        (Assignment::Set(_), None) => true,
        (Assignment::Clear, stored) => stored.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::quant::NEW_USER;
    use crate::settings::ExternalIdConflicts;

    fn plan<'c, 'a>(changes: &'c Changes<'a>, stored: Option<&User>, tenant: &str) -> Plan<'c, 'a> {
        super::plan(
            changes,
            stored,
            tenant,
            NEW_USER,
            PersonRules {
                identify_by: IdentifyBy::Username,
                conflicts: ExternalIdConflicts::Ignore,
            },
        )
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
        User::sample("john", values.iter().cloned())
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
    fn a_new_user_without_role_and_email_gets_both_refusals() {
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
    fn a_new_user_whose_state_cannot_be_read_is_ignored() {
        let role_and_email = vec![
            (Attribute::Role, text("User")),
            (Attribute::Email, text("a@example.com")),
        ];
        let mut refused = changes(role_and_email);
        assert_eq!(plan(&refused, None, "acme"), Plan::Create);
        refused.refused.insert(Attribute::AllStores);
        assert_eq!(plan(&refused, None, "acme"), Plan::Create);
        refused.refused.insert(Attribute::Active);
        // The refusal has been reported already.
        assert_eq!(codes(&plan(&refused, None, "acme")), [""; 0]);
        let user = stored(&[(Attribute::Active, Value::Flag(false))]);
        assert!(matches!(
            plan(&refused, Some(&user), "acme"),
            Plan::Update(_)
        ));
        let mut nothing = changes(vec![]);
        nothing.refused.insert(Attribute::Active);
        assert_eq!(
            codes(&plan(&nothing, None, "acme")),
            ["role.missing", "email.missing"]
        );
    }

    #[test]
    fn a_user_of_another_tenant_is_not_changed() {
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
    fn another_spelling_of_a_stored_value_is_no_change() {
        let user = stored(&[
            (Attribute::Email, Value::Text("Ann@example.com".into())),
            (Attribute::Tags, Value::Texts(vec!["a".into(), "b".into()])),
            (Attribute::TimeZone, Value::Text("Asia/Calcutta".into())),
            (Attribute::CustomInfo, Value::Text("eyJhIjoxfQ==".into())),
            (Attribute::ShopIds, Value::Integers(vec![1, 2, 1])),
        ]);
        let same = changes(vec![
            (Attribute::Email, text("Ann@EXAMPLE.com")),
            (
                Attribute::Tags,
                Assignment::Set(Value::Texts(vec!["b".into(), "a".into()])),
            ),
            (Attribute::TimeZone, text("Asia/Kolkata")),
            (Attribute::CustomInfo, text("eyAiYSI6IDEgfQ==")),
            (
                Attribute::ShopIds,
                Assignment::Set(Value::Integers(vec![2, 1])),
            ),
        ]);
        assert_eq!(plan(&same, Some(&user), "acme"), Plan::Unchanged);
        let name = changes(vec![(Attribute::Email, text("ann@example.com"))]);
        assert!(matches!(plan(&name, Some(&user), "acme"), Plan::Update(_)));
    }

    #[test]
    fn an_external_id_in_another_normal_form_is_the_same_person() {
        let user = stored(&[(Attribute::ExternalId, Value::Text("cafe\u{301}".into()))]);
        let same = changes(vec![(Attribute::ExternalId, text("caf\u{e9}"))]);
        assert!(matches!(plan(&same, Some(&user), "acme"), Plan::Update(_)));
        let other = changes(vec![(Attribute::ExternalId, text("cafe"))]);
        let refused = plan(&other, Some(&user), "acme");
        assert_eq!(codes(&refused), ["external_id.other_user"]);
    }

    #[test]
    fn the_effects_of_an_update_are_counted() {
        let set = |active| Assignment::Set(Value::Flag(active));
        let (block, unblock, clear) = (set(false), set(true), Assignment::Clear);
        let supervisor = (Attribute::Supervisor, &block);
        let cleared = [(Attribute::City, &clear), (Attribute::Phone, &clear)];
        let counted = |difference: &[_]| {
            let UpdateEffects {
                renamed: _,
                moved: _,
                blocked,
                unblocked,
                cleared,
            } = effects(difference);
            (blocked, unblocked, cleared)
        };
        assert_eq!(counted(&[supervisor]), (false, false, 0));
        assert_eq!(counted(&cleared), (false, false, 2));
        let blocked = [cleared[0], (Attribute::Active, &block)];
        assert_eq!(counted(&blocked), (true, false, 1));
        assert_eq!(counted(&[(Attribute::Active, &unblock)]), (false, true, 0));
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
    fn a_user_over_the_size_limit_is_not_written() {
        let long = Value::Texts(vec![Cow::Owned("x".repeat(1_024)); 200]);
        let user = stored(&[(Attribute::Tags, long.clone())]);
        let more = changes(vec![(Attribute::IndividualStores, Assignment::Set(long))]);
        assert_eq!(
            codes(&plan(&more, Some(&user), "acme")),
            ["record.too_large"]
        );
    }
}
