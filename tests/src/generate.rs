//! Generates imports of any size with a known outcome: each element is made to be of one kind, and
//! counted as that kind.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// A generated import, and its expected outcome in a directory that has none of its logins except
/// the foreign ones.
#[derive(Debug, Default)]
pub struct GeneratedImport {
    /// The elements, in order.
    pub elements: Vec<Value>,
    /// Number of elements without a username.
    pub empty: u64,
    /// Number of elements that are rejected.
    pub ignored: u64,
    /// Number of elements whose login is in an earlier element.
    pub duplicated: u64,
    /// Number of elements that are imported with a warning.
    pub warned: u64,
    /// The logins that are created, in order.
    pub created: Vec<String>,
    /// The logins of all elements so far, rejected ones included.
    used_logins: Vec<String>,
}

impl GeneratedImport {
    /// Generates `total` elements whose logins end in `tag`. `foreign` are logins of another tenant,
    /// of which some are mixed in, each once.
    pub fn new(total: usize, tag: &str, foreign: &[String], seed: u64) -> GeneratedImport {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut foreign = foreign.iter();
        let mut import = GeneratedImport::default();
        for number in 0..total {
            let fresh = format!("u{number}.{tag}");
            match rng.random_range(0..100) {
                0..60 => import.valid(&fresh, number),
                60..66 => import.without_login(&mut rng),
                66..74 => import.duplicate(&mut rng, &fresh, number),
                74..78 => import.not_an_object(&mut rng),
                78..82 => import.bad_login(&mut rng, &fresh),
                82..86 => import.bad_role(&mut rng, &fresh),
                86..91 => import.bad_email(&mut rng, &fresh),
                91..95 => import.with_warning(&fresh, number),
                _ => match foreign.next() {
                    Some(login) => {
                        import.rejected(
                            login,
                            json!({"Role": "catman", "E-mail": "mine@example.com"}),
                        );
                    }
                    None => import.valid(&fresh, number),
                },
            }
        }
        import
    }

    /// Returns the request body.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.elements).expect("JSON values serialise")
    }

    /// Returns Total Lines, Empty IDs, Ignored Users, Duplicated Users.
    pub fn counts(&self) -> [u64; 4] {
        [
            self.elements.len() as u64,
            self.empty,
            self.ignored,
            self.duplicated,
        ]
    }

    /// Returns the minimum number of warnings.
    pub fn warnings(&self) -> u64 {
        self.empty + self.ignored + self.duplicated + self.warned
    }

    /// Returns the import status.
    pub fn status(&self) -> &'static str {
        if self.warnings() == 0 {
            "SUCCESS"
        } else {
            "PARTIAL_SUCCESS"
        }
    }

    fn push(&mut self, login: &str, mut record: Value) {
        record["Username"] = json!(login);
        self.used_logins.push(login.to_owned());
        self.elements.push(record);
    }

    fn valid(&mut self, login: &str, number: usize) {
        self.created.push(login.to_owned());
        let stores = json!([format!("store{}", number % 40), "hq"]);
        self.push(
            login,
            json!({"Name": format!("Name {number}"), "Role": "catman",
            "E-mail": format!("u{number}@example.com"), "Individual Stores": stores}),
        );
    }

    fn with_warning(&mut self, login: &str, number: usize) {
        self.warned += 1;
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
        self.elements
            .push(kinds.choose(rng).expect("a choice").clone());
    }

    fn duplicate(&mut self, rng: &mut StdRng, fresh: &str, number: usize) {
        let Some(login) = self.used_logins.choose(rng).cloned() else {
            return self.valid(fresh, number);
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
        self.elements
            .push(kinds.choose(rng).expect("a choice").clone());
    }

    fn rejected(&mut self, login: &str, record: Value) {
        self.ignored += 1;
        self.push(login, record);
    }

    fn bad_login(&mut self, rng: &mut StdRng, fresh: &str) {
        let rest = json!({"Role": "catman", "E-mail": "right@example.com"});
        if rng.random_bool(0.3) {
            // Of the wrong type: later logins cannot be duplicates of it.
            self.ignored += 1;
            let mut record = rest;
            record["Username"] = [json!(true), json!([fresh]), json!({"a": fresh}), json!(1.5)]
                .choose(rng)
                .expect("a choice")
                .clone();
            self.elements.push(record);
        } else {
            let sign = ["/", " ", "\u{0}", "%", "\"", "\\", "💥"]
                .choose(rng)
                .expect("a choice");
            self.rejected(&format!("{fresh}{sign}x"), rest);
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
        let role = role.choose(rng).expect("a choice").clone();
        self.rejected(fresh, json!({"Role": role, "E-mail": "right@example.com"}));
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
        let email = email.choose(rng).expect("a choice").clone();
        self.rejected(fresh, json!({"Role": "catman", "E-mail": email}));
    }
}
