//! What must be true of a run in the end, whatever happened on its way.

use jiff::Timestamp;
use muster_aws::items::{ItemFilter, list_items};
use muster_aws::runs::Run;
use muster_core::attribute::Attribute;
use muster_core::run::{State, Status};
use muster_core::value::Value;
use muster_tests::faults::Faults;
use muster_tests::store::Rows;

use crate::file::Kind;
use crate::import::{Import, import_now};

/// Who else wrote the users of a run's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    None,
    Some,
}

impl Import {
    /// Lets the run come to its end without faults, and asserts what must be true then.
    pub async fn end_well(&self) -> Run {
        let run = self.end_calmly().await;
        self.judge(&run, Others::None).await;
        run
    }

    /// [`Self::end_well`] of one that must have done all there was to do.
    pub async fn end_complete(&self) {
        let run = self.end_well().await;
        assert_eq!(run.counts, Some(self.file.counts()), "{run:?}");
    }

    /// Asserts what must be true of a run that has ended.
    pub async fn judge(&self, run: &Run, others: Others) {
        self.under_way.arrived().await;
        self.stage.sweeps_over().await;
        self.judge_effects(run);
        self.judge_counts(run, others);
        self.judge_items(run, others).await;
        if others == Others::None && Self::is_done(run) {
            self.judge_users().await;
        }
        let held = self.stage.access().hold_rows(self.task.settings.id).await;
        assert!(held.is_empty(), "held in the end: {held:?}");
        self.judge_replay().await;
        if others == Others::None && Self::is_done(run) {
            self.judge_repetition().await;
        }
    }

    /// Whether all of the file was applied.
    fn is_done(run: &Run) -> bool {
        is_whole(run) && !run.dry_run
    }

    /// Every record was applied at most once, and the figures say how many were.
    fn judge_effects(&self, run: &Run) {
        let repeated = self.applied.repeated();
        assert!(repeated.is_empty(), "applied more than once: {repeated:?}");
        let effects = self.applied.effects();
        if run.dry_run {
            assert!(effects.is_empty(), "planned, and yet: {effects:?}");
            return;
        }
        let done = [self.applied.count("created"), self.applied.count("updated")];
        let said = run.counts.unwrap_or_default();
        let said = [said.created, said.updated];
        assert_eq!(said, done, "said and done: {run:?} {effects:?}");
    }

    fn judge_counts(&self, run: &Run, others: Others) {
        if !is_whole(run) {
            return;
        }
        let (said, file) = (run.counts.expect("figures"), self.file.counts());
        assert_eq!(
            [said.total, said.empty, said.duplicated],
            [file.total, file.empty, file.duplicated]
        );
        let settled = said.ignored + said.created + said.updated + said.unchanged;
        assert_eq!(
            settled + said.empty + said.duplicated,
            said.total,
            "{said:?}"
        );
        if others == Others::None {
            assert_eq!(said, file, "{run:?}");
        }
    }

    /// The log says of each record what the file is made to say, once.
    async fn judge_items(&self, run: &Run, others: Others) {
        if !is_whole(run) {
            return;
        }
        let stack = &self.stage.stack;
        let (store, objects) = (&stack.store, &stack.background.objects);
        let (all, now) = (ItemFilter::default(), Timestamp::now());
        let page = list_items(store, objects, run, &all, 0, 1_000, now);
        let page = page.await.expect("the store");
        assert_eq!(page.next, None, "more than a page");
        let said: Vec<_> = page.items.iter().map(|numbered| &numbered.item).collect();
        let said: Vec<_> = said
            .iter()
            .map(|item| (item.record.unwrap_or_default(), item.code.as_ref()))
            .collect();
        let mut once = said.clone();
        once.dedup();
        assert_eq!(said, once, "said twice");
        if others == Others::None {
            assert_eq!(said, self.file.items(), "{run:?}");
        }
    }

    /// Each user is as the file says, and was written as often as the file says.
    async fn judge_users(&self) {
        let logins = self.file.logins();
        let store = &self.stage.stack.store;
        let users = store.users(logins.iter().map(String::as_str)).await;
        let users = users.expect("the store");
        let effects = self.applied.effects();
        for (record, kind) in self.file.kinds.iter().enumerate() {
            let login = self.file.login(record);
            let stored = users.get(&login);
            if !logins.contains(&login) {
                continue;
            }
            let stored = stored.unwrap_or_else(|| panic!("{login} is missing"));
            let user = stored.user.as_ref().expect("a user");
            let name = user.values.get(&Attribute::Name);
            assert_eq!(name, Some(&Value::Text("new".into())), "{login}");
            let mine = effects
                .iter()
                .filter(|effect| effect.login == login)
                .count();
            let new = matches!(kind, Kind::New | Kind::Warned | Kind::Again);
            let before = u64::from(!new);
            assert_eq!(stored.version, before + mine as u64, "{login}: {effects:?}");
        }
    }

    /// Whatever is delivered now changes nothing any more.
    async fn judge_replay(&self) {
        let before = self.rows().await;
        self.fetch().await;
        for letter in self.history() {
            self.deliver_calmly(&letter).await;
        }
        self.sweep(Faults::none()).await;
        let late = self.fetch().await;
        assert!(late.is_empty(), "sent behind the end: {late:?}");
        assert_eq!(self.rows().await, before, "changed behind the end");
    }

    /// The same file again finds everything done.
    async fn judge_repetition(&self) {
        let before = self.users().await;
        let counts = import_now(&self.stage, &self.task, &self.file.body()).await;
        let unchanged = [counts.created, counts.updated, counts.unchanged];
        assert_eq!(
            unchanged,
            [0, 0, self.file.logins().len() as u64],
            "{counts:?}"
        );
        assert_eq!(self.users().await, before, "written again");
    }

    /// The file's users and claims, as they are stored.
    async fn users(&self) -> Rows {
        let access = self.stage.access().only(&[&self.file.tag]);
        access.directory().await
    }

    /// These, and the run.
    async fn rows(&self) -> Rows {
        let mut rows = self.users().await;
        let mut run = self.stage.access().run_row(&self.run.to_string()).await;
        rows.append(&mut run);
        rows
    }
}

/// Whether a run came to the end of its file, or of planning it: it was neither stopped nor given
/// up.
fn is_whole(run: &Run) -> bool {
    let stopped = run.job.as_ref().is_some_and(|job| job.stopped.is_some());
    run.state == State::Finished && run.status != Some(Status::Failure) && !stopped
}
