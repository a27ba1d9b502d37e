//! Verifies what must be true of a run in the end, whatever happened before.

use jiff::Timestamp;
use muster_aws::runs::Run;
use muster_aws::runs::items::ItemFilter;
use muster_core::attribute::Attribute;
use muster_core::run::{State, Status};
use muster_core::value::Value;
use muster_tests::faults::Faults;
use muster_tests::store::Rows;

use crate::import::{Import, import_synchronously};
use crate::import_file::RecordKind;

/// Writes by others to the users of a run's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConcurrentWrites {
    None,
    Some,
}

impl Import {
    /// Finishes the run without faults and verifies it.
    pub async fn finish_and_verify(&self) -> Run {
        let run = self.finish_without_faults().await;
        self.verify(&run, ConcurrentWrites::None).await;
        run
    }

    /// Finishes the run without faults and verifies that it has applied its whole file.
    pub async fn finish_completely(&self) {
        let run = self.finish_and_verify().await;
        assert_eq!(run.counts, Some(self.file.counts()), "{run:?}");
    }

    /// Verifies a run that has ended.
    pub async fn verify(&self, run: &Run, concurrent: ConcurrentWrites) {
        self.in_flight.drained().await;
        self.harness.wait_for_sweeps().await;
        self.verify_effects(run);
        self.verify_counts(run, concurrent);
        self.verify_items(run, concurrent).await;
        self.verify_kept(run, concurrent).await;
        let is_applied = is_complete(run) && !run.dry_run;
        if concurrent == ConcurrentWrites::None && is_applied {
            self.verify_users().await;
        }
        let locks = self.harness.access().lock_rows(self.task.settings.id).await;
        assert!(locks.is_empty(), "the task is still locked: {locks:?}");
        self.verify_redelivery().await;
        if concurrent == ConcurrentWrites::None && is_applied {
            self.verify_repetition().await;
        }
    }

    /// Verifies that each record was applied at most once, and the run's counts.
    fn verify_effects(&self, run: &Run) {
        let repeated = self.effects.repeated();
        assert!(repeated.is_empty(), "applied more than once: {repeated:?}");
        let effects = self.effects.effects();
        if run.dry_run {
            assert!(effects.is_empty(), "a dry run wrote users: {effects:?}");
            return;
        }
        let applied = [self.effects.count("created"), self.effects.count("updated")];
        let counts = run.counts.unwrap_or_default();
        let counted = [counts.created, counts.updated];
        assert_eq!(counted, applied, "counted and applied: {run:?} {effects:?}");
    }

    fn verify_counts(&self, run: &Run, concurrent: ConcurrentWrites) {
        if !is_complete(run) {
            return;
        }
        let (counts, file) = (
            run.counts.expect("a complete run has counts"),
            self.file.counts(),
        );
        assert_eq!(
            [counts.total, counts.empty, counts.duplicated],
            [file.total, file.empty, file.duplicated]
        );
        let settled = counts.ignored + counts.created + counts.updated + counts.unchanged;
        assert_eq!(
            settled + counts.empty + counts.duplicated,
            counts.total,
            "{counts:?}"
        );
        if concurrent == ConcurrentWrites::None {
            assert_eq!(counts, file, "{run:?}");
        }
    }

    /// Verifies that the log has the expected items of each record, each once.
    async fn verify_items(&self, run: &Run, concurrent: ConcurrentWrites) {
        if !is_complete(run) {
            return;
        }
        let stack = &self.harness.stack;
        let (store, objects) = (&stack.store, &stack.background.objects);
        let (all, now) = (ItemFilter::default(), Timestamp::now());
        let page = store.items().list(objects, run, &all, 0, 1_000, now);
        let page = page.await.expect("listing the items");
        assert_eq!(page.next, None, "there is more than one page");
        let items: Vec<_> = page.items.iter().map(|numbered| &numbered.item).collect();
        let items: Vec<_> = items
            .iter()
            .map(|item| (item.record.unwrap_or_default(), item.code.as_ref()))
            .collect();
        let mut distinct = items.clone();
        distinct.dedup();
        assert_eq!(items, distinct, "an item is there twice");
        if concurrent == ConcurrentWrites::None {
            assert_eq!(items, self.file.items(), "{run:?}");
        }
    }

    /// Verifies that each user has the data of the file, and was written exactly as often as needed.
    async fn verify_users(&self) {
        let logins = self.file.logins();
        let store = &self.harness.stack.store;
        let users = store
            .directory()
            .users(logins.iter().map(String::as_str))
            .await;
        let users = users.expect("reading users");
        let effects = self.effects.effects();
        for (record, kind) in self.file.kinds.iter().enumerate() {
            let login = self.file.login(record);
            let stored = users.get(&login);
            if !logins.contains(&login) {
                continue;
            }
            let stored = stored.unwrap_or_else(|| panic!("{login} is missing"));
            let user = stored.user.as_ref();
            let user = user.unwrap_or_else(|| panic!("{login} is not a user"));
            let name = user.values.get(&Attribute::Name);
            assert_eq!(name, Some(&Value::Text("new".into())), "{login}");
            let writes = effects.iter().filter(|effect| effect.login == login);
            let writes = writes.count() as u64;
            let is_new = matches!(
                kind,
                RecordKind::New
                    | RecordKind::NewWithWarning
                    | RecordKind::Duplicate
                    | RecordKind::TakenId
            );
            let before = u64::from(!is_new);
            assert_eq!(stored.version, before + writes, "{login}: {effects:?}");
        }
    }

    /// Verifies that delivering any message again, and sweeping, changes nothing.
    async fn verify_redelivery(&self) {
        let before = self.rows().await;
        self.receive().await;
        for message in self.history() {
            self.deliver_without_faults(&message).await;
        }
        self.sweep(Faults::none()).await;
        let late = self.receive().await;
        assert!(late.is_empty(), "sent after the end of the run: {late:?}");
        assert_eq!(
            self.rows().await,
            before,
            "changed after the end of the run"
        );
    }

    /// Verifies that importing the same file again changes nothing.
    async fn verify_repetition(&self) {
        let before = self.users().await;
        let counts = import_synchronously(&self.harness, &self.task, &self.file.body()).await;
        let settled = [counts.created, counts.updated, counts.unchanged];
        assert_eq!(
            settled,
            [0, 0, self.file.logins().len() as u64],
            "{counts:?}"
        );
        assert_eq!(self.users().await, before, "users were written again");
    }

    /// Returns the stored users and claims of the file.
    async fn users(&self) -> Rows {
        let access = self.harness.access().with_key_parts(&[&self.file.tag]);
        access.directory().await
    }

    /// Returns the stored users and claims of the file, and the run.
    async fn rows(&self) -> Rows {
        let mut rows = self.users().await;
        let mut run = self.harness.access().run_row(&self.run.to_string()).await;
        rows.append(&mut run);
        rows
    }
}

/// Returns true if a run has finished its whole file, or planned it, and was neither stopped nor
/// abandoned.
fn is_complete(run: &Run) -> bool {
    let stopped = run.job.as_ref().is_some_and(|job| job.stopped.is_some());
    run.state == State::Finished && run.status != Some(Status::Failure) && !stopped
}
