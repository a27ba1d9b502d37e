//! Rows as a table for people, or as columns between tabs for programs.

use anstyle::Style;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::{Cell, Row, View};

/// What separates two columns.
const GAP: u16 = 2;
/// What a text needs at least to be read, in columns.
const TEXT: u16 = 12;

impl View {
    /// The names of the columns, for programs.
    pub fn header<T: Row>(&self) -> String {
        T::COLUMNS.join("\t")
    }

    /// A table that is no wider than the terminal.
    pub fn table<T: Row>(&self, rows: Vec<T>) -> String {
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(Row::cells).collect();
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .set_header(T::COLUMNS);
        for row in &rows {
            table.add_row(row.iter().map(|cell| self.value(cell)));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, GAP));
            let numbers = |row: &Vec<Cell>| matches!(row.get(index), Some(Cell::Number(_)));
            if rows.iter().any(numbers) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.keep_whole::<T>(&mut table, &rows);
        let text = table.trim_fmt();
        let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
        let bold = Style::new().bold();
        format!("{bold}{header}{bold:#}\n{body}\n")
    }

    /// Numbers, times and ids stay in one line as long as there is room for the texts beside them;
    /// where there is not, ids are the first to be broken.
    fn keep_whole<T: Row>(&self, table: &mut Table, rows: &[Vec<Cell>]) {
        let widths = table.column_max_content_widths();
        let short = |index: usize| {
            rows.iter()
                .all(|row| !matches!(row.get(index), Some(Cell::Text(_) | Cell::Texts(_))))
        };
        let id = |index: usize| T::COLUMNS.get(index) == Some(&"Id");
        let needed = |whole: &dyn Fn(usize) -> bool| -> u16 {
            let columns = widths.iter().enumerate();
            columns
                .map(|(index, &width)| GAP + if whole(index) { width } else { width.min(TEXT) })
                .sum()
        };
        let with_ids = |index: usize| short(index) || id(index);
        let whole: &dyn Fn(usize) -> bool = if needed(&with_ids) <= self.width {
            &with_ids
        } else if needed(&short) <= self.width {
            &short
        } else {
            return;
        };
        for (index, column) in table.column_iter_mut().enumerate() {
            if whole(index) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde::Deserialize;

    use super::*;
    use crate::view::Output;

    #[derive(Deserialize)]
    struct Shop {
        name: String,
        users: u64,
    }

    impl Row for Shop {
        const COLUMNS: &'static [&'static str] = &["Name", "Users", "Opened"];

        fn cells(self) -> Vec<Cell> {
            let opened = "2026-11-22T01:02:03.004Z".parse().unwrap();
            vec![
                Cell::Text(self.name),
                Cell::Number(self.users),
                Cell::Time(opened),
            ]
        }
    }

    fn view(terminal: bool, width: u16) -> View {
        View {
            output: Output::Human,
            terminal,
            width,
            zone: TimeZone::fixed(jiff::tz::offset(2)),
        }
    }

    fn shop(name: &str) -> Shop {
        Shop {
            name: name.to_owned(),
            users: 12_345,
        }
    }

    #[test]
    fn a_person_sees_grouped_numbers_and_local_times() {
        let text = view(true, 80).table(vec![shop("North")]);
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "Name    Users  Opened\nNorth  12,345  2026-11-22 03:02\n"
        );
    }

    #[test]
    fn a_table_fits_the_terminal_and_cuts_nothing() {
        let long = "The shop at the very end of the long road to the north";
        let text = view(true, 50).table(vec![shop(long)]);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= 50),
            "{text}"
        );
        for word in long.split(' ') {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn numbers_and_times_stay_whole_beside_a_long_text() {
        let text = view(true, 40).table(vec![shop("The shop at the very end of the long road")]);
        assert!(text.contains("12,345  2026-11-22 03:02"), "{text}");
    }

    #[test]
    fn a_program_gets_tabs_plain_numbers_and_rfc_3339() {
        let view = view(false, 20);
        assert_eq!(view.header::<Shop>(), "Name\tUsers\tOpened");
        assert_eq!(
            view.row(shop("a\tb\u{1b}[2J")),
            "a\\u{9}b\\u{1b}[2J\t12345\t2026-11-22T01:02:03.004Z"
        );
    }
}
