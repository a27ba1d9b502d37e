//! How statements are sent: once, for as long as the caller waits.

use std::net::TcpListener;
use std::time::Duration;

use muster_aws::claims::Claim;
use muster_aws::directory::{Executed, Statement};
use muster_aws::{Config, Store, StoreError, Tables};

use crate::faults::{Fault, Faults};
use crate::support::directory;

fn claim(store: &Store) -> Statement {
    Claim::insert(&store.tables.directory, "acme", "id-1", "jack", "run-1")
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_as_long_as_the_caller_says() {
    // It takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let store = Store::connect(&Config::local(endpoint, Tables::of_stack("test"))).await;
    let statements = vec![claim(&store), claim(&store)];
    let executed = store.execute(statements, Duration::from_millis(50)).await;
    let [first, second] = executed.as_slice() else {
        panic!("{executed:?}");
    };
    for executed in [first, second] {
        let Executed::Again(error @ StoreError::Unanswered(_)) = executed else {
            panic!("{executed:?}");
        };
        let said = error.to_string();
        assert!(said.contains("BatchExecuteStatement"), "{said}");
        assert!(said.contains("none came within 50.0ms"), "{said}");
    }
}

#[tokio::test]
async fn a_request_is_not_tried_again_behind_the_caller_s_back() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    let once = Duration::from_secs(10);
    faults.next(1, Fault::LostAnswer);
    let lost = faulty.execute(vec![claim(&store)], once).await;
    assert!(
        matches!(
            lost.as_slice(),
            [Executed::Again(StoreError::Unanswered(_))]
        ),
        "{lost:?}"
    );
    assert_eq!(faults.left(), 0);
    let again = faulty.execute(vec![claim(&store)], once).await;
    assert!(
        matches!(again.as_slice(), [Executed::Refused(None)]),
        "{again:?}"
    );
    assert_eq!(faulty.directory_writes(), 2);
}

#[tokio::test]
async fn another_client_has_its_own_way_and_the_count_in_common() {
    let store = directory().await;
    let once = Duration::from_secs(10);
    store.execute(vec![claim(&store)], once).await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    faults.next(1, Fault::Throttled);
    let throttled = faulty.execute(vec![claim(&store)], once).await;
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
async fn a_clock_that_is_wrong_is_only_learnt_of_by_the_first_try() {
    let store = directory().await;
    let (faults, faulty) = Faults::on("BatchExecuteStatement", &store);
    let once = Duration::from_secs(10);
    faults.next(1, Fault::Skewed);
    let skewed = faulty.execute(vec![claim(&store)], once).await;
    assert!(
        matches!(skewed.as_slice(), [Executed::Again(StoreError::Refused(_))]),
        "{skewed:?}"
    );
    let again = faulty.execute(vec![claim(&store)], once).await;
    assert!(matches!(again.as_slice(), [Executed::Done]), "{again:?}");
}
