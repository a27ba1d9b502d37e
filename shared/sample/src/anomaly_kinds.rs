//! The kinds of anomaly, and the counter that each must increment according to the contract.

use crate::anomaly::Counter::{Duplicated, Empty, Ignored, None as Kept};
use crate::anomaly::Mutation::{self, Element, Json, Login, NumericLogin, Remove, Text, Twice};
use crate::anomaly::{Anomaly, anomaly};
use crate::earlier_logins::RepeatKind;

/// All kinds are equally likely.
pub(super) static ANOMALIES: &[Anomaly] = &[
    anomaly("element.null", Ignored, &[Element("null")]),
    anomaly("element.true", Ignored, &[Element("true")]),
    anomaly("element.number", Ignored, &[Element("17")]),
    anomaly("element.text", Ignored, &[Element("\"jack.woo\"")]),
    anomaly("element.array", Ignored, &[Element("[]")]),
    anomaly(
        "element.array",
        Ignored,
        &[Element("[{\"Username\":\"jack.woo\"},null]")],
    ),
    anomaly("username.empty", Empty, &[Json("Username", "\"\"")]),
    anomaly(
        "username.empty",
        Empty,
        &[
            Json("Username", "\"\""),
            Text("E-mail", "nobody"),
            Remove("Role"),
        ],
    ),
    anomaly("username.null", Empty, &[Json("Username", "null")]),
    anomaly("username.absent", Empty, &[Remove("Username")]),
    anomaly(
        "repeated.same",
        Duplicated,
        &[Mutation::Repeat(RepeatKind::Same)],
    ),
    anomaly(
        "repeated.same",
        Duplicated,
        &[
            Mutation::Repeat(RepeatKind::Same),
            Json("E-mail", "null"),
            Remove("Role"),
        ],
    ),
    anomaly(
        "repeated.capitals",
        Duplicated,
        &[Mutation::Repeat(RepeatKind::Capitals)],
    ),
    anomaly(
        "repeated.capitals",
        Duplicated,
        &[
            Mutation::Repeat(RepeatKind::Capitals),
            Text("Role", "guest"),
        ],
    ),
    anomaly(
        "repeated.taken_apart",
        Duplicated,
        &[Mutation::Repeat(RepeatKind::Decomposed)],
    ),
    anomaly(
        "repeated.after_ignored",
        Duplicated,
        &[Mutation::Repeat(RepeatKind::Ignored)],
    ),
    anomaly(
        "repeated.number_as_text",
        Duplicated,
        &[Mutation::Repeat(RepeatKind::NumberAsText)],
    ),
    anomaly("username.type", Ignored, &[Json("Username", "true")]),
    anomaly("username.type", Ignored, &[Json("Username", "1.5")]),
    anomaly(
        "username.type",
        Ignored,
        &[Json("Username", "[\"jack.woo\"]")],
    ),
    anomaly(
        "username.type",
        Ignored,
        &[Json("Username", "{\"login\":\"jack.woo\"}")],
    ),
    anomaly(
        "username.space",
        Ignored,
        &[Login(|n| format!("jack woo{n}"))],
    ),
    anomaly(
        "username.space",
        Ignored,
        &[Login(|n| format!(" jack.woo{n}"))],
    ),
    anomaly(
        "username.slash",
        Ignored,
        &[Login(|n| format!("stores\\jack.woo{n}"))],
    ),
    anomaly(
        "username.slash",
        Ignored,
        &[Login(|n| format!("../jack.woo{n}"))],
    ),
    anomaly(
        "username.quote",
        Ignored,
        &[Login(|n| format!("'brien{n}"))],
    ),
    anomaly(
        "username.quote",
        Ignored,
        &[Login(|n| format!("jack\"}},{{\"woo{n}"))],
    ),
    anomaly(
        "username.comma",
        Ignored,
        &[Login(|n| format!("woo,jack{n}"))],
    ),
    anomaly(
        "username.control",
        Ignored,
        &[Login(|n| format!("jack\0woo{n}"))],
    ),
    anomaly(
        "username.control",
        Ignored,
        &[Login(|n| format!("jack.woo{n}\u{7f}"))],
    ),
    anomaly(
        "username.control",
        Ignored,
        &[Login(|n| format!("jack.woo{n}\n"))],
    ),
    anomaly(
        "username.symbol",
        Ignored,
        &[Login(|n| format!("jack🙂{n}"))],
    ),
    anomaly(
        "username.invisible",
        Ignored,
        &[Login(|n| format!("jack\u{200d}woo{n}"))],
    ),
    anomaly(
        "username.compatibility",
        Ignored,
        &[Login(|n| format!("ｊack.woo{n}"))],
    ),
    anomaly(
        "username.compatibility",
        Ignored,
        &[Login(|n| format!("oﬃce{n}"))],
    ),
    anomaly(
        "username.mixed_scripts",
        Ignored,
        &[Login(|n| format!("jаck.woo{n}"))],
    ),
    anomaly(
        "username.leading_mark",
        Ignored,
        &[Login(|n| format!("\u{301}jack{n}"))],
    ),
    anomaly(
        "username.too_long",
        Ignored,
        &[Login(|n| format!("{:x>128}", format!(".{n}")) + "x")],
    ),
    anomaly("role.absent", Ignored, &[Remove("Role")]),
    anomaly("role.empty", Ignored, &[Text("Role", "")]),
    anomaly("role.null", Ignored, &[Json("Role", "null")]),
    anomaly("role.unknown", Ignored, &[Text("Role", "guest")]),
    anomaly("role.unknown", Ignored, &[Text("Role", "Robot")]),
    anomaly("role.other_case", Ignored, &[Text("Role", "Catman")]),
    anomaly("role.type", Ignored, &[Json("Role", "true")]),
    anomaly("role.type", Ignored, &[Json("Role", "[\"catman\"]")]),
    anomaly("email.absent", Ignored, &[Remove("E-mail")]),
    anomaly("email.empty", Ignored, &[Text("E-mail", "")]),
    anomaly("email.null", Ignored, &[Json("E-mail", "null")]),
    anomaly(
        "email.type",
        Ignored,
        &[Json("E-mail", "{\"work\":\"jack@example.com\"}")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack.example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@@example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@localhost")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@example.123")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "\"jack\"@example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "Jack Woo <jack@example.com>")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@exämple.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack..woo@example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "@example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@-example.com")],
    ),
    anomaly(
        "email.malformed",
        Ignored,
        &[Text("E-mail", "jack@example.com.")],
    ),
    anomaly("kept.flag", Kept, &[Text("All Stores", "perhaps")]),
    anomaly("kept.list", Kept, &[Json("Individual Stores", "3.5")]),
    anomaly(
        "kept.list",
        Kept,
        &[Json("Individual Stores", "[\"store1\",\"store2\"]")],
    ),
    anomaly("kept.name", Kept, &[Text("Name", "Jack \"}, {\" Woo [\\")]),
    anomaly("kept.name", Kept, &[Json("Name", "{\"first\":\"Jack\"}")]),
    anomaly("kept.name", Kept, &[Json("Name", "null")]),
    anomaly(
        "kept.unmapped",
        Kept,
        &[Json(
            "Cost Centre",
            "{\"a\":[{\"b\":[1,2,{\"Username\":\"\"}]}]}",
        )],
    ),
    anomaly("kept.key_twice", Kept, &[Twice("Username", "\"\"")]),
    anomaly("kept.number", Kept, &[NumericLogin]),
    anomaly(
        "kept.longest_login",
        Kept,
        &[Login(|n| format!("{:x>128}", format!(".{n}")))],
    ),
];
