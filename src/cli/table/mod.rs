//! Lists, in the four formats.
//!
//! What programs read is printed item by item as it arrives, so that a list of any length needs little
//! memory. A table has to know its widths first and is held back, as is everything that is to be sorted.

mod drawn;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

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
    /// In wide tables, where programs read, and in lists.
    Wide,
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

/// One item that is held back.
#[derive(Debug)]
struct Row {
    cells: Vec<Cell>,
    /// The item as JSON, where that is what will be printed.
    json: String,
}

/// A list that is being printed.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    columns: &'static [Column],
    arguments: &'a ListArgs,
    wide: bool,
    /// The column that it is sorted by here.
    sort: Option<usize>,
    held: Vec<Row>,
    printed: usize,
    hidden: usize,
}

/// Width of the line between two items of a list.
const RULE: usize = 80;
/// Bytes that are enough for most items as JSON; more are no harm.
const USUAL_JSON: usize = 1 << 10;

impl<'a> Listing<'a> {
    /// An empty list, printed as the flags ask; a column to sort by has to be there.
    pub(super) fn new(
        columns: &'static [Column],
        arguments: &'a ListArgs,
    ) -> Result<Self, CommandError> {
        let sort = arguments.sort.as_deref();
        Ok(Self {
            columns,
            arguments,
            wide: false,
            sort: sort.map(|wanted| sorted_by(columns, wanted)).transpose()?,
            held: Vec::new(),
            printed: 0,
            hidden: 0,
        })
    }

    /// Whether tables show the wide columns, too.
    pub(super) fn wide(mut self, wide: bool) -> Self {
        self.wide = wide;
        self
    }

    /// Prints the next item, or holds it back.
    pub(super) fn item<T: Serialize>(
        &mut self,
        item: &T,
        cells: impl FnOnce(&T) -> Vec<Cell>,
        out: &mut Printer,
    ) -> Result<(), CommandError> {
        let format = self.arguments.format;
        let taken = self.printed.saturating_add(self.held.len());
        if self.sort.is_none() && self.arguments.limit.is_some_and(|limit| taken >= limit) {
            self.hidden = self.hidden.saturating_add(1);
            return Ok(());
        }
        let json = match format {
            Format::Json => json(item)?,
            _ => String::new(),
        };
        let needs_cells = format != Format::Json || self.sort.is_some();
        let cells = if needs_cells { cells(item) } else { Vec::new() };
        let row = Row { cells, json };
        match (self.sort, format) {
            (Some(_), _) => self.held.push(row),
            (None, Format::Table) => self.held.push(self.only_shown(row)),
            _ => return self.print(&row, out),
        }
        Ok(())
    }

    /// Prints what was held back and what belongs to the end; JSON gets `totals` there.
    pub(super) fn finish(
        mut self,
        totals: &[(&str, Value)],
        out: &mut Printer,
    ) -> Result<(), CommandError> {
        let mut held = self.sorted();
        let room = self.arguments.limit.unwrap_or(usize::MAX);
        self.hidden += held.len().saturating_sub(room.saturating_sub(self.printed));
        held.truncate(room.saturating_sub(self.printed));
        if self.arguments.format == Format::Table {
            self.printed = held.len();
            if self.sort.is_some() {
                held = held.into_iter().map(|row| self.only_shown(row)).collect();
            }
            drawn::print(&self, &held, out)?;
        } else {
            held.iter().try_for_each(|row| self.print(row, out))?;
        }
        self.end(totals, out)?;
        if self.hidden > 0 {
            let hidden = self.hidden;
            out.note(&format!("{hidden} more not shown because of --limit"));
        }
        Ok(())
    }

    /// The columns that its table has.
    fn shown(&self) -> impl Iterator<Item = (usize, &'static Column)> {
        let wide = self.wide;
        let columns = self.columns.iter().enumerate();
        columns.filter(move |(_, column)| match column.place {
            Place::Fixed | Place::GivesWay => true,
            Place::Wide => wide,
            Place::Full => false,
        })
    }

    /// What a table shows of an item: so much is held back, and no more, however many there are.
    fn only_shown(&self, mut row: Row) -> Row {
        let shown = self.shown().filter_map(|(index, _)| {
            let cell = row.cells.get_mut(index)?;
            let mut shown = std::mem::take(&mut cell.shown);
            shown.shrink_to_fit();
            Some(Cell { shown, full: None })
        });
        Row {
            cells: shown.collect(),
            json: String::new(),
        }
    }

    fn sorted(&mut self) -> Vec<Row> {
        let mut held = std::mem::take(&mut self.held);
        if let Some(index) = self.sort {
            let key = |row: &Row| row.cells.get(index).map(|cell| cell.full().into_owned());
            held.sort_by_cached_key(key);
            if self.arguments.descending {
                held.reverse();
            }
        }
        held
    }

    fn print(&mut self, row: &Row, out: &mut Printer) -> Result<(), CommandError> {
        let is_first = self.printed == 0;
        self.printed = self.printed.saturating_add(1);
        match self.arguments.format {
            Format::Json => {
                out.json_text(if is_first { HEAD } else { BETWEEN })?;
                out.json_text(&row.json)
            }
            Format::Csv => {
                if is_first {
                    self.csv_header(out)?;
                }
                csv_line(row.cells.iter().map(Cell::full), out)
            }
            Format::List => {
                if !is_first {
                    out.line(&"-".repeat(RULE))?;
                }
                let titles = self.columns.iter().map(|column| column.title.len());
                let width = titles.max().unwrap_or(0);
                let mut fields = self.columns.iter().zip(&row.cells);
                fields.try_for_each(|(column, cell)| {
                    let line = format!("{:>width$}: {}", column.title, cell.full());
                    out.line(line.trim_end())
                })
            }
            Format::Table => Ok(()),
        }
    }

    fn end(&self, totals: &[(&str, Value)], out: &mut Printer) -> Result<(), CommandError> {
        let is_empty = self.printed == 0;
        match self.arguments.format {
            Format::Json => {
                out.json_text(if is_empty { EMPTY } else { END })?;
                for (name, value) in totals {
                    out.json_text(&format!(",\n  \"{name}\": {value}"))?;
                }
                out.json_text("\n}\n")
            }
            Format::Csv if is_empty => self.csv_header(out),
            Format::Csv => Ok(()),
            _ if self.arguments.no_footer => Ok(()),
            Format::List | Format::Table => {
                if !is_empty && self.arguments.format == Format::List {
                    out.line(&"-".repeat(RULE))?;
                }
                out.line(&format!("Total: {}", self.printed))
            }
        }
    }

    fn csv_header(&self, out: &mut Printer) -> Result<(), CommandError> {
        if self.arguments.no_header {
            return Ok(());
        }
        let titles = self.columns.iter().map(|column| column.title.into());
        csv_line(titles, out)
    }
}

/// What JSON begins with, up to the first item.
pub(super) const HEAD: &str = "{\n  \"schema\": 1,\n  \"items\": [\n    ";
/// The same for a list without items.
pub(super) const EMPTY: &str = "{\n  \"schema\": 1,\n  \"items\": []";
/// What JSON has between two items.
pub(super) const BETWEEN: &str = ",\n    ";
/// What JSON has after the last item.
pub(super) const END: &str = "\n  ]";

/// An item as JSON on one line.
fn json(item: &impl Serialize) -> Result<String, CommandError> {
    let mut text = Vec::with_capacity(USUAL_JSON);
    serde_json::to_writer(&mut text, item).map_err(CommandError::failed)?;
    String::from_utf8(text).map_err(|error| CommandError::failed(error.to_string()))
}

fn sorted_by(columns: &[Column], wanted: &str) -> Result<usize, CommandError> {
    let matches = |column: &Column| column.title.eq_ignore_ascii_case(wanted);
    columns.iter().position(matches).ok_or_else(|| {
        let titles: Vec<_> = columns.iter().map(|column| column.title).collect();
        let titles = titles.join(", ").to_lowercase();
        CommandError::usage(format!(
            "cannot sort by {wanted:?}: expected one of {titles}"
        ))
    })
}

fn csv_line<'a>(
    fields: impl Iterator<Item = Cow<'a, str>>,
    out: &mut Printer,
) -> Result<(), CommandError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for field in fields {
        writer
            .write_field(field.as_bytes())
            .map_err(CommandError::failed)?;
    }
    writer
        .write_record(None::<&[u8]>)
        .map_err(CommandError::failed)?;
    let bytes = writer
        .into_inner()
        .map_err(|error| CommandError::failed(error.to_string()))?;
    out.line(String::from_utf8_lossy(&bytes).trim_end_matches('\n'))
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

    type Items<'a> = Vec<[&'a str; 4]>;

    fn listing<'a>(items: &[[&'a str; 4]]) -> Items<'a> {
        items.to_vec()
    }

    fn cells(item: &Value, fields: [&str; 4]) -> Vec<Cell> {
        let [id, kind, description, readme] = fields;
        assert_eq!(item["id"], id);
        vec![
            Cell::short(id, format!("{id}-in-full")),
            kind.into(),
            description.into(),
            readme.into(),
        ]
    }

    fn seed() -> Items<'static> {
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

    fn print(items: &Items<'_>, arguments: &ListArgs, width: Option<u16>) -> String {
        let terminal = Terminal {
            width,
            ..Terminal::default()
        };
        let (captured, mut printer) = Captured::on(terminal);
        let mut listing = Listing::new(COLUMNS, arguments).unwrap();
        let held_back = arguments.format == Format::Table || arguments.sort.is_some();
        for fields in items {
            let item = serde_json::json!({ "id": fields[0] });
            let add = |item: &_| cells(item, *fields);
            listing.item(&item, add, &mut printer).unwrap();
            assert_eq!(captured.stdout().is_empty(), held_back);
        }
        let totals = [("total", items.len().into())];
        listing.finish(&totals, &mut printer).unwrap();
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
        assert_eq!(print(&seed(), &ListArgs::default(), None), SEED);
        assert_eq!(print(&seed(), &ListArgs::default(), Some(80)), SEED);
    }

    #[test]
    fn an_empty_list_has_its_frame_and_total() {
        assert_eq!(
            print(&listing(&[]), &ListArgs::default(), None),
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
        assert_eq!(print(&one, &arguments, None), "a b c d\n");
    }

    #[test]
    fn a_narrow_terminal_breaks_long_fields_only() {
        let printed = print(&seed(), &ListArgs::default(), Some(60));
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
            &listing(&[["a", "b", &long, "d"]]),
            &ListArgs::default(),
            None,
        );
        assert_eq!(printed.lines().count(), 5);
    }

    #[test]
    fn a_long_table_is_drawn_in_parts_that_fit_together() {
        let fields: Vec<_> = (0..5000)
            .map(|n| (n.to_string(), "x".repeat(n / 100)))
            .collect();
        let items: Items<'_> = fields.iter().map(|(n, x)| [n, "b", x, "d"]).collect();
        let printed = print(&items, &ListArgs::default(), None);
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines.len(), 5000 + 4);
        let rules = lines.iter().filter(|line| line.starts_with("---"));
        assert_eq!(rules.count(), 2);
        let titles = lines.iter().filter(|line| line.starts_with("ID "));
        assert_eq!(titles.count(), 1);
        // 4 digits, "Type", the longest description, and the last field without its padding.
        let width = 4 + 1 + 4 + 1 + 49 + 1 + 1;
        let odd = lines[2..5002].iter().find(|line| line.len() != width);
        assert_eq!(odd, None);
    }

    #[test]
    fn programs_get_everything_in_full() {
        let arguments = |format| ListArgs {
            format,
            ..ListArgs::default()
        };
        let one = || listing(&[["a", "b", "c, \"d\"", "e"]]);
        assert_eq!(
            print(&one(), &arguments(Format::Csv), None),
            "ID,Type,Description,README\na-in-full,b,\"c, \"\"d\"\"\",e\n"
        );
        assert_eq!(
            print(&one(), &arguments(Format::List), None),
            format!(
                "         ID: a-in-full\n       Type: b\nDescription: c, \"d\"\n     \
                 README: e\n{}\nTotal: 1\n",
                "-".repeat(80)
            )
        );
        let json: Value =
            serde_json::from_str(&print(&one(), &arguments(Format::Json), None)).unwrap();
        let expected = serde_json::json!({"schema": 1, "total": 1, "items": [{"id": "a"}]});
        assert_eq!(json, expected);
        let four = print(&seed(), &arguments(Format::Json), None);
        assert_eq!(
            four.lines()
                .filter(|line| line.starts_with("    {"))
                .count(),
            4
        );
        let none: Value =
            serde_json::from_str(&print(&listing(&[]), &arguments(Format::Json), None)).unwrap();
        assert_eq!(
            none,
            serde_json::json!({"schema": 1, "total": 0, "items": []})
        );
        let none = print(&listing(&[]), &arguments(Format::Csv), None);
        assert_eq!(none, "ID,Type,Description,README\n");
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
        let printed = print(&seed(), &arguments, None);
        let ids: Vec<_> = printed.lines().map(|line| &line[..5]).collect();
        assert_eq!(ids, ["cdb88", "840b8"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_wrong_usage() {
        let arguments = ListArgs {
            sort: Some("size".into()),
            ..ListArgs::default()
        };
        let error = Listing::new(COLUMNS, &arguments).unwrap_err();
        assert_eq!(error.kind().number(), 2);
        assert!(error.to_string().contains("id, type, description, readme"));
    }

    #[test]
    fn c12_a_name_cannot_fake_a_row() {
        let evil = listing(&[["a", "b", "c\nTotal: 9\u{1b}[2J", "d"]]);
        let printed = print(&evil, &ListArgs::default(), Some(200));
        assert!(printed.contains("c\\nTotal: 9\\u{1b}[2J"), "{printed}");
        assert!(!printed.contains('\u{1b}'));
    }
}
