//! Two clients who make a user with one login, or one external id, at once: in every two dialects,
//! of one tenant or of two. One wins, the other gets its dialect's answer, and nothing is left of it.
//!
//! `MUSTER_RACES=1000 cargo test -p muster-tests races` runs more rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_tests::{Access, Call, Reply, World, store_or_skip};
use reqwest::Method;
use serde_json::json;

use crate::single_users::rows::{dangling, judge, text, users};

/// Of a short form: a few seconds.
const ROUNDS: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    Quant,
    Collaborator,
    Qvalon,
}

use Dialect::{Collaborator, Quant, Qvalon};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum One {
    Login,
    ExternalId,
}

/// What two clients want at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Race {
    dialects: [Dialect; 2],
    tenants: [usize; 2],
    one: One,
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Created,
    /// Created, but for the external id.
    WithoutId,
    Updated,
    Ignored,
    /// Refused for what has this key.
    Taken(String),
}

impl Race {
    /// Every one there is.
    fn all() -> Vec<Self> {
        let dialects = [Quant, Collaborator, Qvalon];
        let mut all = Vec::new();
        for one in [One::Login, One::ExternalId] {
            for tenants in [[0, 0], [0, 1]] {
                for first in dialects {
                    for second in dialects {
                        all.push(Self {
                            dialects: [first, second],
                            tenants,
                            one,
                        });
                    }
                }
            }
        }
        all
    }

    fn is_within_a_tenant(self) -> bool {
        self.tenants[0] == self.tenants[1]
    }

    /// What a client may be told who does not win.
    fn losing(self, client: usize) -> Vec<Told> {
        let taken = |key: &str| Told::Taken(key.to_owned());
        match (self.one, self.dialects[client]) {
            (One::Login, Quant) if self.is_within_a_tenant() => vec![Told::Updated],
            (One::Login, Quant) => vec![Told::Ignored],
            // A user without an external id is given that of the request.
            (One::Login, Collaborator) if self.is_within_a_tenant() => {
                vec![Told::Updated, taken("login")]
            }
            (One::Login, Collaborator | Qvalon) => vec![taken("login")],
            (One::ExternalId, Quant) => vec![Told::WithoutId],
            // An import that has not made its user yet keeps others from the id.
            (One::ExternalId, Collaborator) if self.dialects.contains(&Quant) => {
                vec![Told::Updated, taken("uid")]
            }
            (One::ExternalId, Collaborator) => vec![Told::Updated],
            (One::ExternalId, Qvalon) => vec![taken("externalId")],
        }
    }

    /// Asserts that one client has won, or both where they do not meet.
    fn judge(self, told: &[Told; 2]) {
        let winners = told.iter().filter(|told| **told == Told::Created).count();
        if self.one == One::ExternalId && !self.is_within_a_tenant() {
            assert_eq!(winners, 2, "{self:?}: {told:?}");
            return;
        }
        assert_eq!(winners, 1, "{self:?}: {told:?}");
        let loser = usize::from(told[0] == Told::Created);
        let losing = self.losing(loser);
        assert!(losing.contains(&told[loser]), "{self:?}: {told:?}");
    }

    /// How many users there are afterwards.
    fn users(told: &[Told; 2]) -> usize {
        let made = |told: &&Told| matches!(told, Told::Created | Told::WithoutId);
        told.iter().filter(made).count()
    }
}

/// A world whose tenants have a task for either client.
struct Course<'w> {
    w: &'w World,
    store: &'w Access,
    tasks: [[u64; 2]; 2],
}

impl Course<'_> {
    /// What a client sends.
    async fn call(&self, race: Race, client: usize, round: usize) -> Call<'_> {
        let tenant = race.tenants[client];
        let own = |one: One, what: &str| {
            let number = if race.one == one { 2 } else { client };
            self.w.login(&format!("{what}{number}.r{round}x"))
        };
        let (login, id) = (own(One::Login, "user"), own(One::ExternalId, "id"));
        let dialect = race.dialects[client];
        let call = match dialect {
            Quant => self.w.import(tenant).await,
            Collaborator => self.post(tenant, "/api/v2/users-import/single").await,
            Qvalon => self.post(tenant, "/v1/orgstruct/users").await,
        };
        match dialect {
            Quant => {
                let mut record = self.w.record("anybody");
                record["Username"] = login.into();
                record["Name"] = format!("client {client}").into();
                // An import that comes second would give the other client's user another id, and
                // leave the first one to whoever wants it.
                if race.one == One::ExternalId || !race.is_within_a_tenant() {
                    record["External ID"] = id.into();
                }
                let call = call.task(self.tasks[tenant][client]).debug();
                call.records(&json!([record]))
            }
            Collaborator => call.body(
                json!({
                    "uid": id, "login": login, "email": "someone@example.com",
                    "firstname": "Some", "secondname": format!("client {client}"),
                })
                .to_string(),
            ),
            Qvalon => {
                let mut user = json!({"login": login, "authType": "LDAP", "ldapLogin": "someone"});
                if race.one == One::ExternalId || round.is_multiple_of(2) {
                    user["externalId"] = id.into();
                }
                call.body(user.to_string())
            }
        }
    }

    async fn post(&self, tenant: usize, path: &str) -> Call<'_> {
        let call = self.w.call(Method::POST, path);
        let call = call.token(self.w.token(tenant).await);
        call.content_type(Some("application/json"))
    }

    async fn told(&self, dialect: Dialect, reply: &Reply) -> Told {
        let key = |text: &str| text.split(": ").next().map(str::to_owned);
        match (dialect, reply.status) {
            (Quant, 200) => {
                let run = reply.header("import-id").expect("a run");
                let counts = self.store.run(run).await.counts.expect("counts");
                let warned = !reply.warnings().is_empty();
                match [counts.created, counts.updated, counts.ignored] {
                    [1, 0, 0] if warned => Told::WithoutId,
                    [1, 0, 0] => Told::Created,
                    [0, 1, 0] if !warned => Told::Updated,
                    [0, 0, 1] => Told::Ignored,
                    _ => panic!("{reply}"),
                }
            }
            (Collaborator, 200) => match reply.text() {
                r#"{"created_count":1,"updated_count":0,"blocked_count":0,"unblocked_count":0}"# => {
                    Told::Created
                }
                r#"{"created_count":0,"updated_count":1,"blocked_count":0,"unblocked_count":0}"# => {
                    Told::Updated
                }
                _ => panic!("{reply}"),
            },
            (Collaborator, 400) => {
                let error = reply.json()["error"].as_str().and_then(key);
                Told::Taken(error.expect("a text"))
            }
            (Qvalon, 200) => Told::Created,
            (Qvalon, 409) => {
                let field = reply.json()["field"].as_str().map(str::to_owned);
                Told::Taken(field.expect("a field"))
            }
            _ => panic!("{dialect:?}: {reply}"),
        }
    }

    async fn run(&self, race: Race, round: usize) -> [Told; 2] {
        let [one, other] = [0, 1].map(|client| self.call(race, client, round));
        let (one, other) = (one.await, other.await);
        // Neither is always first.
        let lead = Duration::from_micros(rand::random_range(0..6_000));
        let wait = async |first: bool| {
            if first {
                tokio::time::sleep(lead).await;
            }
        };
        let first = rand::random();
        let (one, other) = tokio::join!(
            async {
                wait(first).await;
                one.send().await
            },
            async {
                wait(!first).await;
                other.send().await
            },
        );
        let told = [
            self.told(race.dialects[0], &one).await,
            self.told(race.dialects[1], &other).await,
        ];
        race.judge(&told);
        told
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_make_one_user_at_once_one_wins_in_all_dialects_and_tenants() {
    let rounds = std::env::var("MUSTER_RACES").map_or(ROUNDS, |n| n.parse().expect("a number"));
    let w = World::start().await;
    let store = store_or_skip!(w);
    let mut tasks = [[0; 2]; 2];
    for (tenant, tasks) in tasks.iter_mut().enumerate() {
        for task in tasks {
            *task = store.task(&w, tenant, |_| {}).await;
        }
    }
    let course = Course {
        w: &w,
        store,
        tasks,
    };
    let races = Race::all();
    let mut told = Vec::new();
    let mut figures: BTreeMap<(Race, [Told; 2]), usize> = BTreeMap::new();
    for round in 0..rounds {
        let race = races[round % races.len()];
        let answers = course.run(race, round).await;
        *figures.entry((race, answers.clone())).or_default() += 1;
        told.push(answers);
    }
    for ((race, told), count) in figures {
        println!("{count:4} {race:?}: {told:?}");
    }
    let rows = store.directory().await;
    judge(&rows);
    assert_eq!(
        dangling(&rows),
        [],
        "claims that name nobody who has the id"
    );
    for (round, told) in told.iter().enumerate() {
        let tag = w.login(&format!(".r{round}x"));
        let ours = users(&rows).filter(|row| text(row, "pk").is_some_and(|it| it.ends_with(&tag)));
        let expected = Race::users(told);
        assert_eq!(ours.count(), expected, "round {round}: {told:?}");
    }
}
