//! The table of counts.

use std::fmt::Write as _;

use super::points::Row;

/// All rows, and a closing line for each part.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<8} {:<24} {:>7} {:>7} {:>12}\n",
        "part", "what", "points", "broken", "not reached"
    );
    for row in rows {
        line(&mut text, row);
    }
    let mut parts: Vec<&str> = rows.iter().map(|row| row.part).collect();
    parts.dedup();
    parts.sort_unstable();
    parts.dedup();
    text.push('\n');
    for part in parts {
        let mut sum = Row {
            part: "total",
            name: part.to_owned(),
            ..Row::default()
        };
        for row in rows.iter().filter(|row| row.part == part) {
            sum.points += row.points;
            sum.broken += row.broken;
            sum.missed += row.missed;
        }
        line(&mut text, &sum);
    }
    text
}

fn line(text: &mut String, row: &Row) {
    let Row {
        part,
        name,
        points,
        broken,
        missed,
    } = row;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{part:<8} {name:<24} {points:>7} {broken:>7} {missed:>12}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_summed() {
        let row = |part, broken| Row {
            part,
            name: "import".to_owned(),
            points: 10,
            broken,
            missed: 1,
        };
        let text = table(&[row("kill", 0), row("fault", 2), row("kill", 1)]);
        let totals: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("total"))
            .collect();
        let words = |line: &str| {
            line.split_whitespace()
                .skip(1)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(totals[0]), ["fault", "10", "2", "1"]);
        assert_eq!(words(totals[1]), ["kill", "20", "1", "2"]);
    }
}
