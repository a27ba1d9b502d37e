//! Lists: their forms, their items, and their limit.

use super::*;

fn texts<const N: usize>(
    items: [&'static str; N],
) -> Result<Option<Assignment<'static>>, &'static str> {
    let items = items.map(Cow::Borrowed).into();
    Ok(Some(Assignment::Set(Value::Texts(items))))
}

fn integers<const N: usize>(items: [i64; N]) -> Result<Option<Assignment<'static>>, &'static str> {
    Ok(Some(Assignment::Set(Value::Integers(items.into()))))
}

#[test]
fn lists_are_split_and_trimmed_and_empty_items_dropped() {
    let list = stored(AttributeKind::TextList, Json::Text(" a, b ,,c,"));
    assert_eq!(list, texts(["a", "b", "c"]));
    let ids = stored(AttributeKind::IdList, Json::Text("3, 1"));
    assert_eq!(ids, integers([3, 1]));
    assert_eq!(
        stored(AttributeKind::TextList, Json::Text(",, ,")),
        Ok(Some(Assignment::Clear))
    );
    assert_refused(AttributeKind::IdList, "malformed", &["1,x"]);
    for wrong in [Json::Bool(true), FRACTION, Json::Object] {
        for kind in [AttributeKind::TextList, AttributeKind::IdList] {
            assert_eq!(stored(kind, wrong), Err("wrong_type"));
        }
    }
}

#[test]
fn repeated_items_are_stored_once_in_the_order_of_the_first() {
    let list = stored(AttributeKind::TextList, Json::Text("b,a, b,A,a ,b"));
    assert_eq!(list, texts(["b", "a", "A"]));
    let ids = stored(AttributeKind::IdList, Json::Text("3,1,3, 03 ,+1"));
    assert_eq!(ids, integers([3, 1]));
    let array = [
        OwnedJson::Text(" x ".into()),
        OwnedJson::Integer(7),
        OwnedJson::Text("x".into()),
        OwnedJson::Text("7".into()),
    ];
    let list = stored(AttributeKind::TextList, Json::Array(Items::Owned(&array)));
    assert_eq!(list, texts(["x", "7"]));
}

#[test]
fn an_integer_is_a_list_of_one() {
    assert_eq!(
        stored(AttributeKind::TextList, Json::Integer(17)),
        texts(["17"])
    );
    let big = BigInteger::Digits("18446744073709551616");
    assert_eq!(
        stored(AttributeKind::TextList, Json::BigInteger(big)),
        texts(["18446744073709551616"])
    );
    assert_eq!(
        stored(AttributeKind::IdList, Json::Integer(-17)),
        integers([-17])
    );
    assert_eq!(
        stored(AttributeKind::IdList, Json::BigInteger(big)),
        Err("malformed")
    );
}

#[test]
fn a_list_holds_5_000_different_items() {
    let items = |count: usize| {
        let items: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        items.join(",")
    };
    for kind in [AttributeKind::TextList, AttributeKind::IdList] {
        // Empty and repeated items do not count.
        let most = format!("{},,{}", items(5_000), items(5_000));
        assert!(stored(kind, Json::Text(&most)).is_ok());
        assert_refused(kind, "too_many_items", &[&items(5_001)]);
    }
}
