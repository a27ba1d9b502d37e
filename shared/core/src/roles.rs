//! The roles of a tenant. Tasks map strings to them
//! ([`crate::settings::TaskSettings::role_mapping`]).

use std::collections::BTreeMap;

use crate::field_problem::FieldProblem;
use crate::limits;

/// Reserved role of robots, which users cannot have.
const ROBOT_ROLE: &str = "Robot";

/// Returns the problem of a role name, if there is one.
#[must_use]
pub fn role_problem(role: &str) -> Option<String> {
    if role == ROBOT_ROLE {
        return Some("the role Robot cannot be given to users".to_owned());
    }
    (role.trim().is_empty() || role.chars().count() > limits::MAX_ROLE_CHARS).then(|| {
        format!(
            "a role must have 1 to {} characters",
            limits::MAX_ROLE_CHARS
        )
    })
}

/// Returns the problems of a tenant's list of roles: field `roles.3` is the fourth role.
#[must_use]
pub fn problems(roles: &[String]) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if roles.len() > limits::MAX_TENANT_ROLES {
        problems.push(FieldProblem::new(
            "roles",
            format!(
                "too many roles: a tenant has at most {}, found {}",
                limits::MAX_TENANT_ROLES,
                roles.len()
            ),
        ));
    }
    let bytes: usize = roles.iter().map(String::len).sum();
    if bytes > limits::MAX_TENANT_ROLES_BYTES {
        problems.push(FieldProblem::new(
            "roles",
            format!(
                "the roles are too long: expected at most {} bytes in total, found {bytes}",
                limits::MAX_TENANT_ROLES_BYTES
            ),
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
                format!("{role:?} is a duplicate of roles.{first}"),
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
    fn every_invalid_role_is_reported() {
        let long = "x".repeat(257);
        let roles = ["Nurse", "", " ", "Robot", &long, "Nurse", "nurse"];
        assert_eq!(
            fields(&roles),
            ["roles.1", "roles.2", "roles.3", "roles.4", "roles.5"]
        );
    }

    #[test]
    fn a_tenant_has_at_most_500_roles_of_limited_total_size() {
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
