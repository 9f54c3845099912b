//! Lists, in the four formats.

use std::borrow::Cow;

use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};

use super::args::{Format, ListArgs};
use super::error::CommandError;
use super::escape;
use super::output::Printer;

/// One column of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its name in the header, in CSV and for `--sort` (where case does not matter).
    pub(super) title: &'static str,
    /// Where it is shown, and how.
    pub(super) place: Place,
}

/// Where a column is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In tables as wide as it is.
    Fixed,
    /// In tables; breaks over several lines on a narrow terminal.
    GivesWay,
    /// Only where programs read, and in lists.
    Full,
}

/// One field of one item.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// What the table shows.
    shown: String,
    /// What programs get, when it is more.
    full: Option<String>,
}

impl Cell {
    /// A field whose short form is shown in tables.
    pub(super) fn short(shown: impl Into<String>, full: impl Into<String>) -> Self {
        Self {
            shown: shown.into(),
            full: Some(full.into()),
        }
    }

    fn full(&self) -> Cow<'_, str> {
        escape::line(self.full.as_deref().unwrap_or(&self.shown))
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(shown: T) -> Self {
        Self {
            shown: shown.into(),
            full: None,
        }
    }
}

/// One item: its fields, and itself for JSON.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) json: serde_json::Value,
}

/// A list of items.
#[derive(Debug)]
pub(super) struct Listing {
    /// What JSON says beside the items.
    pub(super) head: Vec<(&'static str, serde_json::Value)>,
    pub(super) columns: &'static [Column],
    pub(super) rows: Vec<Row>,
}

/// The look of the table: a header, a line, the items, a line.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('-').junction('-'))
    .content_lines(ContentLineStyle::none().junction(' '))
    .bottom_border(LineStyle::none().fill('-').junction('-'));

/// Width of the line between two items of a list.
const RULE: usize = 80;

impl Listing {
    /// Prints the list as the flags ask.
    pub(super) fn print(
        mut self,
        arguments: &ListArgs,
        out: &mut Printer,
    ) -> Result<(), CommandError> {
        self.sort(arguments)?;
        let hidden = self.limit(arguments);
        match arguments.format {
            Format::Table => self.print_table(arguments, out)?,
            Format::Json => self.print_json(out)?,
            Format::Csv => self.print_csv(arguments, out)?,
            Format::List => self.print_list(arguments, out)?,
        }
        if hidden > 0 {
            out.note(&format!("{hidden} more not shown because of --limit"));
        }
        Ok(())
    }

    fn sort(&mut self, arguments: &ListArgs) -> Result<(), CommandError> {
        let Some(wanted) = &arguments.sort else {
            return Ok(());
        };
        let matches = |column: &Column| column.title.eq_ignore_ascii_case(wanted);
        let Some(index) = self.columns.iter().position(matches) else {
            let titles: Vec<_> = self.columns.iter().map(|column| column.title).collect();
            let titles = titles.join(", ").to_lowercase();
            return Err(CommandError::usage(format!(
                "cannot sort by {wanted:?}: expected one of {titles}"
            )));
        };
        let key = |row: &Row| row.cells.get(index).map(|cell| cell.full().into_owned());
        self.rows.sort_by_cached_key(key);
        if arguments.descending {
            self.rows.reverse();
        }
        Ok(())
    }

    /// Drops what is over the limit and says how much that was.
    fn limit(&mut self, arguments: &ListArgs) -> usize {
        let limit = arguments.limit.unwrap_or(usize::MAX);
        let hidden = self.rows.len().saturating_sub(limit);
        self.rows.truncate(limit);
        hidden
    }

    fn print_table(&self, arguments: &ListArgs, out: &mut Printer) -> Result<(), CommandError> {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|index| {
                self.columns
                    .get(*index)
                    .is_some_and(|column| column.place != Place::Full)
            })
            .collect();
        let mut table = Table::new();
        table.load_style(STYLE);
        if arguments.no_header {
            table.style_mut().header_separator = LineStyle::none();
        } else {
            let titles = shown.iter().filter_map(|index| self.columns.get(*index));
            table.set_header(titles.map(|column| column.title));
        }
        if arguments.no_footer {
            table.style_mut().bottom_border = LineStyle::none();
        }
        for row in &self.rows {
            let cells = shown.iter().filter_map(|index| row.cells.get(*index));
            table.add_row(cells.map(|cell| escape::line(&cell.shown)));
        }
        self.fit(&mut table, &shown, out.terminal().width);
        for line in table.lines() {
            out.line(line.trim_end())?;
        }
        self.print_total(arguments, out)
    }

    /// On a terminal long fields break over several lines; on a pipe an item stays one line.
    fn fit(&self, table: &mut Table, shown: &[usize], width: Option<u16>) {
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        for (position, index) in shown.iter().enumerate() {
            let place = self.columns.get(*index).map(|column| column.place);
            if let Some(layout) = table.column_mut(position) {
                layout.set_padding((0, 0));
                if place == Some(Place::Fixed) {
                    layout.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
    }

    fn print_json(&self, out: &mut Printer) -> Result<(), CommandError> {
        let items = self.rows.iter().map(|row| row.json.clone()).collect();
        let mut whole = serde_json::Map::new();
        whole.insert("schema".into(), 1.into());
        let head = self.head.iter();
        whole.extend(head.map(|(name, value)| ((*name).to_owned(), value.clone())));
        whole.insert("items".into(), serde_json::Value::Array(items));
        out.json(&whole)
    }

    fn print_csv(&self, arguments: &ListArgs, out: &mut Printer) -> Result<(), CommandError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |record: Vec<Cow<'_, str>>| {
            writer.write_record(record.iter().map(|field| field.as_bytes()))
        };
        if !arguments.no_header {
            let titles = self.columns.iter().map(|column| column.title.into());
            write(titles.collect()).map_err(CommandError::failed)?;
        }
        for row in &self.rows {
            write(row.cells.iter().map(Cell::full).collect()).map_err(CommandError::failed)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| CommandError::failed(error.to_string()))?;
        for line in String::from_utf8_lossy(&bytes).lines() {
            out.line(line)?;
        }
        Ok(())
    }

    fn print_list(&self, arguments: &ListArgs, out: &mut Printer) -> Result<(), CommandError> {
        let titles = self.columns.iter().map(|column| column.title.len());
        let width = titles.max().unwrap_or(0);
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                out.line(&"-".repeat(RULE))?;
            }
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                out.line(&format!("{:>width$}: {}", column.title, cell.full()))?;
            }
        }
        if !self.rows.is_empty() && !arguments.no_footer {
            out.line(&"-".repeat(RULE))?;
        }
        self.print_total(arguments, out)
    }

    fn print_total(&self, arguments: &ListArgs, out: &mut Printer) -> Result<(), CommandError> {
        if arguments.no_footer {
            return Ok(());
        }
        out.line(&format!("Total: {}", self.rows.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Terminal;
    use crate::cli::testing::Captured;

    const COLUMNS: &[Column] = &[
        Column {
            title: "ID",
            place: Place::Fixed,
        },
        Column {
            title: "Type",
            place: Place::Fixed,
        },
        Column {
            title: "Description",
            place: Place::GivesWay,
        },
        Column {
            title: "README",
            place: Place::Fixed,
        },
    ];

    fn listing(items: &[[&str; 4]]) -> Listing {
        let rows = items.iter().map(|[id, kind, description, readme]| Row {
            cells: vec![
                Cell::short(*id, format!("{id}-in-full")),
                (*kind).into(),
                (*description).into(),
                (*readme).into(),
            ],
            json: serde_json::json!({ "id": id }),
        });
        Listing {
            head: vec![("total", items.len().into())],
            columns: COLUMNS,
            rows: rows.collect(),
        }
    }

    fn seed() -> Listing {
        listing(&[
            [
                "cdb88",
                "OneFS",
                "OneFS 9.4.0.0_build(2797)style(11) / B_MAIN_2797(RELEASE)",
                "-",
            ],
            ["3a145", "DSP", "Drive_Support_v1.39.1", "Included"],
            ["840b8", "Patch", "HealthCheck_9.2.1_2021-09", "Included"],
            [
                "aa19b",
                "Patch",
                "9.3.0.2_GA-RUP_2021-12_PSP-1643",
                "Included",
            ],
        ])
    }

    fn print(listing: Listing, arguments: &ListArgs, width: Option<u16>) -> String {
        let terminal = Terminal {
            width,
            ..Terminal::default()
        };
        let (captured, mut printer) = Captured::on(terminal);
        listing.print(arguments, &mut printer).unwrap();
        captured.stdout()
    }

    /// The example of the article on signed upgrades.
    const SEED: &str = "\
ID    Type  Description                                               README
------------------------------------------------------------------------------
cdb88 OneFS OneFS 9.4.0.0_build(2797)style(11) / B_MAIN_2797(RELEASE) -
3a145 DSP   Drive_Support_v1.39.1                                     Included
840b8 Patch HealthCheck_9.2.1_2021-09                                 Included
aa19b Patch 9.3.0.2_GA-RUP_2021-12_PSP-1643                           Included
------------------------------------------------------------------------------
Total: 4
";

    #[test]
    fn a_table_looks_like_the_original() {
        assert_eq!(print(seed(), &ListArgs::default(), None), SEED);
        assert_eq!(print(seed(), &ListArgs::default(), Some(80)), SEED);
    }

    #[test]
    fn an_empty_list_has_its_frame_and_total() {
        assert_eq!(
            print(listing(&[]), &ListArgs::default(), None),
            "ID Type Description README\n--------------------------\n\
             --------------------------\nTotal: 0\n"
        );
    }

    #[test]
    fn header_and_footer_can_be_left_out() {
        let arguments = ListArgs {
            no_header: true,
            no_footer: true,
            ..ListArgs::default()
        };
        let one = listing(&[["a", "b", "c", "d"]]);
        assert_eq!(print(one, &arguments, None), "a b c d\n");
    }

    #[test]
    fn a_narrow_terminal_breaks_long_fields_only() {
        let printed = print(seed(), &ListArgs::default(), Some(60));
        assert!(printed.lines().all(|line| line.len() <= 60), "{printed}");
        assert!(
            printed.contains("\n3a145 DSP   Drive_Support_v1.39.1"),
            "{printed}"
        );
    }

    #[test]
    fn a_pipe_gets_one_line_for_each_item() {
        let long = "x".repeat(500);
        let printed = print(
            listing(&[["a", "b", &long, "d"]]),
            &ListArgs::default(),
            None,
        );
        assert_eq!(printed.lines().count(), 5);
    }

    #[test]
    fn programs_get_everything_in_full() {
        let arguments = |format| ListArgs {
            format,
            ..ListArgs::default()
        };
        let one = || listing(&[["a", "b", "c, \"d\"", "e"]]);
        assert_eq!(
            print(one(), &arguments(Format::Csv), None),
            "ID,Type,Description,README\na-in-full,b,\"c, \"\"d\"\"\",e\n"
        );
        assert_eq!(
            print(one(), &arguments(Format::List), None),
            format!(
                "         ID: a-in-full\n       Type: b\nDescription: c, \"d\"\n     \
                 README: e\n{}\nTotal: 1\n",
                "-".repeat(80)
            )
        );
        let json: serde_json::Value =
            serde_json::from_str(&print(one(), &arguments(Format::Json), None)).unwrap();
        let expected = serde_json::json!({"schema": 1, "total": 1, "items": [{"id": "a"}]});
        assert_eq!(json, expected);
    }

    #[test]
    fn sorts_by_any_column_and_limits() {
        let arguments = ListArgs {
            format: Format::Csv,
            no_header: true,
            sort: Some("description".into()),
            descending: true,
            limit: Some(2),
            ..ListArgs::default()
        };
        let printed = print(seed(), &arguments, None);
        let ids: Vec<_> = printed.lines().map(|line| &line[..5]).collect();
        assert_eq!(ids, ["cdb88", "840b8"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_wrong_usage() {
        let arguments = ListArgs {
            sort: Some("size".into()),
            ..ListArgs::default()
        };
        let (_, mut printer) = Captured::plain();
        let error = seed().print(&arguments, &mut printer).unwrap_err();
        assert_eq!(error.kind().number(), 2);
        assert!(error.to_string().contains("id, type, description, readme"));
    }

    #[test]
    fn c12_a_name_cannot_fake_a_row() {
        let evil = listing(&[["a", "b", "c\nTotal: 9\u{1b}[2J", "d"]]);
        let printed = print(evil, &ListArgs::default(), Some(200));
        assert!(printed.contains("c\\nTotal: 9\\u{1b}[2J"), "{printed}");
        assert!(!printed.contains('\u{1b}'));
    }
}
