//! Problems of an external id that a record cannot have (contract.md#external-ids).

use std::borrow::Cow;

use muster_core::item::display_login;
use muster_core::plan::User;
use muster_core::scan::external_id_taken;
use muster_core::value::Problem;

/// Returns the problem of an external id that this user of the tenant has.
pub(super) fn held_by(user: &User) -> Problem {
    external_id_taken(&format!(
        "the user {} with the id {}",
        display_login(&user.login),
        user.id
    ))
}

/// Returns the problem of an external id that an earlier record of the input has.
pub(super) fn taken_by_earlier(record: u64) -> Problem {
    external_id_taken(&format!("record {record}"))
}

/// Returns the problem of an external id that another import is about to give to a user.
pub(crate) const fn promised() -> Problem {
    Problem {
        code: "promised",
        message: Cow::Borrowed(
            "an import is giving this external id to another user at this moment: send it again a \
             minute after that import has ended",
        ),
    }
}

/// Returns the problem of a user name whose user has no external id, while `holder` has that of the
/// record: most likely both are the same person.
pub(super) fn two_users(at_login: &User, holder: &User) -> Problem {
    Problem {
        code: "taken",
        message: Cow::Owned(format!(
            "this user name belongs to a user without an external id (id {}), and the external id to \
             the user {} (id {}): if both are one person, rename or delete one of them first",
            at_login.id,
            display_login(&holder.login),
            holder.id
        )),
    }
}

/// Returns the note on a stored external id that the record's replaces.
pub(super) fn replaced(stored: &str) -> Problem {
    Problem {
        code: "replaced",
        message: Cow::Owned(format!(
            "the user had the external id {}, which is replaced",
            display_login(stored)
        )),
    }
}

/// Returns the problem with this code in the words for a record that was written earlier, when the
/// other user was known.
pub(super) fn problem_of_code(code: &str) -> Option<Problem> {
    match code {
        "taken" => Some(external_id_taken("another user or an earlier record")),
        "promised" => Some(promised()),
        "replaced" => Some(Problem {
            code: "replaced",
            message: Cow::Borrowed("the user had another external id, which is replaced"),
        }),
        _ => None,
    }
}
