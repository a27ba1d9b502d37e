//! The places of the operator's API: their paths, what a person calls them, and the command that
//! shows what is there.

/// A place of the API.
#[derive(Debug, Clone)]
pub struct Place {
    /// The path's segments behind `/admin/v1`, not yet escaped.
    pub path: Vec<String>,
    /// What is there, as a person calls it: `task 206`.
    pub thing: String,
    /// The command that lists what is there.
    pub look: &'static str,
    /// Whether a POST there can be repeated without harm.
    pub repeatable: bool,
    /// What to do when somebody else was faster.
    pub conflict: Option<&'static str>,
}

impl Place {
    fn new(path: &[&str], thing: impl Into<String>, look: &'static str) -> Self {
        Self {
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            thing: thing.into(),
            look,
            repeatable: false,
            conflict: None,
        }
    }

    /// The place below this one.
    fn below(mut self, segment: &str) -> Self {
        self.path.push(segment.to_owned());
        self
    }

    fn repeatable(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    /// What to do when the answer is 409.
    pub fn on_conflict(self, next: &'static str) -> Self {
        Self {
            conflict: Some(next),
            ..self
        }
    }

    /// The session itself.
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
            thing: format!("the operator {name}"),
            ..Self::operators().below(name)
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
            thing: format!("task {id}"),
            ..Self::tasks().below(&id.to_string())
        }
    }

    /// What makes a copy of a task.
    pub fn task_copy(id: u64) -> Self {
        Self::task(id).below("copy")
    }

    /// What enables or disables a task.
    pub fn task_switch(id: u64, enabled: bool) -> Self {
        Self::task(id)
            .below(if enabled { "enable" } else { "disable" })
            .repeatable()
    }

    /// The versions of a task.
    pub fn task_history(id: u64) -> Self {
        Self::task(id).below("history")
    }

    /// A robot's permission on a task.
    pub fn permission(task: u64, robot: &str) -> Self {
        Self {
            thing: format!("task {task} or the robot {robot}"),
            ..Self::task(task).below("robots").below(robot)
        }
    }

    /// All robots.
    pub fn robots() -> Self {
        Self::new(&["robots"], "robots", "muster robot list")
    }

    /// One robot.
    pub fn robot(name: &str) -> Self {
        Self {
            thing: format!("the robot {name}"),
            ..Self::robots().below(name)
        }
    }

    /// All tokens.
    pub fn tokens() -> Self {
        Self::new(&["tokens"], "tokens", "muster token list")
    }

    /// One token.
    pub fn token(id: &str) -> Self {
        Self {
            thing: format!("the token {id}"),
            ..Self::tokens().below(id)
        }
    }

    /// All runs.
    pub fn runs() -> Self {
        Self::new(&["runs"], "runs", "muster runs")
    }

    /// One run.
    pub fn run(id: &str) -> Self {
        Self {
            thing: format!("the run {id}"),
            ..Self::runs().below(id)
        }
    }

    /// What a run has to say.
    pub fn items(run: &str) -> Self {
        Self::run(run).below("items")
    }

    /// All users.
    pub fn users() -> Self {
        Self::new(&["users"], "users", "muster users list")
    }

    /// One user.
    pub fn user(id: u64) -> Self {
        Self {
            thing: format!("user {id}"),
            ..Self::users().below(&id.to_string())
        }
    }

    /// What blocks or unblocks a user.
    pub fn user_switch(id: u64, active: bool) -> Self {
        Self::user(id)
            .below(if active { "unblock" } else { "block" })
            .repeatable()
    }
}
