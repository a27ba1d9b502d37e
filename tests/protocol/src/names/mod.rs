//! Names that move within a file, external ids and logins: a record whose name is held by a user of the
//! file who gives it up is deferred; a judge decides which of these records go; they move in a round
//! of their own.
//!
//! Each record is a chunk, with one attempt at a time: the model `applying` covers chunk leases.

mod ids;
mod logins;

use std::fmt::Debug;
use std::hash::Hash;

/// The rounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Round {
    Apply,
    Move,
    /// Only of logins: who is still parked is renamed.
    Home,
    /// Cancelled: what may be in flight is fenced.
    Stopping,
    Over,
}

/// A step of a writer.
trait Step: Copy + Debug + Eq + Hash {
    /// A statement that the store executes atomically.
    type Statement: Copy + Debug + Eq + Hash;

    /// Returns the first step of a round.
    fn first(round: Round) -> Self;

    /// Returns the statement that this step sends.
    fn statement(self) -> Option<Self::Statement>;
}

/// The work on a record in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Work<S> {
    /// There is none in this round, or its result is committed.
    Done,
    At(S),
}

/// A deferred record: its name is held by this user, whose record gives it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deferred {
    holder: usize,
    /// `None` only of a mutant, for which users who are not in the file give up their names.
    record: Option<usize>,
}

/// A run. Everything but its round has an entry for each record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Run<S: Step> {
    round: Round,
    cancelled: bool,
    records: Vec<Work<S>>,
    in_flight: Vec<Option<S::Statement>>,
    /// An earlier attempt may still write the record.
    unsure: Vec<bool>,
    deferred: Vec<Option<Deferred>>,
    /// A name that the record's user has at the end of Apply, although the file says that the user
    /// gives it up.
    keepers: Vec<Option<usize>>,
    /// The user from whom the record may take its name.
    go: Vec<Option<usize>>,
    /// Number of times that the record was counted as applied, was counted, and was in fact applied.
    applied: Vec<u8>,
    counted: Vec<u8>,
    effects: Vec<u8>,
}

/// An action of a run. The numbers are those of the run and of the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RunAction {
    /// Executes the next step of a record's writer.
    Step(usize, usize),
    /// The statement in flight of a record arrives, or never does.
    ArriveLate(usize, usize),
    NeverArrive(usize, usize),
    /// The writer of a record crashes, and another one begins.
    Crash(usize, usize),
    /// Enters the next round of a run, or ends it.
    Advance(usize),
}

impl RunAction {
    /// Returns true for what happens by itself sooner or later.
    const fn is_progress(&self) -> bool {
        !matches!(self, Self::Crash(..))
    }

    /// Returns the possible actions of runs.
    fn all<S: Step>(runs: &[Run<S>], faults: u8, omitted: Omitted) -> Vec<Self> {
        let mut actions = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            for (record, work) in run.records.iter().enumerate() {
                if run.in_flight[record].is_some() {
                    actions.push(Self::ArriveLate(number, record));
                    actions.push(Self::NeverArrive(number, record));
                }
                if *work != Work::Done {
                    actions.push(Self::Step(number, record));
                }
                if faults > 0 && run.may_crash(record) {
                    actions.push(Self::Crash(number, record));
                }
            }
            if run.may_advance(omitted) {
                actions.push(Self::Advance(number));
            }
        }
        actions
    }
}

/// Rules of rounds that mutants leave out.
#[derive(Clone, Copy, Debug, Default)]
struct Omitted {
    judge: bool,
    fence_for_deferred: bool,
    all_move_rows: bool,
}

impl<S: Step> Run<S> {
    fn new(records: usize) -> Self {
        Self {
            round: Round::Apply,
            cancelled: false,
            records: vec![Work::At(S::first(Round::Apply)); records],
            in_flight: vec![None; records],
            unsure: vec![false; records],
            deferred: vec![None; records],
            keepers: vec![None; records],
            go: vec![None; records],
            applied: vec![0; records],
            counted: vec![0; records],
            effects: vec![0; records],
        }
    }

    /// Follows the deferred records from each one to that of the user who has what it wants: those of a
    /// circle go, those of a path that leads into one, and those of a path whose last user has left.
    /// `wanted` are the names of the records. If others rename users, two records may be deferred because
    /// of the same user, so that a path can lead into a circle.
    fn judge(&mut self, wanted: &[Option<usize>], omitted: Omitted) {
        let goes = |first: usize| {
            let mut record = first;
            for _ in 0..wanted.len() {
                match self.deferred[record].and_then(|deferred| deferred.record) {
                    Some(next) if self.deferred[next].is_some() => record = next,
                    _ => return !self.keepers.contains(&wanted[record]),
                }
            }
            // More steps than records: the path has come to a circle.
            true
        };
        let verdict = (0..wanted.len()).map(|record| {
            let deferred = self.deferred[record]?;
            (omitted.judge || goes(record)).then_some(deferred.holder)
        });
        self.go = verdict.collect();
    }

    fn is_deferred(&self) -> bool {
        self.deferred.iter().any(Option::is_some)
    }

    /// Returns true if the round has all its results.
    fn may_advance(&self, omitted: Omitted) -> bool {
        let all = self.records.iter().all(|work| *work == Work::Done);
        let early = omitted.all_move_rows && self.round == Round::Move;
        self.round != Round::Over && (all || early)
    }

    /// Enters a round with these records.
    fn enter(&mut self, round: Round, is_in_it: impl Fn(&Self, usize) -> bool) {
        self.round = round;
        for record in 0..self.records.len() {
            self.records[record] = match is_in_it(self, record) {
                true => Work::At(S::first(round)),
                false => Work::Done,
            };
        }
    }

    /// Ends an attempt: its statement is in flight, if there is one.
    fn leave(&mut self, record: usize) {
        if let Work::At(step) = self.records[record] {
            self.in_flight[record] = step.statement().or(self.in_flight[record]);
            self.unsure[record] = true;
        }
    }

    /// Ends an attempt, and begins another one.
    fn crash(&mut self, record: usize) {
        self.leave(record);
        self.records[record] = Work::At(S::first(self.round));
    }

    /// Returns true if a record's writer can crash with no more than one statement in flight.
    fn may_crash(&self, record: usize) -> bool {
        match self.records[record] {
            Work::Done => false,
            Work::At(step) => self.in_flight[record].is_none() || step.statement().is_none(),
        }
    }

    /// Stops a run: each record that has no result is fenced, and each deferred one whose statement may
    /// be in flight.
    fn cancel(&mut self, omitted: Omitted) {
        let in_apply = self.round == Round::Apply && !omitted.fence_for_deferred;
        let open: Vec<bool> = (0..self.records.len())
            .map(|record| {
                self.leave(record);
                let is_deferred = in_apply && self.deferred[record].is_some();
                self.records[record] != Work::Done || is_deferred && self.unsure[record]
            })
            .collect();
        self.cancelled = true;
        self.enter(Round::Stopping, |_, record| open[record]);
    }

    /// Commits the result of a record.
    fn commit(&mut self, record: usize, applied: bool, keeps: Option<usize>) {
        self.records[record] = Work::Done;
        self.counted[record] += 1;
        self.applied[record] += u8::from(applied);
        self.keepers[record] = keeps;
    }

    /// Returns true if no record was applied twice.
    fn is_applied_once(&self) -> bool {
        self.effects.iter().all(|effects| *effects <= 1)
    }

    /// Returns true unless the run is over and has counted something else than what it did.
    fn is_counted(&self) -> bool {
        let once = |counted: &u8| *counted == 1 || self.cancelled && *counted == 0;
        self.round != Round::Over || self.applied == self.effects && self.counted.iter().all(once)
    }

    /// Returns true if the run is over, and nothing of it is in flight.
    fn is_settled(&self) -> bool {
        self.round == Round::Over && self.in_flight.iter().all(Option::is_none)
    }
}

const ONCE: &str = "no record is applied twice";
const COUNTED: &str = "each record is counted once, as what it was";
const ALL_APPLIED: &str = "without interference, all records that can be applied are";
