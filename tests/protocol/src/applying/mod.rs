//! A run that is applied from the queue: writers, messages, the sweeper, cancelling, finishing, and
//! other people on the same logins (PROTOCOL §5, §6, §8, §9, §10).
//!
//! A statement is one step, for the store decides it at one moment. Between the steps anything may
//! happen. A worker that dies or reaches its deadline may leave a statement on its way, which the
//! store may see at any later time.

mod others;
mod sweeper;
#[cfg(test)]
mod tests;
mod writer;

use stateright::{Model, Property};

use crate::directory::{Login, Value};
use crate::mutant::Mutant;
use crate::search::Ending;
use writer::{Work, Worker};

/// Records of the file, and so logins: record n is about login n.
const RECORDS: usize = 2;
/// One count for each record, so that two errors do not cancel each other out.
type Counts = [u8; RECORDS];

/// The bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Applying {
    /// The records of each chunk.
    pub(crate) chunks: Vec<Vec<usize>>,
    /// What stands under the logins when the run begins.
    pub(crate) standing: [Value; RECORDS],
    /// The records name a manager, whom writers look up in another row.
    pub(crate) managers: bool,
    /// A synchronous function has written the second record, and has left the write of the first
    /// on its way, before it handed the run over.
    pub(crate) handed_over: bool,
    pub(crate) workers: usize,
    /// Starts of a chunk before the sweeper gives up.
    pub(crate) tries: u8,
    /// Deaths, deadlines, lost and doubled messages, lost answers, chunks handed back: so many in
    /// all.
    pub(crate) faults: u8,
    /// Writes of others: so many in all.
    pub(crate) others: u8,
    pub(crate) cancel: bool,
    pub(crate) mutant: Option<Mutant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    lock: Lock,
    run: Run,
    /// How often the run has become terminal.
    ends: u8,
    rows: Vec<Row>,
    /// Messages that wait: to write, and to reconcile, for each chunk.
    queue: Vec<[u8; 2]>,
    workers: Vec<Worker>,
    logins: [Login; RECORDS],
    /// The manager is there.
    manager: bool,
    /// What a mutant counts as it goes.
    added: Counts,
    /// What really happened: how often each record was written, and chunks were started.
    effects: Counts,
    starts: Vec<u8>,
    faults: u8,
    others: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lock {
    Free,
    Ours,
    /// Another run of the same task.
    Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Run {
    Applying,
    Cancelling,
    GivingUp,
    Finished(Counts),
}

impl Run {
    const fn is_over(self) -> bool {
        matches!(self, Self::Finished(_))
    }

    const fn is_stopping(self) -> bool {
        matches!(self, Self::Cancelling | Self::GivingUp)
    }
}

/// The row of a chunk: START and CHUNK in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Row {
    started: bool,
    tries: u8,
    owner: Option<usize>,
    /// START is older than a writer's deadline and 10 s.
    expired: bool,
    /// Was taken over from an owner who may have left a statement on its way.
    unsure: bool,
    result: Option<Counts>,
}

impl Row {
    const fn may_start(&self) -> bool {
        self.result.is_none() && (!self.started || self.owner.is_none() || self.expired)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A message is received and its chunk started, if it can be.
    Deliver(Work, usize),
    /// The next statement of a worker.
    Step(usize),
    StaleRead(usize),
    /// What a worker has left on its way arrives, or never does.
    Late(usize),
    LateLost(usize),
    /// A chunk's owner is gone for so long that it counts as gone.
    Expire(usize),
    Resend(usize),
    Skip(usize),
    Reconcile(usize),
    GiveUp,
    SweeperFinishes,
    Die(usize),
    LoseAnswer(usize),
    HandBack(usize),
    Lose(Work, usize),
    Double(Work, usize),
    Cancel,
    Put(usize),
    OtherTask(usize),
    Rename(usize, usize),
    ManagerComesOrGoes,
    NextRun(usize),
    HoldExpires,
}

impl Applying {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn chunks(&self) -> std::ops::Range<usize> {
        0..self.chunks.len()
    }
}

impl Model for Applying {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let chunks = self.chunks.len();
        let mut state = State {
            lock: Lock::Ours,
            run: Run::Applying,
            ends: 0,
            rows: vec![Row::default(); chunks],
            queue: vec![[1, 0]; chunks],
            workers: vec![Worker::Idle; self.workers],
            logins: self.standing.map(Login::new),
            manager: self.managers,
            added: Counts::default(),
            effects: Counts::default(),
            starts: vec![0; chunks],
            faults: self.faults,
            others: self.others,
        };
        if self.handed_over {
            self.hand_over(&mut state);
        }
        let mut states = vec![state.clone()];
        if self.managers {
            state.manager = false;
            states.push(state);
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.deliveries(state, actions);
        self.steps(state, actions);
        self.sweeps(state, actions);
        self.faults(state, actions);
        self.interferences(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Deliver(work, chunk) => self.deliver(&mut state, work, chunk),
            Action::Step(worker) => self.step(&mut state, worker, false),
            Action::StaleRead(worker) => self.step(&mut state, worker, true),
            Action::Late(worker) => self.arrive(&mut state, worker),
            Action::LateLost(worker) => state.workers[worker] = Worker::Idle,
            Action::Expire(chunk) => state.rows[chunk].expired = true,
            Action::Resend(_)
            | Action::Skip(_)
            | Action::Reconcile(_)
            | Action::GiveUp
            | Action::SweeperFinishes => self.sweep(&mut state, &action),
            Action::Die(_)
            | Action::LoseAnswer(_)
            | Action::HandBack(_)
            | Action::Lose(..)
            | Action::Double(..) => self.fail(&mut state, &action),
            Action::Cancel
            | Action::Put(_)
            | Action::OtherTask(_)
            | Action::Rename(..)
            | Action::ManagerComesOrGoes
            | Action::NextRun(_)
            | Action::HoldExpires => self.interfere(&mut state, &action),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1)
            }),
            Property::always(COUNTS, |_, state: &State| match state.run {
                Run::Finished(counts) => counts == state.effects,
                _ => true,
            }),
            Property::always(ONE_END, |_, state: &State| state.ends <= 1),
            Property::always(FREE, |_, state: &State| {
                !state.run.is_over() || state.lock != Lock::Ours
            }),
            Property::always(HELD, |_, state: &State| {
                state.run.is_over() || state.lock == Lock::Ours
            }),
            Property::always(TRIED, |model: &Self, state: &State| {
                state.run != Run::GivingUp || state.starts.iter().any(|n| *n >= model.tries)
            }),
            Property::sometimes("all records are applied", |_, state: &State| {
                matches!(state.run, Run::Finished([1, 1]))
            }),
        ];
        if self.cancel {
            properties.push(Property::sometimes(
                "a cancelled run ends with a part applied",
                |_, state: &State| matches!(state.run, Run::Finished([1, 0] | [0, 1])),
            ));
        }
        properties
    }
}

impl Ending for Applying {
    fn is_progress(action: &Action) -> bool {
        matches!(
            action,
            Action::Deliver(..)
                | Action::Step(_)
                | Action::Late(_)
                | Action::LateLost(_)
                | Action::Expire(_)
                | Action::Resend(_)
                | Action::Skip(_)
                | Action::Reconcile(_)
                | Action::GiveUp
                | Action::SweeperFinishes
        )
    }

    fn is_over(state: &State) -> bool {
        state.run.is_over()
    }
}

pub(crate) const ONCE: &str = "no record is applied twice";
pub(crate) const COUNTS: &str = "the counts of an ended run are what was applied, for ever";
pub(crate) const ONE_END: &str = "a run ends once";
pub(crate) const FREE: &str = "an ended run does not hold its task";
pub(crate) const HELD: &str = "a run holds its task until it ends";
pub(crate) const TRIED: &str = "nobody gives up a chunk that was not tried";
