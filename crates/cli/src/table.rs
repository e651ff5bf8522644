//! Tables for people: aligned, numbers to the right, no cell so wide that it breaks the others' lines.

use crate::output::visible;

/// Most characters of a cell; what is longer is cut. `--json` shows it whole.
const WIDEST: usize = 48;

/// Rows under heads.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self {
            rows: vec![heads.map(str::to_owned).to_vec()],
        }
    }

    /// Adds a row, with a cell for every head.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| cut(&visible(cell))).collect());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let columns: Vec<(usize, bool)> = (0..self.rows[0].len())
            .map(|column| {
                let width = self.rows.iter().map(|row| row[column].chars().count()).max();
                let cells = || self.rows[1..].iter().map(|row| row[column].as_str());
                let is_right = cells().any(is_number) && cells().all(|cell| cell == "-" || is_number(cell));
                (width.unwrap_or(0), is_right)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row
                .iter()
                .zip(&columns)
                .map(|(cell, (width, is_number))| match is_number {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:<width$}"),
                });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

fn cut(cell: &str) -> String {
    if cell.chars().count() <= WIDEST {
        return cell.to_owned();
    }
    cell.chars().take(WIDEST - 1).chain(['…']).collect()
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_bounded() {
        let mut table = Table::new(["ROOM", "SOCKETS"]);
        table.row(["board-1".into(), "12".into()]);
        table.row(["x".repeat(60), "-".into()]);
        let lines = table.lines();
        assert_eq!(lines[0], format!("ROOM{}  SOCKETS", " ".repeat(44)));
        assert_eq!(lines[1], format!("board-1{}       12", " ".repeat(41)));
        assert_eq!(lines[2], format!("{}…        -", "x".repeat(47)));
    }

    #[test]
    fn what_moves_a_terminals_cursor_is_shown_and_not_done() {
        let mut table = Table::new(["DEVICE"]);
        table.row(["\u{1b}[2Jphone\u{9b}\n".into()]);
        assert_eq!(table.lines()[1], "\u{fffd}[2Jphone\u{fffd}\u{fffd}");
    }
}
