//! Lists as tables, for people.

use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};

use super::{Listing, Place, Row};
use crate::cli::error::CommandError;
use crate::cli::escape;
use crate::cli::output::Printer;

/// The look of the table: a header, a line, the items, a line.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('-').junction('-'))
    .content_lines(ContentLineStyle::none().junction(' '))
    .bottom_border(LineStyle::none().fill('-').junction('-'));

/// Prints the table without its total.
pub(super) fn print(
    listing: &Listing<'_>,
    rows: &[Row],
    out: &mut Printer,
) -> Result<(), CommandError> {
    let columns = listing.columns.iter().enumerate();
    let is_shown = |place| match place {
        Place::Fixed | Place::GivesWay => true,
        Place::Wide => listing.wide,
        Place::Full => false,
    };
    let shown: Vec<_> = columns
        .filter(|(_, column)| is_shown(column.place))
        .collect();
    let mut table = Table::new();
    table.load_style(STYLE);
    if listing.arguments.no_header {
        table.style_mut().header_separator = LineStyle::none();
    } else {
        table.set_header(shown.iter().map(|(_, column)| column.title));
    }
    if listing.arguments.no_footer {
        table.style_mut().bottom_border = LineStyle::none();
    }
    for row in rows {
        let cells = shown.iter().filter_map(|(index, _)| row.cells.get(*index));
        table.add_row(cells.map(|cell| escape::line(&cell.shown)));
    }
    let places = shown.iter().map(|(_, column)| column.place);
    fit(&mut table, places, out.terminal().width);
    for line in table.lines() {
        out.line(line.trim_end())?;
    }
    Ok(())
}

/// On a terminal long fields break over several lines; on a pipe an item stays one line.
fn fit(table: &mut Table, places: impl Iterator<Item = Place>, width: Option<u16>) {
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    for (position, place) in places.enumerate() {
        if let Some(layout) = table.column_mut(position) {
            layout.set_padding((0, 0));
            if place != Place::GivesWay {
                layout.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
}
