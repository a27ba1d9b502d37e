//! Random schedules of everything that can happen to an import in the background: to its requests,
//! its messages and its workers, with others at the same users, and cancels. Then faults stop, and
//! it must end; whatever happened, each record is applied at most once, and the figures are exact.
//!
//! A schedule follows from its number, which a failure names; where workers are there at once, the
//! machine has a say in it, too. `MUSTER_CRASHES=10000` tries more, `MUSTER_CRASH=17` just that one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_import::Times;
use muster_tests::Numbered;
use muster_tests::faults::{Asked, Fault, Faults, Trouble};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::handing::hurried;
use crate::import::{Fate, Import, import_now};
use crate::judge::Others;
use crate::others::{named, renamed};
use crate::stage::{Letter, Stage, times};

const SCHEDULES: Numbered = Numbered {
    one: "MUSTER_CRASH",
    many: "MUSTER_CRASHES",
    short: 40,
    of_a_stack: 25,
    // As many as keep two cores busy.
    stacks: if cfg!(debug_assertions) { 2 } else { 4 },
};
/// Schedules of a stack at once: most of their time they wait. A debug build has much to compute
/// meanwhile, and a writer that gets no core for its whole second has no luck either.
const AT_ONCE: usize = if cfg!(debug_assertions) { 3 } else { 6 };
/// Functions of a run at once.
const WORKERS: usize = 3;

/// What happens to a worker.
#[derive(Debug, Clone, Copy)]
enum Lot {
    Nothing,
    /// It dies at this request; before it, or after.
    Dies(usize, bool),
    /// Requests get lost; or answers do.
    Loses(bool),
    /// Requests are late; or answers are.
    Late(bool),
    /// Too much, or contended, as a whole.
    TooMuch,
    /// Single statements are.
    Statements(Trouble),
}

impl Lot {
    fn random(dice: &mut SmallRng) -> Self {
        match dice.random_range(0..20) {
            0..5 => Self::Nothing,
            5..11 => Self::Dies(dice.random_range(0..25), dice.random_bool(0.5)),
            11..13 => Self::Loses(dice.random_bool(0.5)),
            13..16 => Self::Late(dice.random_bool(0.7)),
            16 => Self::TooMuch,
            17 => Self::Statements(Trouble::Throttled),
            18 => Self::Statements(Trouble::Conflict),
            _ => Self::Statements(Trouble::Unsure),
        }
    }

    fn fault(self, number: usize, dice: &mut SmallRng) -> Fault {
        match self {
            Self::Dies(at, before) if at == number => match before {
                true => Fault::CrashBefore,
                false => Fault::CrashAfter,
            },
            Self::Loses(request) if dice.random_bool(0.15) => match request {
                true => Fault::LostRequest,
                false => Fault::LostAnswer,
            },
            Self::Late(request) if dice.random_bool(0.1) => {
                let by = Duration::from_millis(dice.random_range(20..2_000));
                match request {
                    true => Fault::LateRequest(by),
                    false => Fault::LateAnswer(by),
                }
            }
            Self::TooMuch if dice.random_bool(0.3) => match dice.random_bool(0.5) {
                true => Fault::Throttled,
                false => Fault::Conflict,
            },
            Self::Statements(trouble) if dice.random_bool(0.7) => {
                Fault::Statements(dice.random(), trouble)
            }
            _ => Fault::Passes,
        }
    }
}

/// What is to happen to one import.
pub struct Schedule {
    pub number: u64,
    pub stage: Arc<Stage>,
    pub dice: SmallRng,
    /// Faults have stopped.
    calm: Arc<AtomicBool>,
    others: Others,
    may_be_cancelled: bool,
}

type Working = JoinSet<(Letter, Fate)>;

impl Schedule {
    fn new(number: u64, stage: Arc<Stage>) -> Self {
        let mut dice = SmallRng::seed_from_u64(number);
        let others = match dice.random_bool(0.3) {
            true => Others::Some,
            false => Others::None,
        };
        Self {
            number,
            stage,
            calm: Arc::default(),
            others,
            may_be_cancelled: dice.random_bool(0.25),
            dice,
        }
    }

    /// A worker, and its lot.
    fn faults(&mut self) -> Faults {
        Faults::new(self.lot())
    }

    /// What meets the requests of a worker.
    pub fn lot(&mut self) -> impl FnMut(Asked<'_>) -> Fault + Send + use<> {
        let mut dice = SmallRng::seed_from_u64(self.dice.random());
        let (lot, calm) = (Lot::random(&mut dice), Arc::clone(&self.calm));
        move |asked| match calm.load(Ordering::SeqCst) {
            true => Fault::Passes,
            false => lot.fault(asked.number, &mut dice),
        }
    }

    async fn play(mut self) {
        let import = self.begin().await;
        let mut working = Working::new();
        let mut letters = Vec::new();
        for _ in 0..self.dice.random_range(6..30) {
            self.step(&import, &mut letters, &mut working).await;
            if import.row().await.state.is_terminal() {
                break;
            }
        }
        self.calm.store(true, Ordering::SeqCst);
        if self.dice.random_bool(0.5) {
            // The rest of them comes in the end; otherwise it is lost.
            for letter in letters {
                drop(import.deliver(&letter, Faults::none()).await);
            }
        }
        let run = import.end_calmly().await;
        working.join_all().await;
        import.judge(&run, self.others).await;
    }

    async fn step(&mut self, import: &Import, letters: &mut Vec<Letter>, working: &mut Working) {
        letters.extend(import.fetch().await);
        while let Some(ended) = working.try_join_next() {
            let (letter, fate) = ended.expect("no function panics");
            // A message that was not acknowledged comes again; one that was may, too.
            let again = if matches!(fate, Fate::Done) { 0.1 } else { 0.7 };
            if self.dice.random_bool(again) {
                letters.push(letter);
            }
        }
        match self.dice.random_range(0..20) {
            0..10 if !letters.is_empty() && working.len() < WORKERS => {
                let place = self.dice.random_range(0..letters.len());
                let letter = match self.dice.random_bool(0.2) {
                    true => letters[place].clone(),
                    false => letters.swap_remove(place),
                };
                let (import, faults) = (import.clone(), self.faults());
                working.spawn(async move {
                    let (fate, _) = import.deliver(&letter, faults).await;
                    (letter, fate)
                });
            }
            10 if !letters.is_empty() => {
                letters.pop();
            }
            10..13 => {
                import.sweep(self.faults()).await;
            }
            13 if self.may_be_cancelled => {
                drop(import.cancel(self.faults()).await);
            }
            14..16 if self.others == Others::Some => self.interfere(import).await,
            16 => {
                tokio::time::sleep(Duration::from_millis(self.dice.random_range(200..1_000))).await
            }
            _ => tokio::time::sleep(Duration::from_millis(self.dice.random_range(0..40))).await,
        }
    }

    /// Somebody else writes a user of the file, or all of them.
    async fn interfere(&mut self, import: &Import) {
        let record = self.dice.random_range(0..import.file.kinds.len());
        let (login, aside) = (
            import.file.login(record),
            format!("aside{record}.{}", import.file.tag),
        );
        match self.dice.random_range(0..4) {
            0 => {
                let other = self.stage.task(self.dice.random_range(0..2), |_| ()).await;
                let mut body = import.file.body();
                for record in body.as_array_mut().expect("records") {
                    record["n"] = "other".into();
                }
                import_now(&self.stage, &other, &body).await;
            }
            1 => {
                if let Some((id, ..)) = self.stage.user(&login).await {
                    self.stage.change(0, id, named("put")).await;
                }
            }
            2 => {
                if let Some((id, ..)) = self.stage.user(&login).await {
                    self.stage.change(0, id, renamed(&aside)).await;
                }
            }
            _ => {
                if let Some((id, ..)) = self.stage.user(&aside).await {
                    self.stage.change(0, id, renamed(&login)).await;
                }
            }
        }
    }
}

/// Plays schedules on a stack of their own.
async fn on_a_stack(numbers: Vec<u64>) {
    let tries = Times {
        chunk_tries: 5,
        process_tries: 5,
        sweep_grace: hurried().sweep_grace,
        ..times()
    };
    let stage = Stage::with(3, tries).await;
    let mut numbers = numbers.into_iter();
    let mut playing = JoinSet::new();
    loop {
        while playing.len() < AT_ONCE
            && let Some(number) = numbers.next()
        {
            let schedule = Schedule::new(number, Arc::clone(&stage));
            playing.spawn(async move { (number, tokio::spawn(schedule.play()).await) });
        }
        let Some(played) = playing.join_next().await else {
            return;
        };
        let (number, played) = played.expect("it is waited for");
        assert!(
            played.is_ok(),
            "MUSTER_CRASH={number} cargo test -p muster-tests --test crashes schedules  # plays it alone"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_each_record_is_applied_once_and_the_run_ends() {
    if muster_tests::points_elsewhere() {
        return;
    }
    SCHEDULES.spread(on_a_stack).await;
}
