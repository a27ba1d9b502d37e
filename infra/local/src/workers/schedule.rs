//! Periodic calls of a function, as Amazon EventBridge makes them on an account.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::call::call_isolated;

/// Periodic calls of a function. Dropping it lets a call in progress finish and starts no other;
/// `stop` waits for that.
#[derive(Debug)]
pub(super) struct Schedule {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Schedule {
    /// Calls `function` every `period`, starting after one period, and never concurrently. Logs a
    /// failure or a panic under `name` and continues.
    pub(super) fn start<F, R, E>(name: &'static str, period: Duration, function: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (stop, mut stopped) = watch::channel(());
        let function = Arc::new(function);
        let task = tokio::spawn(async move {
            let mut ticks = every(period);
            loop {
                tokio::select! {
                    // A late tick must not win over the stop signal.
                    biased;
                    // Stopped or dropped.
                    _ = stopped.changed() => break,
                    _ = ticks.tick() => {}
                }
                let function = Arc::clone(&function);
                if let Err(error) = call_isolated(async move { function().await }).await {
                    tracing::warn!(function = name, %error, "a scheduled call failed");
                }
            }
        });
        Self { stop, task }
    }

    /// Starts no more calls and waits for one in progress.
    pub(super) async fn stop(self) {
        let Self { stop, task } = self;
        drop(stop);
        // Panics of the function are caught.
        drop(task.await);
    }
}

/// Returns ticks that start after one period. Ticks missed while the machine was suspended are
/// dropped.
pub(crate) fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn calls_continue_after_a_failure_and_a_panic() {
        let (called, mut calls) = mpsc::unbounded_channel();
        let count = AtomicUsize::new(0);
        let started = Instant::now();
        let schedule = Schedule::start("test", PERIOD, move || {
            let number = count.fetch_add(1, Ordering::SeqCst);
            called.send(started.elapsed()).unwrap();
            async move {
                match number {
                    0 => Err("it failed"),
                    1 => panic!("on purpose"),
                    _ => Ok(()),
                }
            }
        });
        for number in 1..=3 {
            let after = calls.recv().await.unwrap();
            assert!(after >= PERIOD * number, "call {number} after {after:?}");
        }
        schedule.stop().await;
        while calls.recv().await.is_some() {}
    }

    #[tokio::test]
    async fn a_slow_call_is_neither_overlapped_nor_cut_off() {
        let (started, mut starts) = mpsc::unbounded_channel();
        let (may_end, ends) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (permits, ended) = (Arc::clone(&may_end), Arc::clone(&ends));
        let schedule = Schedule::start("test", PERIOD, move || {
            let (permits, ended) = (Arc::clone(&permits), Arc::clone(&ended));
            started.send(()).unwrap();
            async move {
                permits.acquire().await.unwrap().forget();
                ended.fetch_add(1, Ordering::SeqCst);
                Ok::<(), String>(())
            }
        });
        starts.recv().await.unwrap();
        let second = tokio::time::timeout(PERIOD * 5, starts.recv()).await;
        assert!(second.is_err(), "the first call is still in progress");
        let mut stopping = pin!(schedule.stop());
        tokio::select! {
            biased;
            () = &mut stopping => panic!("the call is still in progress"),
            () = ready(()) => {}
        }
        may_end.add_permits(2);
        stopping.await;
        assert_eq!(ends.load(Ordering::SeqCst), 1);
    }
}
