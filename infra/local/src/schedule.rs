//! What Amazon EventBridge does on an account: calls a function again and again.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::pump::invoke;

/// Calls of a function, period after period. Dropping it lets a running call finish and makes no
/// other; `stop` waits for that.
#[derive(Debug)]
pub struct Schedule {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Schedule {
    /// Calls `function` every `period`, for the first time after one, and never while it runs. A
    /// failure or a panic is logged under `name`; the next call comes in its time.
    pub fn start<F, R, E>(name: &'static str, period: Duration, function: F) -> Self
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
                    // A tick that is late must not come before the end.
                    biased;
                    // Told to stop, or forgotten.
                    _ = stopped.changed() => break,
                    _ = ticks.tick() => {}
                }
                let function = Arc::clone(&function);
                if let Err(error) = invoke(async move { function().await }).await {
                    tracing::warn!(function = name, %error, "a scheduled call failed");
                }
            }
        });
        Self { stop, task }
    }

    /// Makes no other call and lets a running one finish.
    pub async fn stop(self) {
        let Self { stop, task } = self;
        drop(stop);
        // What it calls cannot make it panic.
        drop(task.await);
    }
}

/// Ticks from one period from now on; what was missed in a suspended machine is not made up for.
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
    async fn it_calls_again_and_again_whatever_becomes_of_a_call() {
        let (called, mut calls) = mpsc::unbounded_channel();
        let count = AtomicUsize::new(0);
        let began = Instant::now();
        let schedule = Schedule::start("test", PERIOD, move || {
            let number = count.fetch_add(1, Ordering::SeqCst);
            called.send(began.elapsed()).unwrap();
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
    async fn a_call_that_takes_long_is_neither_overtaken_nor_cut_off() {
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
        assert!(second.is_err(), "the first one is still at it");
        let mut stopping = pin!(schedule.stop());
        tokio::select! {
            biased;
            () = &mut stopping => panic!("the call is still at it"),
            () = ready(()) => {}
        }
        may_end.add_permits(2);
        stopping.await;
        assert_eq!(ends.load(Ordering::SeqCst), 1);
    }
}
