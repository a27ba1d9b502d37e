//! Records the effects of a run's statements on users, from the store's responses. A run's own
//! counts are compared with these.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::HttpResponse;
use muster_aws::runs::RunId;
use serde_json::Value;

/// A statement that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The record's number.
    pub record: u64,
    /// The run of its stamp.
    run: String,
    /// The outcome in its stamp: `created`, `updated`, …
    pub outcome: String,
    /// The login in its canonical form.
    pub login: String,
}

/// The effects of statements and transactions, of one run or of all. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct EffectLog {
    run: Option<String>,
    effects: Arc<Mutex<Vec<Effect>>>,
    /// The transactions so far: a client repeats one without a response under the same token, which
    /// has no further effect.
    transactions: Arc<Mutex<HashSet<String>>>,
}

impl EffectLog {
    /// Returns the same log, limited to the effects of this run.
    #[must_use]
    pub fn of_run(&self, run: RunId) -> Self {
        Self {
            run: Some(run.to_string()),
            effects: Arc::clone(&self.effects),
            transactions: Arc::clone(&self.transactions),
        }
    }

    /// Returns the effects in order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        let of_run = |effect: &&Effect| self.run.as_ref().is_none_or(|run| *run == effect.run);
        effects.iter().filter(of_run).cloned().collect()
    }

    /// Returns the number of effects with this outcome.
    #[must_use]
    pub fn count(&self, outcome: &str) -> u64 {
        let effects = self.effects().into_iter();
        effects.filter(|effect| effect.outcome == outcome).count() as u64
    }

    /// Returns the records with more than one effect, and their outcomes.
    #[must_use]
    pub fn repeated(&self) -> BTreeMap<u64, Vec<String>> {
        let mut by_record: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for effect in self.effects() {
            by_record
                .entry(effect.record)
                .or_default()
                .push(effect.outcome);
        }
        by_record.retain(|_, outcomes| outcomes.len() > 1);
        by_record
    }

    pub(super) fn record(&self, request: &Value, response: &HttpResponse) {
        if !response.status().is_success() {
            return;
        }
        if let Some(writes) = request["TransactItems"].as_array() {
            let token = request["ClientRequestToken"].as_str().unwrap_or_default();
            let transactions = self.transactions.lock();
            let mut transactions = transactions.unwrap_or_else(PoisonError::into_inner);
            if transactions.insert(token.to_owned()) {
                self.add(writes.iter().flat_map(effects_of_put).collect());
            }
            return;
        }
        let Some(statements) = request["Statements"].as_array() else {
            return;
        };
        let body = response.body().bytes().unwrap_or_default();
        let body: HashMap<String, Value> = serde_json::from_slice(body).expect("a JSON object");
        let responses = body["Responses"].as_array().expect("a list of responses");
        let applied = statements
            .iter()
            .zip(responses)
            .filter(|(_, response)| response.get("Error").is_none_or(Value::is_null));
        let applied: Vec<Effect> = applied
            .flat_map(|(statement, _)| effects_of(statement))
            .collect();
        self.add(applied);
    }

    fn add(&self, applied: Vec<Effect>) {
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.extend(applied);
    }
}

/// Returns the effects of a put within a transaction. The tombstone that a rename leaves has the stamps
/// of earlier writes, and is none.
fn effects_of_put(write: &Value) -> Vec<Effect> {
    let item = &write["Put"]["Item"];
    let login = item["pk"]["S"].as_str();
    let login = login.and_then(|key| key.strip_prefix("U#"));
    let (Some(login), false) = (login, item["id"].is_null()) else {
        return Vec::new();
    };
    let stamps = item["stamps"]["S"].as_str().unwrap_or_default();
    let lines = stamps.lines();
    lines.filter_map(|line| parse_stamp(line, login)).collect()
}

/// Returns the effects of a statement on a user by the stamps that it writes: of any run, since
/// stamps of older runs are kept.
fn effects_of(statement: &Value) -> Vec<Effect> {
    let parameters = statement["Parameters"].as_array();
    let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
    let key = |it: &Value| Some(it["S"].as_str()?.strip_prefix("U#")?.to_owned());
    let Some(login) = parameters.iter().find_map(key) else {
        return Vec::new();
    };
    let texts = parameters.iter().filter_map(|it| it["S"].as_str());
    let lines = texts.flat_map(str::lines);
    lines.filter_map(|line| parse_stamp(line, &login)).collect()
}

/// Reads the line of a stamp.
fn parse_stamp(line: &str, login: &str) -> Option<Effect> {
    let mut parts = line.split(' ');
    let (run, _task) = (parts.next()?, parts.next()?);
    let effect = Effect {
        run: run.to_owned(),
        record: parts.next()?.parse().ok()?,
        outcome: parts.next()?.to_owned(),
        login: login.to_owned(),
    };
    let expires_at: Option<i64> = parts.next()?.parse().ok();
    expires_at.map(|_| effect)
}
