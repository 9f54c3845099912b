//! How the tar stream of a file table is laid out: which part of it stands where, and where it is
//! cut into frames.

use std::ops::Range;

use super::FileTable;
use super::convert::{narrow, wide};
use super::limits::MAX_FRAME_LENGTH;
use super::tar_header::{END_LENGTH, padding};

/// A piece of the tar stream that belongs to one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Number of the entry; the number of entries for the end-of-archive marker.
    pub entry: usize,
    /// What of the entry it is.
    pub role: Role,
    /// Where the piece begins in the headers, contents or padding of the entry.
    pub start: u64,
    /// Where it stands in the frame that was asked for.
    pub place: Range<usize>,
}

/// What a piece of the tar stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Headers of an entry.
    Headers,
    /// Contents of a regular file.
    Data,
    /// Zeros up to the next block, or the end-of-archive marker.
    Zeros,
}

/// The lengths of the frames a stream is cut into.
///
/// An entry, headers and contents and padding, starts a new frame when it does not fit into what is
/// left of the current one; one that is larger than a whole frame fills frames from there on. The
/// end-of-archive marker counts as an entry.
pub(super) fn cut(table: &FileTable) -> Vec<u32> {
    let limit = u64::from(MAX_FRAME_LENGTH);
    let mut frames = Vec::new();
    let mut used = 0;
    for number in 0..=table.entries().len() {
        let unit = unit_end(table, number) - unit_start(table, number);
        if used > 0 && used + unit > limit {
            frames.push(u32::try_from(used).unwrap_or(MAX_FRAME_LENGTH));
            used = 0;
        }
        used += unit;
        while used > limit {
            frames.push(MAX_FRAME_LENGTH);
            used -= limit;
        }
    }
    frames.push(u32::try_from(used).unwrap_or(MAX_FRAME_LENGTH));
    frames
}

/// The number of the entry that byte `offset` of the stream belongs to.
pub(super) fn entry_at(table: &FileTable, offset: u64) -> usize {
    let end = table.stream_length() - END_LENGTH;
    if offset >= end {
        return table.entries().len();
    }
    let after = table
        .places()
        .partition_point(|place| place.headers <= offset);
    after.saturating_sub(1)
}

/// The bytes of the stream that entry `number` takes: headers, contents and padding.
pub(super) fn unit(table: &FileTable, number: usize) -> Range<u64> {
    unit_start(table, number)..unit_end(table, number)
}

/// The bytes of the stream that the contents of entry `number` take.
pub(super) fn data_range(table: &FileTable, number: usize) -> Range<u64> {
    let start = table.places().get(number).map_or(0, |place| place.data);
    let size = table.entries().get(number).map_or(0, |e| e.kind.size());
    start..start + size
}

/// The pieces that the bytes `range` of the stream consist of, in order.
pub(super) fn parts(table: &FileTable, range: Range<u64>, out: &mut Vec<Part>) {
    out.clear();
    let mut number = entry_at(table, range.start);
    let mut position = range.start;
    while position < range.end && number <= table.entries().len() {
        let headers = unit_start(table, number);
        let data = data_range(table, number);
        let end = unit_end(table, number);
        let (data_start, data_end) = if number < table.entries().len() {
            (data.start, data.end)
        } else {
            (headers, headers)
        };
        let pieces = [
            (Role::Headers, headers, data_start),
            (Role::Data, data_start, data_end),
            (Role::Zeros, data_end, end),
        ];
        for (role, start, end) in pieces {
            let (from, to) = (start.max(position), end.min(range.end));
            if from < to {
                out.push(Part {
                    entry: number,
                    role,
                    start: from - start,
                    place: narrow(from - range.start)..narrow(to - range.start),
                });
            }
        }
        position = end;
        number += 1;
    }
}

fn unit_start(table: &FileTable, number: usize) -> u64 {
    let end = table.stream_length() - END_LENGTH;
    table
        .places()
        .get(number)
        .map_or(end, |place| place.headers)
}

fn unit_end(table: &FileTable, number: usize) -> u64 {
    if wide(number) == wide(table.entries().len()) {
        return table.stream_length();
    }
    let data = data_range(table, number);
    data.end + padding(data.end - data.start)
}
