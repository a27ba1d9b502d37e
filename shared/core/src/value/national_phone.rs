//! Phone numbers as people of one country write them (contract.md#value-formats).

/// How phone numbers of a country are written within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalPhones {
    /// Digits of the country code: `380`.
    pub calling_code: String,
    /// Digits that are dialled before a number within the country only, such as `0`; may be empty.
    pub trunk_prefix: String,
    /// Numbers of digits behind the country code; empty if they vary too much.
    pub national_digits: Vec<usize>,
}

impl NationalPhones {
    /// Returns the international form of a number in digits; `None` if it has none, or several.
    pub(super) fn international(&self, digits: &str) -> Option<String> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let Self {
            calling_code,
            trunk_prefix,
            national_digits,
        } = self;
        let after_trunk = digits
            .strip_prefix(&**trunk_prefix)
            .filter(|_| !trunk_prefix.is_empty());
        let after_code = digits.strip_prefix(&**calling_code);
        let national = if national_digits.is_empty() {
            // A number that begins with the country code may have it, or be a national one.
            after_trunk.or_else(|| after_code.is_none().then_some(digits))?
        } else {
            // Where a zero is dialled first, no number begins with one.
            let alone =
                Some(digits).filter(|_| after_trunk.is_none() || !trunk_prefix.starts_with('0'));
            let readings = [alone, after_trunk, after_code];
            let has_length = |national: &&str| national_digits.contains(&national.len());
            let mut readings = readings.into_iter().flatten().filter(has_length);
            let first = readings.next()?;
            if readings.next().is_some() {
                return None;
            }
            first
        };
        Some(format!("+{calling_code}{national}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_read(code: &str, trunk: &str, lengths: &[usize], cases: &[(&str, Option<&str>)]) {
        let phones = NationalPhones {
            calling_code: code.to_owned(),
            trunk_prefix: trunk.to_owned(),
            national_digits: lengths.to_vec(),
        };
        for (sent, expected) in cases {
            assert_eq!(phones.international(sent).as_deref(), *expected, "{sent}");
        }
    }

    #[test]
    fn a_number_of_a_known_length_is_read_with_and_without_its_prefixes() {
        let ukraine = [
            ("0971234567", Some("+380971234567")),
            ("971234567", Some("+380971234567")),
            ("380971234567", Some("+380971234567")),
            ("80971234567", None),
            ("97123456", None),
            ("097123456", None),
            ("", None),
            ("97123456x", None),
        ];
        assert_read("380", "0", &[9], &ukraine);
        // Numbers that begin with the code or the prefix themselves.
        let italy = [
            ("3923456789", Some("+393923456789")),
            ("0612345678", Some("+390612345678")),
        ];
        assert_read("39", "", &[10], &italy);
        let russia = [
            ("8431234567", Some("+78431234567")),
            ("88431234567", Some("+78431234567")),
            ("78431234567", Some("+78431234567")),
        ];
        assert_read("7", "8", &[10], &russia);
        // One of nine digits behind an eight, or one of ten.
        assert_read("99", "8", &[9, 10], &[("8123456789", None)]);
        assert_read("99", "0", &[9, 10], &[("0123456789", Some("+99123456789"))]);
    }

    #[test]
    fn a_number_of_any_length_is_not_read_in_two_ways() {
        let germany = [
            ("030123456", Some("+4930123456")),
            ("15123456789", Some("+4915123456789")),
            // Emden without its zero, or Essen with the country code.
            ("4921872001", None),
        ];
        assert_read("49", "0", &[], &germany);
        assert_read(
            "34",
            "",
            &[],
            &[("612345678", Some("+34612345678")), ("34612345678", None)],
        );
    }
}
