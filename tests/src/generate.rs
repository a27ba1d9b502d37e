//! Imports of any size whose outcome is known because of how they were made: each element is
//! put together to be of one kind, and counted as that kind right here.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// A generated import and what must become of it on a directory that knows none of its logins
/// but the foreign ones.
#[derive(Debug, Default)]
pub struct Reckoning {
    /// The elements, in order.
    pub elements: Vec<Value>,
    /// Elements without a username.
    pub empty: u64,
    /// Elements that cannot be taken.
    pub ignored: u64,
    /// Elements whose login came before.
    pub duplicated: u64,
    /// Elements with a warning on a record that is kept.
    pub bent: u64,
    /// The logins that get created, in order.
    pub created: Vec<String>,
    /// Logins that came before, whatever became of them.
    seen: Vec<String>,
}

impl Reckoning {
    /// `total` elements. Logins end in `tag`; of `foreign` (another tenant's logins, each used
    /// once) as many are mixed in as come up.
    pub fn new(total: usize, tag: &str, foreign: &[String], seed: u64) -> Reckoning {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut foreign = foreign.iter();
        let mut made = Reckoning::default();
        for number in 0..total {
            let fresh = format!("u{number}.{tag}");
            match rng.random_range(0..100) {
                0..60 => made.good(&fresh, number),
                60..66 => made.without_login(&mut rng),
                66..74 => made.again(&mut rng, &fresh, number),
                74..78 => made.not_an_object(&mut rng),
                78..82 => made.bad_login(&mut rng, &fresh),
                82..86 => made.bad_role(&mut rng, &fresh),
                86..91 => made.bad_email(&mut rng, &fresh),
                91..95 => made.bent(&fresh, number),
                _ => match foreign.next() {
                    Some(login) => {
                        made.ignored(
                            login,
                            json!({"Role": "catman", "E-mail": "mine@example.com"}),
                        );
                    }
                    None => made.good(&fresh, number),
                },
            }
        }
        made
    }

    /// The request body.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.elements).expect("values serialise")
    }

    /// Total Lines, Empty IDs, Ignored Users, Duplicated Users.
    pub fn counts(&self) -> [u64; 4] {
        [
            self.elements.len() as u64,
            self.empty,
            self.ignored,
            self.duplicated,
        ]
    }

    /// The warnings there must be at least.
    pub fn warnings(&self) -> u64 {
        self.empty + self.ignored + self.duplicated + self.bent
    }

    /// The status that follows.
    pub fn status(&self) -> &'static str {
        if self.warnings() == 0 {
            "SUCCESS"
        } else {
            "PARTIAL_SUCCESS"
        }
    }

    fn push(&mut self, login: &str, mut record: Value) {
        record["Username"] = json!(login);
        self.seen.push(login.to_owned());
        self.elements.push(record);
    }

    fn good(&mut self, login: &str, number: usize) {
        self.created.push(login.to_owned());
        let stores = json!([format!("store{}", number % 40), "hq"]);
        self.push(
            login,
            json!({"Name": format!("Name {number}"), "Role": "catman",
            "E-mail": format!("u{number}@example.com"), "Individual Stores": stores}),
        );
    }

    fn bent(&mut self, login: &str, number: usize) {
        self.bent += 1;
        self.created.push(login.to_owned());
        let email = format!("u{number}@example.com");
        self.push(
            login,
            json!({"All Stores": "perhaps", "Role": "store manager", "E-mail": email}),
        );
    }

    fn without_login(&mut self, rng: &mut StdRng) {
        self.empty += 1;
        let kinds = [
            json!({"Name": "No key", "Role": "catman"}),
            json!({"Username": null, "E-mail": "null@example.com"}),
            json!({"Username": ""}),
            json!({}),
        ];
        self.elements.push(kinds.choose(rng).expect("some").clone());
    }

    fn again(&mut self, rng: &mut StdRng, fresh: &str, number: usize) {
        let Some(login) = self.seen.choose(rng).cloned() else {
            return self.good(fresh, number);
        };
        self.duplicated += 1;
        let login = if rng.random_bool(0.5) {
            login.to_uppercase()
        } else {
            login
        };
        self.push(
            &login,
            json!({"Name": "Again", "Role": "catman", "E-mail": "again@example.com"}),
        );
    }

    fn not_an_object(&mut self, rng: &mut StdRng) {
        self.ignored += 1;
        let kinds = [
            json!(7),
            json!(null),
            json!([]),
            json!("text"),
            json!(true),
            json!([{"Username": "x"}]),
        ];
        self.elements.push(kinds.choose(rng).expect("some").clone());
    }

    fn ignored(&mut self, login: &str, record: Value) {
        self.ignored += 1;
        self.push(login, record);
    }

    fn bad_login(&mut self, rng: &mut StdRng, fresh: &str) {
        let rest = json!({"Role": "catman", "E-mail": "right@example.com"});
        if rng.random_bool(0.3) {
            // Of the wrong type: there is nothing to compare later logins with.
            self.ignored += 1;
            let mut record = rest;
            record["Username"] = [json!(true), json!([fresh]), json!({"a": fresh}), json!(1.5)]
                .choose(rng)
                .expect("some")
                .clone();
            self.elements.push(record);
        } else {
            let sign = ["/", " ", "\u{0}", "#", "\"", "\\", "💥"]
                .choose(rng)
                .expect("some");
            self.ignored(&format!("{fresh}{sign}x"), rest);
        }
    }

    fn bad_role(&mut self, rng: &mut StdRng, fresh: &str) {
        let role = [
            json!(null),
            json!(""),
            json!("Catman"),
            json!("king"),
            json!(7),
            json!(["catman"]),
        ];
        let role = role.choose(rng).expect("some").clone();
        self.ignored(fresh, json!({"Role": role, "E-mail": "right@example.com"}));
    }

    fn bad_email(&mut self, rng: &mut StdRng, fresh: &str) {
        let email = [
            json!(null),
            json!(""),
            json!("nobody"),
            json!("a@b"),
            json!("a b@example.com"),
            json!(5),
        ];
        let email = email.choose(rng).expect("some").clone();
        self.ignored(fresh, json!({"Role": "catman", "E-mail": email}));
    }
}
