//! The resources of the operators' API: paths, labels and the commands that list them.

/// A resource of the API.
#[derive(Debug, Clone)]
pub struct AdminResource {
    /// The segments of the path after `/admin/v1`, not yet escaped.
    pub path: Vec<String>,
    /// The name in messages: `task 206`.
    pub label: String,
    /// The command that lists such resources.
    pub list_command: &'static str,
    /// True if a POST can be repeated safely.
    pub is_repeatable: bool,
    /// The hint for a response with status 409.
    pub conflict_hint: Option<&'static str>,
}

impl AdminResource {
    fn new(path: &[&str], label: impl Into<String>, list_command: &'static str) -> Self {
        Self {
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            label: label.into(),
            list_command,
            is_repeatable: false,
            conflict_hint: None,
        }
    }

    /// Appends a segment to the path.
    fn join(mut self, segment: &str) -> Self {
        self.path.push(segment.to_owned());
        self
    }

    fn repeatable(self) -> Self {
        Self {
            is_repeatable: true,
            ..self
        }
    }

    /// Sets the hint for a response with status 409.
    pub fn on_conflict(self, hint: &'static str) -> Self {
        Self {
            conflict_hint: Some(hint),
            ..self
        }
    }

    /// The current session.
    pub fn session() -> Self {
        Self::new(&["session"], "the session", "muster whoami")
    }

    /// All operators.
    pub fn operators() -> Self {
        Self::new(&["operators"], "operators", "muster operator list")
    }

    /// One operator.
    pub fn operator(name: &str) -> Self {
        Self {
            label: format!("the operator {name}"),
            ..Self::operators().join(name)
        }
    }

    /// The tenant's roles.
    pub fn roles() -> Self {
        Self::new(&["roles"], "roles", "muster role list")
    }

    /// All tasks.
    pub fn tasks() -> Self {
        Self::new(&["tasks"], "tasks", "muster task list")
    }

    /// One task.
    pub fn task(id: u64) -> Self {
        Self {
            label: format!("task {id}"),
            ..Self::tasks().join(&id.to_string())
        }
    }

    /// The action that copies a task.
    pub fn task_copy(id: u64) -> Self {
        Self::task(id).join("copy")
    }

    /// The action that enables or disables a task.
    pub fn task_switch(id: u64, enabled: bool) -> Self {
        Self::task(id)
            .join(if enabled { "enable" } else { "disable" })
            .repeatable()
    }

    /// The versions of a task.
    pub fn task_history(id: u64) -> Self {
        Self::task(id).join("history")
    }

    /// A robot's permission on a task.
    pub fn permission(task: u64, robot: &str) -> Self {
        Self {
            label: format!("task {task} or the robot {robot}"),
            ..Self::task(task).join("robots").join(robot)
        }
    }

    /// All robots.
    pub fn robots() -> Self {
        Self::new(&["robots"], "robots", "muster robot list")
    }

    /// One robot.
    pub fn robot(name: &str) -> Self {
        Self {
            label: format!("the robot {name}"),
            ..Self::robots().join(name)
        }
    }

    /// All tokens.
    pub fn tokens() -> Self {
        Self::new(&["tokens"], "tokens", "muster token list")
    }

    /// One token.
    pub fn token(id: &str) -> Self {
        Self {
            label: format!("the token {id}"),
            ..Self::tokens().join(id)
        }
    }

    /// All runs.
    pub fn runs() -> Self {
        Self::new(&["runs"], "runs", "muster runs")
    }

    /// One run.
    pub fn run(id: &str) -> Self {
        Self {
            label: format!("the run {id}"),
            ..Self::runs().join(id)
        }
    }

    /// The items of a run.
    pub fn items(run: &str) -> Self {
        Self::run(run).join("items")
    }

    /// The values before a run.
    pub fn undo_data(run: &str) -> Self {
        Self::run(run).join("undo-data")
    }

    /// All users.
    pub fn users() -> Self {
        Self::new(&["users"], "users", "muster users list")
    }

    /// One user.
    pub fn user(id: u64) -> Self {
        Self {
            label: format!("user {id}"),
            ..Self::users().join(&id.to_string())
        }
    }

    /// The action that blocks or unblocks a user.
    pub fn user_switch(id: u64, active: bool) -> Self {
        Self::user(id)
            .join(if active { "unblock" } else { "block" })
            .repeatable()
    }
}
