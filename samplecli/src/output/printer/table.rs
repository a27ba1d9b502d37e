//! Tables for people and the header line for programs.

use anstyle::Style;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::Printer;
use crate::output::cell::{Cell, Row};

/// Spaces between two columns.
const COLUMN_GAP: u16 = 2;
/// The narrowest readable text, in columns of the terminal.
const MIN_TEXT_COLUMNS: u16 = 12;

impl Printer {
    /// Returns the tab-separated column headings.
    pub fn header<T: Row>(&self) -> String {
        T::COLUMNS.join("\t")
    }

    /// Formats a table that is no wider than the terminal.
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
            column.set_padding((0, COLUMN_GAP));
            let numbers = |row: &Vec<Cell>| matches!(row.get(index), Some(Cell::Number(_)));
            if rows.iter().any(numbers) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.avoid_wrapping::<T>(&mut table, &rows);
        let text = table.trim_fmt();
        let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
        let bold = Style::new().bold();
        format!("{bold}{header}{bold:#}\n{body}\n")
    }

    /// Keeps numbers, times and ids on one line while the texts beside them have room; ids are the
    /// first to be wrapped.
    fn avoid_wrapping<T: Row>(&self, table: &mut Table, rows: &[Vec<Cell>]) {
        let widths = table.column_max_content_widths();
        let short = |index: usize| {
            rows.iter()
                .all(|row| !matches!(row.get(index), Some(Cell::Text(_) | Cell::Texts(_))))
        };
        let id = |index: usize| T::COLUMNS.get(index) == Some(&"Id");
        let width_needed = |unwrapped: &dyn Fn(usize) -> bool| -> u16 {
            let columns = widths.iter().enumerate();
            columns
                .map(|(index, &width)| {
                    COLUMN_GAP
                        + if unwrapped(index) {
                            width
                        } else {
                            width.min(MIN_TEXT_COLUMNS)
                        }
                })
                .sum()
        };
        let short_or_id = |index: usize| short(index) || id(index);
        let unwrapped: &dyn Fn(usize) -> bool = if width_needed(&short_or_id) <= self.width {
            &short_or_id
        } else if width_needed(&short) <= self.width {
            &short
        } else {
            return;
        };
        for (index, column) in table.column_iter_mut().enumerate() {
            if unwrapped(index) {
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
    use crate::output::printer::OutputFormat;

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

    fn printer(is_terminal: bool, width: u16) -> Printer {
        Printer {
            format: OutputFormat::Table,
            is_terminal,
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
    fn a_terminal_gets_grouped_numbers_and_local_times() {
        let text = printer(true, 80).table(vec![shop("North")]);
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "Name    Users  Opened\nNorth  12,345  2026-11-22 03:02\n"
        );
    }

    #[test]
    fn a_table_fits_the_terminal_and_cuts_nothing() {
        let long = "The shop at the very end of the long road to the north";
        let text = printer(true, 50).table(vec![shop(long)]);
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
    fn numbers_and_times_are_not_wrapped_beside_a_long_text() {
        let text = printer(true, 40).table(vec![shop("The shop at the very end of the long road")]);
        assert!(text.contains("12,345  2026-11-22 03:02"), "{text}");
    }

    #[test]
    fn programs_get_tabs_plain_numbers_and_rfc_3339() {
        let printer = printer(false, 20);
        assert_eq!(printer.header::<Shop>(), "Name\tUsers\tOpened");
        assert_eq!(
            printer.row(shop("a\tb\u{1b}[2J")),
            "a\\u{9}b\\u{1b}[2J\t12345\t2026-11-22T01:02:03.004Z"
        );
    }
}
