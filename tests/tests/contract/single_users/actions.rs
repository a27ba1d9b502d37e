//! Actions on the users of a scenario, each one alone or in the middle of another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, ToSpan as _};
use muster_aws::Store;
use muster_aws::directory::{UserKey, Writer};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::run::Counts;
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{
    Deadline, Directory, ImportRequest, ImportResult, RunOutcome, Times, UserSelector, WriteOutcome,
};
use muster_tests::faults::{ConcurrentAction, Fault, Faults};
use serde_json::{Map, json};

use super::rows::{Rows, ours, verify};

/// Each action of a scenario writes a different one of these attributes.
pub const MARKER_ATTRIBUTES: [Attribute; 16] = [
    Attribute::Name,
    Attribute::FirstName,
    Attribute::LastName,
    Attribute::MiddleName,
    Attribute::City,
    Attribute::Department,
    Attribute::Position,
    Attribute::StructureUid,
    Attribute::FacebookId,
    Attribute::GoogleId,
    Attribute::WorkContact,
    Attribute::UserField1,
    Attribute::UserField2,
    Attribute::UserField3,
    Attribute::UserField4,
    Attribute::UserField5,
];

/// The external id in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdInput {
    Absent,
    Null,
    Id(usize),
}

/// A request. Logins and external ids are numbers.
#[derive(Debug, Clone)]
pub enum Operation {
    Create {
        login: usize,
        id: ExternalIdInput,
    },
    /// Changes the user with the external id, or creates one.
    Upsert {
        id: usize,
        login: usize,
    },
    /// Changes the user who has the login `of` when the action starts.
    Change {
        of: usize,
        login: Option<usize>,
        id: ExternalIdInput,
    },
    Import {
        records: Vec<(usize, ExternalIdInput)>,
    },
}

/// An operation, the faults of its requests to the store, and the interruption by other actions.
#[derive(Debug, Clone)]
pub struct Action {
    pub tenant: usize,
    pub operation: Operation,
    /// Performed when every run that was interrupted has rested.
    pub after_rest: bool,
    pub lost_requests: BTreeSet<usize>,
    pub lost_responses: BTreeSet<usize>,
    /// Actions that are performed just before the request with this number.
    pub interruption: Option<(usize, Vec<Action>)>,
}

impl Action {
    /// Returns an action without faults and interruptions.
    pub const fn without_faults(tenant: usize, operation: Operation) -> Self {
        Self {
            tenant,
            operation,
            after_rest: true,
            lost_requests: BTreeSet::new(),
            lost_responses: BTreeSet::new(),
            interruption: None,
        }
    }
}

/// The response to an action.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "few exist at the same time")]
pub enum Response {
    Single(WriteOutcome),
    Imported(Counts),
    /// The user did not exist when the action started.
    NoUser,
    Unknown,
}

impl Response {
    /// Returns the reported numbers of created and updated users, if the response has them.
    pub const fn counts(&self) -> Option<(u64, u64)> {
        match self {
            Self::Single(WriteOutcome::Created(_)) => Some((1, 0)),
            Self::Single(WriteOutcome::Updated { .. }) => Some((0, 1)),
            Self::Single(
                WriteOutcome::Unchanged(_)
                | WriteOutcome::Refused(_)
                | WriteOutcome::Promised(_)
                | WriteOutcome::Missing,
            )
            | Self::NoUser => Some((0, 0)),
            Self::Imported(counts) => Some((counts.created, counts.updated)),
            Self::Unknown => None,
        }
    }

    /// Returns the codes of a refusal, each with its attribute.
    pub fn refusal(&self) -> Option<String> {
        let refusals = match self {
            Self::Single(WriteOutcome::Refused(refusals)) => refusals.as_slice(),
            Self::Single(WriteOutcome::Promised(refusal)) => std::slice::from_ref(refusal),
            _ => return None,
        };
        let codes = refusals.iter().map(|refusal| {
            let attribute = refusal.attribute.map_or("record", Attribute::name);
            format!("{attribute}.{}", refusal.problem.code)
        });
        Some(codes.collect::<Vec<_>>().join(" "))
    }
}

/// Two tenants and the actions on their users.
#[derive(Debug)]
pub struct Scenario {
    pub number: u64,
    pub store: Store,
    /// Responses by the order in which the actions started.
    responses: Mutex<BTreeMap<usize, Response>>,
    started: Mutex<usize>,
}

impl Scenario {
    pub fn new(number: u64, store: Store) -> Arc<Self> {
        Arc::new(Self {
            number,
            store,
            responses: Mutex::default(),
            started: Mutex::default(),
        })
    }

    /// Returns a text that only keys of this scenario contain.
    pub fn tag(&self) -> String {
        format!("s{}e", self.number)
    }

    pub fn login(&self, login: usize) -> String {
        format!("U{login}.{}", self.tag())
    }

    pub fn tenant(&self, tenant: usize) -> String {
        format!("t{tenant}-{}", self.tag())
    }

    pub fn external_id(id: usize) -> String {
        format!("E{id}")
    }

    /// Returns the responses to all actions, by the order in which they started.
    pub fn responses(&self) -> BTreeMap<usize, Response> {
        let responses = self.responses.lock();
        responses.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Performs an action and its interruption; returns the response, and true if the interruption
    /// took place.
    pub async fn perform(self: Arc<Self>, action: Action) -> (Response, bool) {
        let number = {
            let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            *started += 1;
            *started - 1
        };
        let interruption = action.interruption.clone();
        let interruption =
            interruption.map(|(at, others)| (at, Arc::clone(&self).perform_all(others)));
        let has_interruption = interruption.is_some();
        let (requests, responses) = (action.lost_requests.clone(), action.lost_responses.clone());
        let faults = Faults::new(move |asked| {
            if responses.contains(&asked.number) {
                Fault::LostResponse
            } else if requests.contains(&asked.number) {
                Fault::LostRequest
            } else {
                Fault::None
            }
        });
        let faults = Arc::new(faults.before_request(interruption));
        let store = faults.store(&self.store);
        let response = self.execute(&store, number, &action).await;
        let mut responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        responses.insert(number, response.clone());
        (response, has_interruption && !faults.has_pending_action())
    }

    fn perform_all(self: Arc<Self>, actions: Vec<Action>) -> ConcurrentAction {
        Box::pin(async move {
            for action in actions {
                Arc::clone(&self).perform(action).await;
            }
        })
    }

    async fn execute(&self, store: &Store, number: usize, action: &Action) -> Response {
        let tenant = self.tenant(action.tenant);
        let external_id;
        let (selector, login, id) = match &action.operation {
            Operation::Create { login, id } => (UserSelector::New, Some(*login), *id),
            Operation::Upsert { id, login } => {
                external_id = Self::external_id(*id);
                (
                    UserSelector::ExternalId(&external_id),
                    Some(*login),
                    ExternalIdInput::Id(*id),
                )
            }
            Operation::Change { of, login, id } => {
                let of = self.login(*of);
                let of = Login::parse(&of).expect("a login");
                let user = self
                    .store
                    .directory()
                    .find(&tenant, UserKey::Login(&of))
                    .await;
                match user.expect("the store") {
                    Some(user) => (UserSelector::Id(user.user.id), *login, *id),
                    None => return Response::NoUser,
                }
            }
            Operation::Import { records } => {
                let request = self.import(number, tenant, records);
                return imported(store, request).await;
            }
        };
        let request = self.request(number, login, id);
        let writer = Writer::Robot {
            dialect: "qvalon".to_owned(),
            robot: "robot".to_owned(),
            run: None,
        };
        let hours = if action.after_rest { 1 } else { 0 };
        let directory = Directory::new(store, &tenant, writer, Timestamp::now() + hours.hours());
        match directory.write(selector, request, |_| Vec::new()).await {
            Ok(written) => Response::Single(written),
            Err(_) => Response::Unknown,
        }
    }

    fn request(&self, number: usize, login: Option<usize>, id: ExternalIdInput) -> UserRequest {
        let text = |text: String| Assignment::Set(Value::Text(text.into()));
        let mut assignments = vec![(MARKER_ATTRIBUTES[number], text(marker(number)))];
        match id {
            ExternalIdInput::Absent => {}
            ExternalIdInput::Null => assignments.push((Attribute::ExternalId, Assignment::Clear)),
            ExternalIdInput::Id(id) => {
                assignments.push((Attribute::ExternalId, text(Self::external_id(id))))
            }
        }
        let login = login.map(|login| {
            let login = self.login(login);
            Login::parse(&login).expect("a login").into_owned()
        });
        UserRequest {
            login,
            changes: Changes {
                assignments,
                ..Changes::default()
            },
            ..UserRequest::default()
        }
    }

    fn import(
        &self,
        number: usize,
        tenant: String,
        records: &[(usize, ExternalIdInput)],
    ) -> ImportRequest {
        let mut mapping: Map<_, _> = MARKER_ATTRIBUTES
            .iter()
            .map(|attribute| (attribute.name().to_owned(), attribute.name().into()))
            .collect();
        for name in ["username", "role", "email", "external_id"] {
            mapping.insert(name.to_owned(), name.into());
        }
        let settings = json!({
            "id": 1_000_000 + self.number * 100 + number as u64,
            "enabled": true, "permitted_robots": ["robot"],
            "attribute_mapping": mapping, "role_mapping": {"user": "User"},
        });
        let records = records.iter().map(|(login, id)| {
            let mut record = json!({
                "username": self.login(*login), "role": "user", "email": "someone@example.com",
            });
            record[MARKER_ATTRIBUTES[number].name()] = marker(number).into();
            match id {
                ExternalIdInput::Absent => {}
                ExternalIdInput::Null => record["external_id"] = "".into(),
                ExternalIdInput::Id(id) => record["external_id"] = Self::external_id(*id).into(),
            }
            record
        });
        ImportRequest {
            tenant,
            robot: "robot".to_owned(),
            task: serde_json::from_value(settings).expect("settings"),
            settings_version: 1,
            body: serde_json::Value::from_iter(records).to_string().into(),
            debug: false,
            dry_run: false,
            override_threshold: false,
            key: None,
        }
    }

    /// Reads the rows of this scenario and verifies them.
    pub async fn verified_rows(&self) -> Rows {
        let rows = ours(&self.store, &self.tag()).await;
        verify(&rows);
        rows
    }
}

/// Returns the value that an action writes to its marker attribute.
pub fn marker(number: usize) -> String {
    format!("by {number}")
}

async fn imported(store: &Store, request: ImportRequest) -> Response {
    let deadline = Deadline::start(Times::default());
    let background = muster_tests::unreachable_background().await;
    match muster_import::import(store, &background, deadline, request).await {
        Ok(ImportResult::Ended {
            outcome: RunOutcome::Imported { counts, .. },
            ..
        }) => Response::Imported(counts),
        Ok(_) | Err(_) => Response::Unknown,
    }
}
