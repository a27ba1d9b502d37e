//! What is done to the users of a scene, one thing at a time or one in the middle of another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, ToSpan as _};
use muster_aws::Store;
use muster_aws::directory::{UserKey, Writer};
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::run::Counts;
use muster_core::single::Request;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Deadline, Directory, Outcome, SyncImport, SyncRequest, Times, Whom, Written};
use muster_tests::faults::{Fault, Faults, Later};
use serde_json::{Map, json};

use super::rows::{Rows, judge, ours};

/// Each deed writes one of these that no other deed of its scene writes.
pub const MARKS: [Attribute; 16] = [
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

/// What is said of an external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    Nothing,
    Null,
    Id(usize),
}

/// Something that is done in the name of a tenant. Logins and external ids are numbers.
#[derive(Debug, Clone)]
pub enum What {
    Create {
        login: usize,
        id: Given,
    },
    /// By the external id.
    Upsert {
        id: usize,
        login: usize,
    },
    /// Of the user who has this login when it begins.
    Change {
        of: usize,
        login: Option<usize>,
        id: Given,
    },
    Import {
        records: Vec<(usize, Given)>,
    },
}

/// Something that is done, and what meets it.
#[derive(Debug, Clone)]
pub struct Deed {
    pub tenant: usize,
    pub what: What,
    /// Whether it is done when all runs that are over are so for long.
    pub later: bool,
    pub lost_requests: BTreeSet<usize>,
    pub lost_answers: BTreeSet<usize>,
    /// What others do just before this attempt of a call.
    pub meanwhile: Option<(usize, Vec<Deed>)>,
}

impl Deed {
    /// One that nothing meets.
    pub const fn calm(tenant: usize, what: What) -> Self {
        Self {
            tenant,
            what,
            later: true,
            lost_requests: BTreeSet::new(),
            lost_answers: BTreeSet::new(),
            meanwhile: None,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are few at a time")]
pub enum Told {
    Single(Written),
    Imported(Counts),
    /// There was no such user when it began.
    Nobody,
    Unknown,
}

impl Told {
    /// How many users it says it has made and changed; `None`: it does not say.
    pub const fn counts(&self) -> Option<(u64, u64)> {
        match self {
            Self::Single(Written::Created(_)) => Some((1, 0)),
            Self::Single(Written::Updated { .. }) => Some((0, 1)),
            Self::Single(Written::Unchanged(_) | Written::Refused(_) | Written::Missing)
            | Self::Nobody => Some((0, 0)),
            Self::Imported(counts) => Some((counts.created, counts.updated)),
            Self::Unknown => None,
        }
    }

    /// The code of what it was refused for, with its attribute.
    pub fn refused(&self) -> Option<String> {
        let Self::Single(Written::Refused(refusals)) = self else {
            return None;
        };
        let one = refusals.iter().map(|refusal| {
            let attribute = refusal.attribute.map_or("record", Attribute::name);
            format!("{attribute}.{}", refusal.problem.code)
        });
        Some(one.collect::<Vec<_>>().join(" "))
    }
}

/// Two tenants and what is done to their users.
#[derive(Debug)]
pub struct Scene {
    pub number: u64,
    pub store: Store,
    /// What became of each deed that was done, in the order of their beginnings.
    told: Mutex<BTreeMap<usize, Told>>,
    begun: Mutex<usize>,
}

impl Scene {
    pub fn new(number: u64, store: Store) -> Arc<Self> {
        Arc::new(Self {
            number,
            store,
            told: Mutex::default(),
            begun: Mutex::default(),
        })
    }

    /// Only keys of this scene contain it.
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

    /// What became of all that was done.
    pub fn told(&self) -> BTreeMap<usize, Told> {
        let told = self.told.lock();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does it, and others' deeds in the middle of it; whether it got that far.
    pub async fn perform(self: Arc<Self>, deed: Deed) -> (Told, bool) {
        let number = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            *begun += 1;
            *begun - 1
        };
        let meanwhile = deed.meanwhile.clone();
        let meanwhile = meanwhile.map(|(at, others)| (at, Arc::clone(&self).perform_all(others)));
        let meets_others = meanwhile.is_some();
        let (requests, answers) = (deed.lost_requests.clone(), deed.lost_answers.clone());
        let faults = Faults::new(move |asked| {
            if answers.contains(&asked.number) {
                Fault::LostAnswer
            } else if requests.contains(&asked.number) {
                Fault::LostRequest
            } else {
                Fault::Passes
            }
        });
        let faults = Arc::new(faults.meanwhile(meanwhile));
        let told = self.tell(&faults.store(&self.store), number, &deed).await;
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number, told.clone());
        (told, meets_others && !faults.others_wait())
    }

    fn perform_all(self: Arc<Self>, deeds: Vec<Deed>) -> Later {
        Box::pin(async move {
            for deed in deeds {
                Arc::clone(&self).perform(deed).await;
            }
        })
    }

    async fn tell(&self, store: &Store, number: usize, deed: &Deed) -> Told {
        let tenant = self.tenant(deed.tenant);
        let external_id;
        let (whom, login, id) = match &deed.what {
            What::Create { login, id } => (Whom::New, Some(*login), *id),
            What::Upsert { id, login } => {
                external_id = Self::external_id(*id);
                (Whom::ExternalId(&external_id), Some(*login), Given::Id(*id))
            }
            What::Change { of, login, id } => {
                let of = self.login(*of);
                let of = Login::parse(&of).expect("a login");
                let user = self.store.find_user(&tenant, UserKey::Login(&of)).await;
                match user.expect("the store") {
                    Some(user) => (Whom::Id(user.user.id), *login, *id),
                    None => return Told::Nobody,
                }
            }
            What::Import { records } => {
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
        let hours = if deed.later { 1 } else { 0 };
        let directory = Directory::new(store, &tenant, writer, Timestamp::now() + hours.hours());
        match directory.write(whom, request, |_| Vec::new()).await {
            Ok(written) => Told::Single(written),
            Err(_) => Told::Unknown,
        }
    }

    fn request(&self, number: usize, login: Option<usize>, id: Given) -> Request {
        let text = |text: String| Assignment::Set(Value::Text(text.into()));
        let mut assignments = vec![(MARKS[number], text(mark(number)))];
        match id {
            Given::Nothing => {}
            Given::Null => assignments.push((Attribute::ExternalId, Assignment::Clear)),
            Given::Id(id) => assignments.push((Attribute::ExternalId, text(Self::external_id(id)))),
        }
        let login = login.map(|login| {
            let login = self.login(login);
            Login::parse(&login).expect("a login").into_owned()
        });
        Request {
            login,
            changes: Changes {
                assignments,
                ..Changes::default()
            },
            ..Request::default()
        }
    }

    fn import(&self, number: usize, tenant: String, records: &[(usize, Given)]) -> SyncRequest {
        let mut mapping: Map<_, _> = MARKS
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
            record[MARKS[number].name()] = mark(number).into();
            match id {
                Given::Nothing => {}
                Given::Null => record["external_id"] = "".into(),
                Given::Id(id) => record["external_id"] = Self::external_id(*id).into(),
            }
            record
        });
        SyncRequest {
            tenant,
            robot: "robot".to_owned(),
            task: serde_json::from_value(settings).expect("settings"),
            settings_version: 1,
            body: serde_json::Value::from_iter(records).to_string().into(),
            debug: false,
            dry_run: false,
            key: None,
        }
    }

    /// The rows of this scene, with nothing wrong about them.
    pub async fn judged(&self) -> Rows {
        let rows = ours(&self.store, &self.tag()).await;
        judge(&rows);
        rows
    }
}

/// What a deed leaves on the users it writes.
pub fn mark(number: usize) -> String {
    format!("by {number}")
}

async fn imported(store: &Store, request: SyncRequest) -> Told {
    let deadline = Deadline::start(Times::default());
    let background = muster_tests::no_background().await;
    match muster_import::import(store, &background, deadline, request).await {
        Ok(SyncImport::Ended {
            outcome: Outcome::Imported { counts, .. },
            ..
        }) => Told::Imported(counts),
        Ok(_) | Err(_) => Told::Unknown,
    }
}
