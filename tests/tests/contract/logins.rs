//! Valid logins and e-mail addresses, and spellings of the same login
//! (contract.md#logins-and-values).

use muster_tests::World;
use serde_json::{Value, json};

use crate::support::assert_partial_success;

/// Imports one record for each value and returns the values whose records were ignored.
async fn refused(w: &World, key: &str, values: &[String]) -> Vec<String> {
    let records: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let mut record = w.record(&format!("r{index}"));
            record[key] = json!(value);
            record
        })
        .collect();
    let reply = w.send(&json!(records)).await;
    let (warnings, mut refused) = (reply.warnings(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        let start = format!("Record {} (", index + 1);
        if warnings.iter().any(|warning| warning.starts_with(&start)) {
            refused.push(value.clone());
        }
    }
    assert_eq!(
        reply.counts(),
        [values.len() as u64, 0, refused.len() as u64, 0],
        "{reply}"
    );
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_letters_digits_and_five_punctuation_marks_are_accepted() {
    let w = World::start().await;
    let composed = 128 - w.tag.chars().count();
    let logins = [
        "anna",
        "ANNA.B",
        "a_b-c@example.com",
        "a+b",
        "+",
        "...",
        "žluťoučký",
        "stra\u{df}e",
        "иван",
        "Ольга",
        "Γιώργος",
        "محمد",
        "דוד",
        "हिन्दी",
        "田中",
        "ひらカタ漢字",
        "한국",
        "o\u{302}\u{323}",
        "İpek",
        "e\u{301}a",
    ];
    let mut logins: Vec<String> = logins
        .iter()
        .map(|login| format!("{login}{}", w.tag))
        .collect();
    logins.push(w.tag.clone());
    logins.push(format!("{}{}", "x".repeat(composed), w.tag));
    // 128 code points after composition.
    logins.push(format!("{}{}", "e\u{301}".repeat(composed), w.tag));
    assert_eq!(refused(&w, "Username", &logins).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_characters_long_logins_and_mixed_scripts_are_refused() {
    let w = World::start().await;
    let before = w.directory().await;
    let mut logins: Vec<String> = " !\"#$%&'()*,/:;<=>?[\\]^`{|}~\t\n\r\0\u{7f}\u{80}\u{a0}\u{200b}\u{200d}\u{202e}\u{ad}\u{feff}€²½№ªⅧ💥—’"
        .chars()
        .map(|c| format!("a{c}b{}", w.tag))
        .collect();
    for login in [
        " a",
        "a ",
        "\u{301}a",
        ".\u{301}a",
        "ﬁona",
        "Ａnna",
        "ｶﾅ",
        "№1",
        "\u{1d5ba}",
        // Latin and Cyrillic, Latin and Greek, Cyrillic and Greek.
        "p\u{430}ypal",
        "\u{430}dmin",
        "ana\u{3b1}",
        "\u{438}\u{3b1}",
    ] {
        logins.push(format!("{login}{}", w.tag));
    }
    logins.push("x".repeat(129));
    logins.push("é".repeat(129));
    let all = logins.clone();
    let refused = refused(&w, "Username", &logins).await;
    let accepted: Vec<&String> = all
        .iter()
        .filter(|login| !refused.contains(login))
        .collect();
    assert!(accepted.is_empty(), "accepted: {accepted:?}");
    assert_eq!(w.directory().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spellings_with_the_same_canonical_form_are_one_user_with_the_first_spelling() {
    let w = World::start().await;
    for (first, second) in [
        ("Anna", "aNNA"),
        ("Straße", "STRASSE"),
        ("STRASSEN", "straßen"),
        ("\u{e9}va", "E\u{301}VA"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u{130}pek", "i\u{307}PEK"),
        ("ЮЛИЯ", "юлия"),
    ] {
        let (first, second) = (w.login(first), w.login(second));
        let record = |login: &str, name: &str| json!([{"Username": login, "Name": name, "Role": "catman", "E-mail": "a@example.com"}]);
        w.put(&record(&first, "First")).await;
        // A new user would be ignored without role and e-mail.
        w.put(&json!([{"Username": second, "Name": "Second"}]))
            .await;
        {
            let store = &w.store;
            let users = store.users().await;
            assert_eq!(
                users.get(&first).map(|user| &user["name"]),
                Some(&json!("Second")),
                "{first}"
            );
            assert!(!users.contains_key(&second), "{second} is a separate user");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_is_accepted_as_a_login() {
    let w = World::start().await;
    let number: u64 = w.tag.parse().expect("digits");
    let record =
        |login: Value| json!({"Username": login, "Role": "catman", "E-mail": "a@example.com"});
    let reply = w
        .send(&json!([
            record(json!(number)),
            record(json!(number.to_string()))
        ]))
        .await;
    assert_partial_success(&reply, [2, 0, 0, 1]);
    let store = &w.store;
    assert!(store.user(&number.to_string()).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_internet_addresses_are_accepted_as_e_mail() {
    let w = World::start().await;
    let long_local = format!("{}@example.com", "a".repeat(64));
    let long_label = format!("a@{}.com", "b".repeat(63));
    let longest = format!(
        "{}@{}",
        "a".repeat(64),
        ["b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".")
    );
    assert_eq!(longest.len(), 254);
    let emails = [
        "a@example.com",
        "A.B@Example.COM",
        "first.last+tag@sub.example.co.uk",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        "1@1.com",
        "a@1example.com",
        "a@xn--bcher-kva.example",
        "a@b-c.de",
        " a@example.com ",
        &long_local,
        &long_label,
        &longest,
    ];
    let emails: Vec<String> = emails.iter().map(|email| (*email).to_owned()).collect();
    assert_eq!(refused(&w, "E-mail", &emails).await, Vec::<String>::new());
    let store = &w.store;
    assert_eq!(
        store.user(&w.login("r8")).await.expect("r8")["email"],
        "a@example.com",
        "strings are trimmed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_e_mail_addresses_are_refused() {
    let w = World::start().await;
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("a@{}.com", "b".repeat(64));
    let too_long = format!(
        "{}@{}",
        "a".repeat(64),
        ["b".repeat(63), "c".repeat(63), "d".repeat(62)].join(".")
    );
    let emails = [
        "a",
        "@",
        "a@",
        "@example.com",
        "a@example",
        "a@@example.com",
        "a@b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@.example.com",
        "a@example.com.",
        "a@example..com",
        "a@-b.com",
        "a@b-.com",
        "a@b_c.com",
        "a@example.123",
        "a@[127.0.0.1]",
        "\"a b\"@example.com",
        "a b@example.com",
        "a(c)@example.com",
        "Anna <a@example.com>",
        "a@example.com,b@example.com",
        "ä@example.com",
        "a@bücher.example",
        "a\u{0}@example.com",
        "a@exa mple.com",
        "mailto:a@example.com",
        &long_local,
        &long_label,
        &too_long,
    ];
    let emails: Vec<String> = emails.iter().map(|email| (*email).to_owned()).collect();
    assert_eq!(refused(&w, "E-mail", &emails).await, emails);
}
