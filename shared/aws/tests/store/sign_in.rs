//! Sign-in of robots, and the login throttle.

use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use futures::future::join_all;
use muster_aws::auth::throttle::{Attempt, LoginGate};
use muster_aws::auth::tokens::Scope;
use muster_aws::{Creation, Store};
use rustix::time::{ClockId, clock_gettime};

use crate::support::{at, rows, start, store};

async fn with_robot() -> Store {
    let store = store().await;
    let made = store
        .robots()
        .create("acme", "robot", "s3cret".into(), start())
        .await
        .unwrap();
    assert_eq!(made, Creation::Created);
    store
}

#[tokio::test]
async fn a_robot_is_verified_by_name_and_password() {
    let store = with_robot().await;
    let robot = store.robots().verify("robot", "s3cret".into()).await;
    let robot = robot.unwrap().unwrap();
    assert_eq!(
        (robot.tenant.as_str(), robot.name.as_str()),
        ("acme", "robot")
    );
    assert_eq!(robot.scopes, Scope::ALL.into());
    for (name, password) in [
        ("robot", "S3cret"),
        ("robot", ""),
        ("Robot", "s3cret"),
        ("nobody", "s3cret"),
        ("", ""),
        ("a\0b", "x"),
    ] {
        let refused = store.robots().verify(name, password.into()).await.unwrap();
        assert_eq!(refused, None, "{name:?}");
    }
    let long = "x".repeat(100_000);
    assert_eq!(
        store
            .robots()
            .verify(&long, long.as_str().into())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_robot_name_is_unique_across_tenants() {
    let store = with_robot().await;
    let again = store
        .robots()
        .create("other", "robot", "other".into(), start())
        .await
        .unwrap();
    assert_eq!(again, Creation::Taken);
    let robot = store
        .robots()
        .verify("robot", "s3cret".into())
        .await
        .unwrap();
    assert_eq!(robot.unwrap().tenant, "acme");
    assert!(matches!(
        store
            .robots()
            .create("acme", " ", "x".into(), start())
            .await
            .unwrap(),
        Creation::BadName(_)
    ));
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_password_hash() {
    let store = with_robot().await;
    let hash = (0..4).map(|_| hash_cpu_time()).min().unwrap();
    for name in ["robot", "nobody"] {
        let begun = Instant::now();
        store.robots().verify(name, "wrong".into()).await.unwrap();
        // Without the dummy hash an unknown name would be many times faster. Other programs can
        // prolong the elapsed time, but not the CPU time that it is compared with.
        let elapsed = begun.elapsed();
        assert!(elapsed > hash / 2, "{name}: {elapsed:?}, a hash: {hash:?}");
    }
}

/// Returns the CPU time that a hash with the parameters of the stored ones takes this thread.
fn hash_cpu_time() -> Duration {
    let begun = thread_cpu_time();
    // The stored hashes have the parameters of argon2's default.
    Argon2::default().hash_password(b"wrong").unwrap();
    thread_cpu_time() - begun
}

fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

async fn attempt(store: &Store, name: &str, address: &str, second: u64) -> Result<Attempt, u64> {
    match store
        .login_throttle()
        .begin(name, address, at(second))
        .await
        .unwrap()
    {
        LoginGate::Open(attempt) => Ok(attempt),
        LoginGate::Throttled { seconds } => Err(seconds),
    }
}

async fn fail(store: &Store, name: &str, address: &str, second: u64) {
    let attempt = attempt(store, name, address, second).await.unwrap();
    store.login_throttle().failed(attempt).await.unwrap();
}

#[tokio::test]
async fn ten_wrong_passwords_block_a_name_for_one_address_until_the_window_ends() {
    let store = store().await;
    for second in 0..10 {
        fail(&store, "robot", "192.0.2.1", second).await;
    }
    // The window began with the first failure, at 0.25 s past a full second.
    assert_eq!(
        attempt(&store, "robot", "192.0.2.1", 10).await.unwrap_err(),
        891
    );
    assert_eq!(
        attempt(&store, "robot", "192.0.2.1", 900)
            .await
            .unwrap_err(),
        1
    );
    // Other addresses and other names are not affected.
    fail(&store, "robot", "192.0.2.2", 10).await;
    fail(&store, "other", "192.0.2.1", 10).await;
    // The counter starts afresh after the window.
    for second in 901..911 {
        fail(&store, "robot", "192.0.2.1", second).await;
    }
    assert!(attempt(&store, "robot", "192.0.2.1", 911).await.is_err());
}

#[tokio::test]
async fn a_hundred_wrong_passwords_block_a_name_for_every_address() {
    let store = store().await;
    for n in 0..100 {
        fail(&store, "robot", &format!("192.0.2.{}", n % 20), 0).await;
    }
    for address in ["192.0.2.5", "198.51.100.7"] {
        assert_eq!(attempt(&store, "robot", address, 0).await.unwrap_err(), 901);
    }
    assert!(attempt(&store, "other", "192.0.2.5", 0).await.is_ok());
}

#[tokio::test]
async fn a_correct_password_clears_the_failures_of_its_address() {
    let store = store().await;
    for _ in 0..3 {
        for second in 0..9 {
            fail(&store, "robot", "192.0.2.1", second).await;
        }
        let attempt = attempt(&store, "robot", "192.0.2.1", 9).await.unwrap();
        store.login_throttle().succeeded(attempt).await.unwrap();
    }
    fail(&store, "robot", "192.0.2.1", 10).await;
}

#[tokio::test]
async fn correct_passwords_never_block_a_name() {
    let store = store().await;
    for n in 0..120 {
        let attempt = attempt(&store, "robot", &format!("192.0.2.{}", n % 7), 0)
            .await
            .unwrap();
        store.login_throttle().succeeded(attempt).await.unwrap();
    }
}

#[tokio::test]
async fn a_parallel_burst_checks_no_more_passwords_than_the_limit() {
    let store = store().await;
    let burst = join_all((0..30).map(|_| attempt(&store, "robot", "192.0.2.1", 0))).await;
    let (open, refused): (Vec<_>, Vec<_>) = burst.into_iter().partition(Result::is_ok);
    assert!(open.len() <= 10, "{}", open.len());
    // No attempt has failed yet, so a refused one need not wait for the end of the window.
    assert!(refused.iter().all(|refused| matches!(refused, Err(1))));
    for attempt in open {
        store
            .login_throttle()
            .failed(attempt.unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn concurrent_attempts_that_open_a_window_all_count() {
    let store = store().await;
    for round in 0..20 {
        let name = format!("robot {round}");
        let mut open = join_all((0..4).map(|_| attempt(&store, &name, "192.0.2.1", 0)))
            .await
            .into_iter()
            .filter(Result::is_ok)
            .count();
        while attempt(&store, &name, "192.0.2.1", 0).await.is_ok() {
            open += 1;
        }
        assert_eq!(open, 10);
    }
}

#[tokio::test]
async fn names_and_addresses_are_not_stored() {
    let store = store().await;
    fail(&store, "jack.woo", "192.0.2.1", 0).await;
    assert_eq!(rows(&store, "THROTTLE#").await, 2);
    let all = store
        .client()
        .scan()
        .table_name(&store.tables.control)
        .send()
        .await
        .unwrap();
    let all = format!("{all:?}");
    assert!(!all.contains("jack") && !all.contains("192.0.2.1"));
}
