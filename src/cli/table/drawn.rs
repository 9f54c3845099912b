//! Lists as tables, for people.

use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle, Width,
};

use super::{Column, Listing, Place, Row};
use crate::cli::error::CommandError;
use crate::cli::escape;
use crate::cli::output::Printer;

/// The look of the table: a header, a line, the items, a line.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('-').junction('-'))
    .content_lines(ContentLineStyle::none().junction(' '))
    .bottom_border(LineStyle::none().fill('-').junction('-'));

/// How many items are drawn at a time where a table need not be seen whole to be drawn.
const AT_A_TIME: usize = 1024;

/// Prints the table without its total; each row has the cells that are shown, and no others.
///
/// On a pipe a column is as wide as its longest field. So the widths are found first, and a long table
/// is drawn in parts: what is drawn takes many times the room of what it says.
pub(super) fn print(
    listing: &Listing<'_>,
    rows: &[Row],
    out: &mut Printer,
) -> Result<(), CommandError> {
    let columns: Vec<_> = listing.shown().map(|(_, column)| column).collect();
    let width = out.terminal().width;
    let at_a_time = width.map_or(AT_A_TIME, |_| rows.len().max(1));
    let mut parts: Vec<_> = rows.chunks(at_a_time).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let widths = match parts.as_slice() {
        [_] => None,
        parts => Some(widths(listing, &columns, parts)),
    };
    let last = parts.len() - 1;
    for (number, part) in parts.into_iter().enumerate() {
        let mut table = table(listing, &columns, part);
        if number > 0 {
            table.style_mut().header_separator = LineStyle::none();
        }
        if number < last {
            table.style_mut().bottom_border = LineStyle::none();
        }
        match &widths {
            Some(widths) => hold(&mut table, widths),
            None => fit(&mut table, &columns, width),
        }
        let header = usize::from(number > 0 && table.header().is_some());
        for line in table.lines().skip(header) {
            out.line(line.trim_end())?;
        }
    }
    Ok(())
}

fn table(listing: &Listing<'_>, columns: &[&Column], rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    if listing.arguments.no_header {
        table.style_mut().header_separator = LineStyle::none();
    } else {
        table.set_header(columns.iter().map(|column| column.title));
    }
    if listing.arguments.no_footer {
        table.style_mut().bottom_border = LineStyle::none();
    }
    for row in rows {
        table.add_row(row.cells.iter().map(|cell| escape::line(&cell.shown)));
    }
    table
}

/// The width of each column that shows every field in full.
fn widths(listing: &Listing<'_>, columns: &[&Column], parts: &[&[Row]]) -> Vec<u16> {
    let mut widest = vec![0; columns.len()];
    for part in parts {
        let widths = table(listing, columns, part).column_max_content_widths();
        for (widest, width) in widest.iter_mut().zip(widths) {
            *widest = width.max(*widest);
        }
    }
    widest
}

/// Gives every column its width.
fn hold(table: &mut Table, widths: &[u16]) {
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::MAX);
    for (position, width) in widths.iter().enumerate() {
        if let Some(layout) = table.column_mut(position) {
            layout.set_padding((0, 0));
            layout.set_constraint(ColumnConstraint::Absolute(Width::Fixed(*width)));
        }
    }
}

/// On a terminal long fields break over several lines; on a pipe an item stays one line.
fn fit(table: &mut Table, columns: &[&Column], width: Option<u16>) {
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    for (position, column) in columns.iter().enumerate() {
        if let Some(layout) = table.column_mut(position) {
            layout.set_padding((0, 0));
            if column.place != Place::GivesWay {
                layout.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
}
