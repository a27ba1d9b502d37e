//! One deed in the middle of another, at every one of its calls to the store in turn: whatever
//! comes in between, and whenever, each has an answer that is true of one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_import::Written;
use muster_local::{Stack, StackOptions};

use super::deeds::{Deed, Given, Scene, Told, What};
use super::rows::{Rows, dangling, users};

use Given::{Id, Nothing, Null};

static SCENES: AtomicU64 = AtomicU64::new(0);

/// What came of a deed in the middle of which others were done.
struct Ended {
    scene: Arc<Scene>,
    /// Before which call the others were done.
    at: usize,
    told: Told,
    others: Vec<Told>,
    rows: Rows,
}

impl Ended {
    /// Neither is refused.
    fn assert_all_written(&self) {
        for told in self.others.iter().chain([&self.told]) {
            let written = matches!(
                told,
                Told::Single(Written::Created(_) | Written::Updated { .. })
            );
            assert!(written, "before call {}: {told:?}", self.at);
        }
    }

    /// The codes of what was refused, the others' first.
    fn refused(&self) -> Vec<String> {
        let all = self.others.iter().chain([&self.told]);
        all.filter_map(Told::refused).collect()
    }

    /// How many users there are.
    fn users(&self) -> usize {
        users(&self.rows).count()
    }
}

fn create(tenant: usize, login: usize, id: Given) -> Deed {
    Deed::calm(tenant, What::Create { login, id })
}

fn upsert(id: usize, login: usize) -> Deed {
    Deed::calm(0, What::Upsert { id, login })
}

fn change(of: usize, login: Option<usize>, id: Given) -> Deed {
    Deed::calm(0, What::Change { of, login, id })
}

fn rename(of: usize, to: usize) -> Deed {
    change(of, Some(to), Nothing)
}

fn import(tenant: usize, login: usize, id: Given) -> Deed {
    let records = vec![(login, id)];
    Deed::calm(tenant, What::Import { records })
}

/// Does `others` before each call of `deed` in turn, each time with users of its own, and judges
/// the rows and what `check` does. `lost`: the answer of the call before gets lost.
async fn at_every_step(
    before: &[Deed],
    deed: Deed,
    others: &[Deed],
    lost: bool,
    check: impl Fn(&Ended),
) {
    if muster_tests::points_elsewhere() {
        return;
    }
    let stack = Stack::start(StackOptions::default()).await;
    let stack = stack.expect("the stack starts");
    let mut at = usize::from(lost);
    loop {
        let number = SCENES.fetch_add(1, Ordering::Relaxed);
        let scene = Scene::new(number, stack.store.clone());
        for deed in before {
            let (told, _) = Arc::clone(&scene).perform(deed.clone()).await;
            let counts = told.counts();
            assert!(
                matches!(counts, Some((1, 0) | (0, 1))),
                "{deed:?}: {told:?}"
            );
        }
        let mut deed = deed.clone();
        deed.meanwhile = Some((at, others.to_vec()));
        if lost {
            deed.lost_answers.insert(at - 1);
        }
        let (told, met) = Arc::clone(&scene).perform(deed).await;
        if !met {
            assert!(at > 2, "the others came in between nowhere");
            break;
        }
        let all = scene.told();
        let others = all.range(before.len() + 1..).map(|(_, told)| told.clone());
        let ended = Ended {
            at,
            told,
            others: others.collect(),
            rows: scene.judged().await,
            scene,
        };
        check(&ended);
        at += 1;
    }
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_make_one_login_one_wins_whatever_their_tenants() {
    for tenant in [0, 1] {
        let (one, other) = (create(0, 0, Id(0)), create(tenant, 0, Id(1)));
        at_every_step(&[], one, &[other], false, |ended| {
            assert_eq!(ended.refused(), ["username.taken"], "{}", ended.at);
            assert_eq!(ended.users(), 1);
            assert_eq!(dangling(&ended.rows), []);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_give_out_one_external_id_one_wins_within_a_tenant() {
    let one = create(0, 0, Id(0));
    at_every_step(&[], one.clone(), &[create(0, 1, Id(0))], false, |ended| {
        assert_eq!(ended.refused(), ["external_id.taken"], "{}", ended.at);
        assert_eq!(ended.users(), 1);
        assert_eq!(dangling(&ended.rows), []);
    })
    .await;
    at_every_step(&[], one, &[create(1, 1, Id(0))], false, |ended| {
        ended.assert_all_written();
        assert_eq!(ended.users(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_second_with_an_external_id_changes_the_user_who_has_it() {
    at_every_step(&[], upsert(0, 0), &[upsert(0, 1)], false, |ended| {
        ended.assert_all_written();
        assert_eq!(ended.users(), 1);
        assert_eq!(dangling(&ended.rows), []);
    })
    .await;
    // The user is there, without the id.
    let before = [create(0, 0, Nothing)];
    at_every_step(&before, upsert(0, 0), &[upsert(0, 1)], false, |ended| {
        assert_eq!(dangling(&ended.rows), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_who_is_renamed_meanwhile_is_found_all_the_same() {
    let before = [create(0, 0, Id(0))];
    for others in [&[rename(0, 1)][..], &[rename(0, 1), rename(1, 0)]] {
        for deed in [change(0, None, Nothing), rename(0, 2), upsert(0, 1)] {
            at_every_step(&before, deed, others, false, |ended| {
                if ended.at > 0 {
                    ended.assert_all_written();
                }
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_give_a_user_the_same_login_both_get_their_way() {
    let before = [create(0, 0, Id(0))];
    at_every_step(&before, rename(0, 1), &[rename(0, 1)], false, |ended| {
        ended.assert_all_written();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_external_id_that_its_user_gets_back_meanwhile_is_not_taken_over() {
    // The claim on the id names the user, who lost it; the last two leave it as it was before.
    let before = [
        create(0, 0, Nothing),
        upsert(0, 0),
        import(0, 0, Null),
        upsert(0, 0),
        import(0, 0, Null),
    ];
    for deed in [upsert(0, 1), create(0, 1, Id(0)), import(0, 1, Id(0))] {
        at_every_step(&before, deed, &[upsert(0, 0)], false, |_| {}).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_does_not_give_out_an_external_id_that_went_with_a_rename() {
    let before = [create(0, 0, Nothing)];
    let others = [upsert(0, 0), rename(0, 1)];
    at_every_step(&before, import(0, 0, Id(0)), &others, false, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_gives_up_its_claim_when_another_tenant_takes_the_login() {
    let one = import(0, 0, Id(0));
    at_every_step(&[], one.clone(), &[create(1, 0, Nothing)], false, |ended| {
        assert_eq!(dangling(&ended.rows), [], "{}", ended.at);
    })
    .await;
    let others = [rename(0, 1), create(1, 0, Id(0))];
    at_every_step(&[create(0, 0, Nothing)], one, &others, false, |ended| {
        assert_eq!(dangling(&ended.rows), [], "{}", ended.at);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_made_beside_imports_of_the_same_login() {
    let one = create(0, 0, Id(0));
    for (tenant, refused) in [(0, false), (1, true)] {
        let other = import(tenant, 0, Id(0));
        at_every_step(&[], one.clone(), &[other], false, |ended| {
            // The import came first, or it has changed the user, or ignored it.
            let of_import = ended.others.iter().filter_map(Told::counts).next();
            match ended.refused().first() {
                Some(code) => {
                    assert_eq!(code, "username.taken", "{}", ended.at);
                    assert_eq!(of_import, Some((1, 0)));
                }
                None if refused => assert_eq!(of_import, Some((0, 0))),
                None => assert_eq!(of_import, Some((0, 1))),
            }
            assert_eq!(ended.users(), 1);
            assert_eq!(dangling(&ended.rows), []);
        })
        .await;
    }
    for tenant in [0, 1] {
        let import = import(0, 0, Id(0));
        at_every_step(&[], import, &[create(tenant, 0, Nothing)], false, |ended| {
            assert_eq!(ended.users(), 1);
            assert_eq!(dangling(&ended.rows), [], "{}", ended.at);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_whose_making_was_not_answered_is_made_though_others_have_changed_it() {
    for deed in [create(0, 0, Id(0)), upsert(0, 0)] {
        for other in [import(0, 0, Nothing), rename(0, 1)] {
            at_every_step(&[], deed.clone(), &[other], true, |ended| {
                let made = matches!(ended.told, Told::Single(Written::Created(_)));
                let first = ended
                    .others
                    .iter()
                    .any(|told| told.counts() == Some((1, 0)));
                assert!(made != first, "before call {}: {:?}", ended.at, ended.told);
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_was_not_answered_is_told_though_others_have_changed_more() {
    let before = [create(0, 0, Id(0))];
    for deed in [change(0, None, Nothing), rename(0, 1)] {
        at_every_step(&before, deed, &[import(0, 0, Nothing)], true, |ended| {
            let written = matches!(
                ended.told,
                Told::Single(Written::Updated { .. } | Written::Created(_))
            );
            assert!(written, "before call {}: {:?}", ended.at, ended.told);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_abandoned_external_id_can_be_had_once_its_run_has_rested() {
    if muster_tests::points_elsewhere() {
        return;
    }
    let stack = Stack::start(StackOptions::default()).await;
    let stack = stack.expect("the stack starts");
    let number = SCENES.fetch_add(1, Ordering::Relaxed);
    let scene = Scene::new(number, stack.store.clone());
    let perform = async |deed: Deed| Arc::clone(&scene).perform(deed).await.0;
    perform(import(0, 0, Id(0))).await;
    perform(import(0, 0, Id(1))).await;
    let tenant = scene.tenant(0);
    let rows = scene.judged().await;
    assert_eq!(dangling(&rows), [(tenant, Scene::external_id(0))]);
    let one = create(0, 1, Id(0));
    let at_once = Deed {
        later: false,
        ..one.clone()
    };
    let told = perform(at_once).await;
    assert_eq!(told.refused().as_deref(), Some("external_id.taken"));
    let told = perform(one).await;
    assert_eq!(told.counts(), Some((1, 0)), "{told:?}");
    assert_eq!(dangling(&scene.judged().await), []);
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_import_has_claimed_is_not_to_be_had_while_it_runs() {
    let import = import(0, 0, Id(0));
    at_every_step(&[], import, &[create(0, 1, Id(0))], false, |ended| {
        let counts = ended.told.counts();
        assert_eq!(counts, Some((1, 0)), "the import makes its user");
        for code in ended.refused() {
            assert_eq!(code, "external_id.taken", "{}", ended.scene.number);
        }
        assert_eq!(dangling(&ended.rows), []);
    })
    .await;
}
