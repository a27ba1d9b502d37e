//! The store: executes statements, each in one transaction.

use super::state::{
    IDS, LOGINS, Logins, PLACES, RUNS, Row, STRANGER, State, Statement, last_resort, parked,
};
use crate::directory::Stamp;
use crate::mutant::Mutant;

impl Row {
    /// Removes the user and leaves a tombstone with its stamps. Returns the user and the external id.
    fn leave(&mut self, reserved: Option<usize>) -> (Option<usize>, Option<usize>) {
        self.version += 1;
        self.reserved = reserved;
        self.parked = None;
        (self.user.take(), self.id.take())
    }

    /// Puts a user here, who comes from a row of this version.
    fn enter(&mut self, (user, id): (Option<usize>, Option<usize>), from_version: u8) {
        self.user = user;
        self.id = id;
        self.version = self.version.max(from_version) + 1;
        self.reserved = None;
    }
}

impl Logins {
    /// Executes a statement for a record. Returns false if a condition is not met.
    pub(super) fn send(
        &self,
        state: &mut State,
        run: usize,
        record: usize,
        statement: Statement,
    ) -> bool {
        let own = self.files[run][record].login;
        let id = self.files[run][record].id;
        let has = |state: &State, place: usize, seen: u8| state.rows[place].version == seen;
        let stamp = match statement {
            Statement::Update { seen } => {
                if !has(state, own, seen) {
                    return false;
                }
                state.rows[own].version += 1;
                own
            }
            Statement::Adopt { seen, claim } => {
                if !has(state, own, seen) || state.claims[id] != claim {
                    return false;
                }
                state.rows[own].version += 1;
                state.rows[own].id = Some(id);
                state.claims[id].write(Some(own));
                own
            }
            Statement::Create { seen, claim } => {
                if !has(state, own, seen) || state.claims[id] != claim {
                    return false;
                }
                self.create(state, record, own, id);
                own
            }
            Statement::Rename {
                seen,
                from,
                from_seen,
            } => {
                let is_free = has(state, own, seen) || self.is(Mutant::RenameWithoutNewVersion);
                if !is_free || !has(state, from, from_seen) {
                    return false;
                }
                self.bring(state, run, from, own);
                state.claims[id].write(Some(own));
                match self.is(Mutant::StampUnderTheOldLogin) {
                    true => from,
                    false => own,
                }
            }
            Statement::Take {
                seen,
                from,
                claim,
                parked_seen,
            } => {
                let is_same = match from {
                    Some((from, from_seen)) => has(state, from, from_seen),
                    None => state.claims[id] == claim,
                };
                let Some(holder) = state.rows[own].user.filter(|_| has(state, own, seen)) else {
                    return false;
                };
                if !is_same || !has(state, parked(holder), parked_seen) {
                    return false;
                }
                self.park(state, run, own, holder);
                match from {
                    Some((from, _)) => self.bring(state, run, from, own),
                    None => self.create(state, record, own, id),
                }
                state.claims[id].write(Some(own));
                own
            }
            Statement::Fence { seen } => {
                if !has(state, own, seen) {
                    return false;
                }
                state.rows[own].version += 1;
                state.rows[own].stamps[run] = Some(Stamp::Fenced);
                return true;
            }
            Statement::Home { seen, to, to_seen } => {
                let Some(holder) = state.runs[run].go[record] else {
                    return false;
                };
                if !has(state, parked(holder), seen) || !has(state, to, to_seen) {
                    return false;
                }
                move_user(state, parked(holder), to, None);
                state.displaced += u8::from(to == last_resort(holder));
                return true;
            }
        };
        state.rows[stamp].stamps[run] = Some(Stamp::Written);
        state.runs[run].effects[record] += 1;
        true
    }

    fn create(&self, state: &mut State, record: usize, own: usize, id: usize) {
        state.rows[own].enter((Some(IDS + record), Some(id)), 0);
        state.claims[id].write(Some(own));
        state.users += 1;
    }

    /// Moves a user from a place to a login, for a record of a run.
    fn bring(&self, state: &mut State, run: usize, from: usize, to: usize) {
        let is_named = self.files[run].iter().any(|record| record.login == from);
        let is_reserved = match self.mutant {
            Some(Mutant::NothingReserved) => false,
            Some(Mutant::EveryTombstoneReserved) => from < LOGINS,
            _ => is_named,
        };
        move_user(state, from, to, is_reserved.then_some(run));
    }

    fn park(&self, state: &mut State, run: usize, login: usize, holder: usize) {
        let id = state.rows[login].id;
        let claim = id.map(|id| state.claims[id]);
        move_user(state, login, parked(holder), None);
        state.rows[parked(holder)].parked = Some((run, login));
        if let (Some(id), Some(claim)) = (id, claim)
            && self.is(Mutant::ClaimLeftBehindByTake)
        {
            state.claims[id] = claim;
        }
    }

    /// Renames a user as somebody else does, if nobody is at the login.
    pub(super) fn rename(&self, state: &mut State, from: usize, to: usize) {
        if let Some(user) = state.rows[from].user {
            state.allowed[user] |= 1 << to;
        }
        let id = state.rows[from].id;
        move_user(state, from, to, None);
        if let Some(id) = id
            && self.is(Mutant::SingleWritesWithoutMark)
        {
            state.claims[id].mark -= 1;
        }
    }

    /// Creates a user as somebody else does.
    pub(super) fn create_stranger(&self, state: &mut State, login: usize) {
        state.rows[login].enter((Some(STRANGER), None), 0);
        state.allowed[STRANGER] |= 1 << login;
        state.users += 1;
    }

    /// Clears the external id of a user as somebody else does.
    pub(super) fn clear_id(&self, state: &mut State, place: usize) {
        if let Some(id) = state.rows[place].id.take() {
            state.claims[id].write(None);
        }
        state.rows[place].version += 1;
    }
}

/// Moves a user and the claim on the external id. The stamps stay where they are.
fn move_user(state: &mut State, from: usize, to: usize, reserved: Option<usize>) {
    let version = state.rows[from].version;
    let user = state.rows[from].leave(reserved);
    state.rows[to].enter(user, version);
    if let Some(id) = user.1 {
        state.claims[id].write(Some(to));
    }
}

const _: () = assert!(
    PLACES <= 32 && RUNS == 2,
    "a place is a bit of a user's places"
);
