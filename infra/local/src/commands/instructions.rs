//! The text that `up` and `aws` print: sample tenants, environment variables, and commands that can
//! be pasted into a shell as they are.

use std::path::Path;

use anstyle::Style;

use crate::seed::{Credentials, SeededTenant};
use crate::services::Environment;

const TITLE: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Returns a table of the sample tenants with their accounts and passwords.
pub(super) fn tenants_text(tenants: &[SeededTenant]) -> String {
    let lines = |SeededTenant {
                     name,
                     task_id,
                     robot,
                     operator,
                 }: &SeededTenant| {
        let Credentials { username, password } = robot;
        let robot = format!("{name:<8} {task_id:<5} {username:<16} {password}\n");
        let Credentials { username, password } = operator;
        format!("{robot}{:<8} {:<5} {username:<16} {password}\n", "", "")
    };
    let lines: String = tenants.iter().map(lines).collect();
    format!("{DIM}tenant   task  robot, operator  password{DIM:#}\n{lines}")
}

/// Returns the variables as `NAME=value` lines.
pub(super) fn environment_text(environment: Environment) -> String {
    let line = |(name, value): (&str, String)| format!("{name}={value}\n");
    environment.into_iter().map(line).collect()
}

/// Returns the commands that start workers for a stack without any.
pub(super) fn workers_text(environment: Environment) -> String {
    let export = |(name, value): (&str, String)| format!("export {name}={value}\n");
    let exports: String = environment.into_iter().map(export).collect();
    format!(
        "
{TITLE}# No background workers are running: start them with this environment{TITLE:#}
{exports}muster-local worker processor
muster-local worker writer --workers 2
muster-local worker sweeper
"
    )
}

/// Returns the text that `up` prints about a stack at `url`.
pub(super) fn up_text(url: &str, tenants: &[SeededTenant], data: Option<&Path>) -> String {
    let storage = data.map_or_else(
        || "in memory, lost when it stops".to_owned(),
        |path| format!("stored in {}", path.display()),
    );
    let mut text = format!(
        "{TITLE}Muster is running at {url}{TITLE:#} ({storage}; press Ctrl-C to stop)\n\n{}",
        tenants_text(tenants)
    );
    if let Some(tenant) = tenants.first() {
        text.push_str(&session_text(url, tenant));
    }
    text
}

/// Returns a shell session for a tenant. It sets every variable before its use, under the names
/// that README.md and docs/ use.
fn session_text(url: &str, tenant: &SeededTenant) -> String {
    let SeededTenant {
        task_id,
        robot,
        operator,
        ..
    } = tenant;
    format!(
        r#"
{TITLE}# In another terminal: the variables of the examples{TITLE:#}
export MUSTER_URL={url}
export TASK={task_id}
export ROBOT={robot}
export PASSWORD={robot_password}
export OPERATOR={operator}
export OPERATOR_PASSWORD={operator_password}

{TITLE}# Sign in; the token is valid for 30 minutes{TITLE:#}
export TOKEN=$(curl -sS "$MUSTER_URL/authenticate" -H 'Content-Type: application/json' \
  -d '{{"username":"'"$ROBOT"'","password":"'"$PASSWORD"'"}}' | cut -d'"' -f4)

{TITLE}# Import a user{TITLE:#}
curl -sS -w '\n' "$MUSTER_URL/v1/import/user-data/$TASK?debug" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '[{{"Username":"jack.woo","Name":"Jack Woo","Role":"store manager",
        "E-mail":"jack.woo@example.com","All Stores":false,
        "Individual Stores":"store1,store2,store3"}}]'

{TITLE}# Inspect the import with the CLI (cargo build --release -p samplecli){TITLE:#}
printf %s "$OPERATOR_PASSWORD" |
  target/release/muster login --operator --username "$OPERATOR" --password-stdin
target/release/muster runs

{TITLE}# The whole API is documented at {url}/docs{TITLE:#}
"#,
        robot = robot.username,
        robot_password = robot.password,
        operator = operator.username,
        operator_password = operator.password,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> SeededTenant {
        let credentials = |username: &str, password: &str| Credentials {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        SeededTenant {
            name: "acme".to_owned(),
            task_id: 206,
            robot: credentials("acme-robot", "r0bot"),
            operator: credentials("acme-operator", "0perator"),
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn variables_are_exported_before_they_are_used() {
        let text = plain(&up_text("http://127.0.0.1:9000", &[tenant()], None));
        for line in [
            "export MUSTER_URL=http://127.0.0.1:9000",
            "export TASK=206",
            "export ROBOT=acme-robot",
            "export PASSWORD=r0bot",
            "export OPERATOR=acme-operator",
            "export OPERATOR_PASSWORD=0perator",
        ] {
            let (name, _) = line.trim_start_matches("export ").split_once('=').unwrap();
            let set = text.find(&format!("\n{line}\n")).unwrap();
            let used = text.find(&format!("${name}")).unwrap();
            assert!(set < used, "{name} is used before it is set:\n{text}");
        }
    }

    #[test]
    fn the_environment_of_workers_is_exported() {
        let environment = std::array::from_fn(|_| ("AWS_REGION", "eu-central-1".to_owned()));
        let text = plain(&workers_text(environment));
        assert!(
            text.contains("\nexport AWS_REGION=eu-central-1\n"),
            "{text}"
        );
    }
}
