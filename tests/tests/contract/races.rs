//! Two clients that create a user with the same login, or the same external id, at once: in every
//! pair of dialects, in one tenant or in two. One wins, the other gets the response of its dialect,
//! and leaves nothing behind.
//!
//! `MUSTER_RACES=1000 cargo test -p muster-tests races` runs more rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_tests::{Access, Call, Reply, World};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::single_users::rows::{dangling, text, users, verify};
use crate::support::import_id;

/// Rounds by default: a few seconds.
const ROUNDS: usize = 60;

/// The client whose tasks apply a record without an external id that is taken; others ignore it.
const APPLYING: usize = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    Quant,
    Collaborator,
    Qvalon,
}

use Dialect::{Collaborator, Quant, Qvalon};

/// The value that only one user can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contested {
    Login,
    ExternalId,
}

/// Two requests at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Race {
    dialects: [Dialect; 2],
    tenants: [usize; 2],
    contested: Contested,
}

/// The response to a client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Response {
    Created,
    /// Created, without the external id.
    WithoutId,
    Updated,
    Ignored,
    /// Refused because the value of this key is taken.
    Taken(String),
}

impl Race {
    /// Returns every combination.
    fn all() -> Vec<Self> {
        let dialects = [Quant, Collaborator, Qvalon];
        let mut all = Vec::new();
        for contested in [Contested::Login, Contested::ExternalId] {
            for tenants in [[0, 0], [0, 1]] {
                for first in dialects {
                    for second in dialects {
                        all.push(Self {
                            dialects: [first, second],
                            tenants,
                            contested,
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

    /// Returns the possible responses to this client if it loses.
    fn losing_responses(self, client: usize) -> Vec<Response> {
        let taken = |key: &str| Response::Taken(key.to_owned());
        match (self.contested, self.dialects[client]) {
            (Contested::Login, Quant) if self.is_within_a_tenant() => vec![Response::Updated],
            (Contested::Login, Quant) => vec![Response::Ignored],
            // A user without an external id gets that of the request.
            (Contested::Login, Collaborator) if self.is_within_a_tenant() => {
                vec![Response::Updated, taken("login")]
            }
            (Contested::Login, Collaborator | Qvalon) => vec![taken("login")],
            (Contested::ExternalId, Quant) if client == APPLYING => vec![Response::WithoutId],
            (Contested::ExternalId, Quant) => vec![Response::Ignored],
            // An import that has not created its user yet has already claimed the id.
            (Contested::ExternalId, Collaborator) if self.dialects.contains(&Quant) => {
                vec![Response::Updated, taken("uid")]
            }
            (Contested::ExternalId, Collaborator) => vec![Response::Updated],
            (Contested::ExternalId, Qvalon) => vec![taken("externalId")],
        }
    }

    /// Asserts that exactly one client has won, or both if they do not compete.
    fn verify_responses(self, responses: &[Response; 2]) {
        let winners = responses
            .iter()
            .filter(|response| **response == Response::Created)
            .count();
        if self.contested == Contested::ExternalId && !self.is_within_a_tenant() {
            assert_eq!(winners, 2, "{self:?}: {responses:?}");
            return;
        }
        assert_eq!(winners, 1, "{self:?}: {responses:?}");
        let loser = usize::from(responses[0] == Response::Created);
        let expected = self.losing_responses(loser);
        assert!(
            expected.contains(&responses[loser]),
            "{self:?}: {responses:?}"
        );
    }

    /// Returns the number of users that the race leaves.
    fn user_count(responses: &[Response; 2]) -> usize {
        let created =
            |response: &&Response| matches!(response, Response::Created | Response::WithoutId);
        responses.iter().filter(created).count()
    }
}

/// A world with a task for each client in each tenant.
struct RaceTrack<'w> {
    w: &'w World,
    store: &'w Access,
    tasks: [[u64; 2]; 2],
}

impl RaceTrack<'_> {
    /// Returns the request of a client.
    async fn call(&self, race: Race, client: usize, round: usize) -> Call<'_> {
        let tenant = race.tenants[client];
        let value = |kind: Contested, name: &str| {
            let number = if race.contested == kind { 2 } else { client };
            self.w.login(&format!("{name}{number}.r{round}x"))
        };
        let (login, id) = (
            value(Contested::Login, "user"),
            value(Contested::ExternalId, "id"),
        );
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
                // An import that comes second would replace the id of the other client's user and
                // leave its first id to anybody.
                if race.contested == Contested::ExternalId || !race.is_within_a_tenant() {
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
                if race.contested == Contested::ExternalId || round.is_multiple_of(2) {
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

    /// Parses the response to a client.
    async fn response(&self, dialect: Dialect, reply: &Reply) -> Response {
        let key = |text: &str| text.split(": ").next().map(str::to_owned);
        match (dialect, reply.status) {
            (Quant, 200) => {
                let run = import_id(reply);
                let counts = self.store.run(run).await.counts.expect("counts");
                let warned = !reply.warnings().is_empty();
                match [counts.created, counts.updated, counts.ignored] {
                    [1, 0, 0] if warned => Response::WithoutId,
                    [1, 0, 0] => Response::Created,
                    [0, 1, 0] if !warned => Response::Updated,
                    [0, 0, 1] => Response::Ignored,
                    _ => panic!("{reply}"),
                }
            }
            (Collaborator, 200) => match reply.text() {
                r#"{"created_count":1,"updated_count":0,"blocked_count":0,"unblocked_count":0}"# => {
                    Response::Created
                }
                r#"{"created_count":0,"updated_count":1,"blocked_count":0,"unblocked_count":0}"# => {
                    Response::Updated
                }
                _ => panic!("{reply}"),
            },
            (Collaborator, 400 | 429) => {
                assert_eq!(reply.status == 429, reply.header("retry-after").is_some());
                let error = reply.json()["error"].as_str().and_then(key);
                Response::Taken(error.expect("a text"))
            }
            (Qvalon, 200) => Response::Created,
            (Qvalon, 409) => {
                let field = reply.json()["field"].as_str().map(str::to_owned);
                Response::Taken(field.expect("a field"))
            }
            _ => panic!("{dialect:?}: {reply}"),
        }
    }

    async fn run(&self, race: Race, round: usize) -> [Response; 2] {
        let [one, other] = [0, 1].map(|client| self.call(race, client, round));
        let (one, other) = (one.await, other.await);
        // One of them waits for a moment, as the number of the round determines.
        let mut rng = SmallRng::seed_from_u64(round as u64);
        let delay = Duration::from_micros(rng.random_range(0..6_000));
        let wait = async |is_delayed: bool| {
            if is_delayed {
                tokio::time::sleep(delay).await;
            }
        };
        let one_is_delayed = rng.random();
        let (one, other) = tokio::join!(
            async {
                wait(one_is_delayed).await;
                one.send().await
            },
            async {
                wait(!one_is_delayed).await;
                other.send().await
            },
        );
        let responses = [
            self.response(race.dialects[0], &one).await,
            self.response(race.dialects[1], &other).await,
        ];
        race.verify_responses(&responses);
        responses
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_clients_that_create_the_same_user_at_once_exactly_one_wins() {
    let rounds = std::env::var("MUSTER_RACES").map_or(ROUNDS, |n| n.parse().expect("a number"));
    let w = World::start().await;
    let store = &w.store;
    let mut tasks = [[0; 2]; 2];
    for (tenant, tasks) in tasks.iter_mut().enumerate() {
        for (client, task) in tasks.iter_mut().enumerate() {
            let conflicts = if client == APPLYING {
                "apply"
            } else {
                "ignore"
            };
            let change = |task: &mut Value| task["external_id_conflicts"] = conflicts.into();
            *task = store.task(&w, tenant, change).await;
        }
    }
    let track = RaceTrack {
        w: &w,
        store,
        tasks,
    };
    let races = Race::all();
    let mut all_responses = Vec::new();
    let mut counts: BTreeMap<(Race, [Response; 2]), usize> = BTreeMap::new();
    for round in 0..rounds {
        let race = races[round % races.len()];
        let responses = track.run(race, round).await;
        *counts.entry((race, responses.clone())).or_default() += 1;
        all_responses.push(responses);
    }
    for ((race, responses), count) in counts {
        println!("{count:4} {race:?}: {responses:?}");
    }
    let rows = store.directory().await;
    verify(&rows);
    assert_eq!(dangling(&rows), [], "claims without a user who has the id");
    for (round, responses) in all_responses.iter().enumerate() {
        let tag = w.login(&format!(".r{round}x"));
        let ours = users(&rows).filter(|row| text(row, "pk").is_some_and(|it| it.ends_with(&tag)));
        let expected = Race::user_count(responses);
        assert_eq!(ours.count(), expected, "round {round}: {responses:?}");
    }
}
