//! The roles of a tenant: what its users can be. Tasks map strings to them
//! ([`crate::settings::TaskSettings::role_mapping`]).

use std::collections::BTreeMap;

use crate::settings::FieldProblem;

/// Characters of a role.
const ROLE: usize = 256;
/// Roles of one tenant.
const MOST: usize = 500;
/// Bytes of all roles of a tenant together; they share a row, and a row ends at 400 KB.
const BYTES: usize = 300_000;
/// What robots are; no user is one.
const ROBOT: &str = "Robot";

/// What keeps a text from being a role.
#[must_use]
pub fn role_problem(role: &str) -> Option<String> {
    if role == ROBOT {
        return Some("the role Robot cannot be given to users".to_owned());
    }
    (role.trim().is_empty() || role.chars().count() > ROLE)
        .then(|| format!("a role has 1 to {ROLE} characters"))
}

/// What keeps these from being the roles of a tenant: `roles.3` is the fourth of them.
#[must_use]
pub fn problems(roles: &[String]) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if roles.len() > MOST {
        problems.push(FieldProblem::new(
            "roles",
            format!(
                "{} roles are too many; a tenant has at most {MOST}",
                roles.len()
            ),
        ));
    }
    let bytes: usize = roles.iter().map(String::len).sum();
    if bytes > BYTES {
        problems.push(FieldProblem::new(
            "roles",
            format!("all roles together take {bytes} bytes; {BYTES} fit"),
        ));
    }
    let mut seen = BTreeMap::new();
    for (index, role) in roles.iter().enumerate() {
        let field = format!("roles.{index}");
        if let Some(why) = role_problem(role) {
            problems.push(FieldProblem::new(field, why));
        } else if let Some(first) = seen.insert(role, index) {
            problems.push(FieldProblem::new(
                field,
                format!("{role:?} is there twice: it is roles.{first}, too"),
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(roles: &[&str]) -> Vec<String> {
        let roles: Vec<_> = roles.iter().map(|&role| role.to_owned()).collect();
        let problems = problems(&roles).into_iter();
        problems.map(|problem| problem.field).collect()
    }

    #[test]
    fn every_role_that_cannot_be_one_is_named() {
        let long = "x".repeat(257);
        let roles = ["Nurse", "", " ", "Robot", &long, "Nurse", "nurse"];
        assert_eq!(
            fields(&roles),
            ["roles.1", "roles.2", "roles.3", "roles.4", "roles.5"]
        );
    }

    #[test]
    fn a_tenant_has_at_most_500_roles_which_fit_into_a_row() {
        let many: Vec<_> = (0..501).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(fields(&many), ["roles"]);
        assert!(fields(&many[..500]).is_empty());
        let large: Vec<_> = (0..300)
            .map(|n| format!("{n:03}{}", "\u{10348}".repeat(253)))
            .collect();
        let large: Vec<_> = large.iter().map(String::as_str).collect();
        assert_eq!(fields(&large), ["roles"]);
    }
}
