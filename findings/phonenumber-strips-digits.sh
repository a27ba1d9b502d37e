#!/usr/bin/env bash
# phonenumber 0.3.10 (a Rust port of libphonenumber) takes digits away from valid national numbers.
#
# A number is parsed with its country as a hint. If it happens to begin with the digits of the country's
# calling code, these are removed, although a complete national number is given and no `+` is there:
# Italian mobile numbers begin with 39x, Polish ones around Radom with 48. Russian numbers whose area code
# begins with 8 lose it, because 8 is also the prefix of calls within the country; this happens with `+7`
# in front, too. What is left is too short, and is_valid() is false for numbers that are in use.
#
# Seen with 0.3.10+9.0.33. Muster therefore reads national numbers by the country's own lengths.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
phonenumber = "=0.3.10"
TOML
cat > "$folder/src/main.rs" <<'RUST'
use phonenumber::{Mode, country, parse};

fn main() {
    let numbers = [
        (Some(country::IT), "3333456789"),
        (Some(country::IT), "3923456789"),
        (Some(country::PL), "221234567"),
        (Some(country::PL), "481234567"),
        (Some(country::RU), "9161234567"),
        (Some(country::RU), "8431234567"),
        (None, "+78431234567"),
    ];
    for (country, sent) in numbers {
        let number = parse(country, sent).expect("a number");
        let read = number.format().mode(Mode::E164).to_string();
        println!("{sent} {read} {}", number.is_valid());
    }
}
RUST
found=$(cd "$folder" && cargo run --quiet 2> "$folder/log") || { cat "$folder/log"; exit 1; }
expected='3333456789 +393333456789 true
3923456789 +3923456789 false
221234567 +48221234567 true
481234567 +481234567 false
9161234567 +79161234567 true
8431234567 +7431234567 false
+78431234567 +7431234567 false'
echo "$found"
if [ "$found" != "$expected" ]; then
    echo "phonenumber behaves in another way now; expected:" >&2
    echo "$expected" >&2
    exit 1
fi
