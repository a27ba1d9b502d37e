//! Rows as a table for people, or as columns between tabs for programs.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use dialoguer::console::Term;

use super::{Cell, Row, View};

/// What separates two columns.
const GAP: u16 = 2;

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
            .set_width(Term::stdout().size().1)
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
        let text = table.trim_fmt();
        let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
        let bold = Style::new().bold();
        format!("{bold}{header}{bold:#}\n{body}\n")
    }
}
