use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context};
use crate::service::{Discard, DiscardReply};

const COLUMNS: &[Column] = &[
    Column {
        title: "What",
        place: Place::Fixed,
    },
    Column {
        title: "Item",
        place: Place::GivesWay,
    },
    Column {
        title: "Bytes",
        place: Place::Fixed,
    },
];

/// Shows what is gone, or would be: the same list both times.
pub(super) fn show(
    reply: &DiscardReply,
    list: &ListArgs,
    context: &mut Context,
) -> Result<(), CommandError> {
    let mut listing = Listing::new(COLUMNS, list)?;
    for item in &reply.items {
        listing.item(item, cells, &mut context.out)?;
    }
    let totals = [
        ("dry_run", reply.dry_run.into()),
        ("total", reply.total.into()),
        ("bytes", reply.bytes.into()),
        ("foreign", reply.foreign.clone().into()),
    ];
    listing.finish(&totals, &mut context.out)?;
    for name in &reply.foreign {
        let text = format!("{name} has no business in the catalog and is left alone");
        context.out.warn(&text);
    }
    let bytes = reply.bytes;
    context.out.note(&if reply.dry_run {
        format!("{bytes} bytes would be freed; nothing was changed")
    } else {
        format!("{bytes} bytes freed")
    });
    Ok(())
}

fn cells(item: &Discard) -> Vec<Cell> {
    let (what, cell) = match item {
        Discard::Artifact {
            id, name, version, ..
        } => ("artifact", named(id, name, version)),
        Discard::Dangling { id, name, version } => ("metadata", named(id, name, version)),
        Discard::Orphan { path, .. } => ("orphan", path.into()),
        Discard::Leftover { path, .. } => ("leftover", path.into()),
    };
    vec![what.into(), cell, item.bytes().to_string().into()]
}

fn named(id: &impl ToString, name: &str, version: &impl ToString) -> Cell {
    let (id, version) = (id.to_string(), version.to_string());
    let short: String = id.chars().take(12).collect();
    Cell::short(format!("{short} {name} {version}"), id)
}
