//! What the statements of a run have done to users, as the store answered them: the truth that a
//! run's own figures are compared with.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::HttpResponse;
use muster_aws::runs::RunId;
use serde_json::Value;

/// One that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The record's number.
    pub record: u64,
    /// The run whose stamp says so.
    run: String,
    /// `created`, `updated`, or what else its stamp says.
    pub outcome: String,
    /// The login in its canonical form.
    pub login: String,
}

/// What statements have done in the name of a run; which one may turn out later. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    run: Option<String>,
    effects: Arc<Mutex<Vec<Effect>>>,
}

impl Applied {
    /// What this run has done of it.
    #[must_use]
    pub fn by(&self, run: RunId) -> Self {
        Self {
            run: Some(run.to_string()),
            effects: Arc::clone(&self.effects),
        }
    }

    /// What has been done, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = |effect: &&Effect| self.run.as_ref().is_none_or(|run| *run == effect.run);
        effects.iter().filter(ours).cloned().collect()
    }

    /// How many records have this outcome.
    #[must_use]
    pub fn count(&self, outcome: &str) -> u64 {
        let effects = self.effects().into_iter();
        effects.filter(|effect| effect.outcome == outcome).count() as u64
    }

    /// The records with more than one effect, and which.
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

    pub(super) fn note(&self, request: &Value, answer: &HttpResponse) {
        let Some(statements) = request["Statements"].as_array() else {
            return;
        };
        if !answer.status().is_success() {
            return;
        }
        let answered = answer.body().bytes().unwrap_or_default();
        let answered: HashMap<String, Value> = serde_json::from_slice(answered).expect("an answer");
        let answers = answered["Responses"].as_array().expect("answers");
        let done = statements
            .iter()
            .zip(answers)
            .filter(|(_, answer)| answer.get("Error").is_none_or(Value::is_null));
        let done: Vec<Effect> = done
            .flat_map(|(statement, _)| effects_of(statement))
            .collect();
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.extend(done);
    }
}

/// What a statement on a user does, by its stamps: in the name of any run, for older ones' stay.
fn effects_of(statement: &Value) -> Vec<Effect> {
    let parameters = statement["Parameters"].as_array();
    let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
    let key = |it: &Value| Some(it["S"].as_str()?.strip_prefix("U#")?.to_owned());
    let Some(login) = parameters.iter().find_map(key) else {
        return Vec::new();
    };
    let stamped = |line: &str| {
        let mut parts = line.split(' ');
        let (run, _task) = (parts.next()?, parts.next()?);
        let effect = Effect {
            run: run.to_owned(),
            record: parts.next()?.parse().ok()?,
            outcome: parts.next()?.to_owned(),
            login: login.clone(),
        };
        let until: Option<i64> = parts.next()?.parse().ok();
        until.map(|_| effect)
    };
    let texts = parameters.iter().filter_map(|it| it["S"].as_str());
    texts.flat_map(str::lines).filter_map(stamped).collect()
}
