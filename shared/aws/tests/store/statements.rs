//! Statements are sent once, and wait as long as the caller allows.

use std::net::TcpListener;
use std::time::Duration;

use muster_aws::directory::Claim;
use muster_aws::directory::{Executed, Statement};
use muster_aws::{Config, Store, StoreError, Tables};

use crate::faults::{Fault, Faults};
use crate::support::directory;

fn claim(store: &Store) -> Statement {
    Claim::insert(&store.tables.directory, "acme", "id-1", "jack", "run-1")
}

#[tokio::test]
async fn a_missing_response_times_out_after_the_duration_of_the_caller() {
    // Accepts connections and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let store = Store::connect(&Config::local(endpoint, Tables::of_stack("test"))).await;
    let statements = vec![claim(&store), claim(&store)];
    let executed = store
        .directory()
        .execute(statements, Duration::from_millis(50))
        .await;
    let [first, second] = executed.as_slice() else {
        panic!("{executed:?}");
    };
    for executed in [first, second] {
        let Executed::Again(error @ StoreError::Unanswered(_)) = executed else {
            panic!("{executed:?}");
        };
        let message = error.to_string();
        assert!(message.contains("BatchExecuteStatement"), "{message}");
        assert!(message.contains("none came within 50.0ms"), "{message}");
    }
}

#[tokio::test]
async fn a_request_is_not_retried_implicitly() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    let timeout = Duration::from_secs(10);
    faults.next(1, Fault::LostResponse);
    let lost = faulty
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    assert!(
        matches!(
            lost.as_slice(),
            [Executed::Again(StoreError::Unanswered(_))]
        ),
        "{lost:?}"
    );
    assert_eq!(faults.left(), 0);
    let again = faulty
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    assert!(
        matches!(again.as_slice(), [Executed::Refused(None)]),
        "{again:?}"
    );
    assert_eq!(faulty.directory_writes(), 2);
}

#[tokio::test]
async fn clients_share_the_write_count() {
    let store = directory().await;
    let timeout = Duration::from_secs(10);
    store
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    faults.next(1, Fault::Throttled);
    let throttled = faulty
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    assert!(
        matches!(
            throttled.as_slice(),
            [Executed::Again(StoreError::Throttled(_))]
        ),
        "{throttled:?}"
    );
    assert_eq!(store.directory_writes(), 2);
}

#[tokio::test]
async fn clock_skew_is_corrected_after_the_first_attempt() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    let timeout = Duration::from_secs(10);
    faults.next(1, Fault::Skewed);
    let skewed = faulty
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    assert!(
        matches!(skewed.as_slice(), [Executed::Again(StoreError::Refused(_))]),
        "{skewed:?}"
    );
    let again = faulty
        .directory()
        .execute(vec![claim(&store)], timeout)
        .await;
    assert!(matches!(again.as_slice(), [Executed::Done]), "{again:?}");
}
