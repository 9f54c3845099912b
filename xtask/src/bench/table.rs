//! Rows of measurements, and how they compare with a floor and a bar.

use std::fmt::Write as _;
use std::time::Duration;

use super::measure::Cost;

/// All runs of one command, in the order of the rounds.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was run.
    pub name: &'static str,
    /// One entry a round.
    pub costs: Vec<Cost>,
}

impl Row {
    /// A row without runs.
    pub fn named(name: &'static str) -> Self {
        let costs = Vec::new();
        Self { name, costs }
    }

    /// Median wall time.
    pub fn wall(&self) -> Duration {
        median(self.costs.iter().map(|cost| cost.wall))
    }

    /// Median CPU time.
    pub fn cpu(&self) -> Duration {
        median(self.costs.iter().map(|cost| cost.cpu))
    }

    /// Largest peak memory of all runs.
    pub fn memory(&self) -> u64 {
        let peaks = self.costs.iter().map(|cost| cost.memory);
        peaks.max().unwrap_or(0)
    }
}

/// Which figure of a cost is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// CPU time.
    Cpu,
    /// Wall time.
    Wall,
}

impl Figure {
    fn of(self, cost: &Cost) -> f64 {
        match self {
            Self::Cpu => cost.cpu.as_secs_f64(),
            Self::Wall => cost.wall.as_secs_f64(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Wall => "wall",
        }
    }
}

/// One comparison: the row's figure over the sum of the floors' figures.
#[derive(Debug)]
pub struct Ratio<'a> {
    /// What is compared.
    pub figure: Figure,
    /// Our row.
    pub row: &'a Row,
    /// What it is compared with; their figures are added.
    pub floors: Vec<&'a Row>,
    /// The most it may be, if the design promises something.
    pub bar: Option<f64>,
}

impl Ratio<'_> {
    /// The median over the rounds of each round's own ratio, so that a slow moment hits both sides.
    pub fn value(&self) -> f64 {
        let mut ratios: Vec<f64> = Vec::new();
        for (index, cost) in self.row.costs.iter().enumerate() {
            let floors = self
                .floors
                .iter()
                .filter_map(|floor| floor.costs.get(index));
            let sum: f64 = floors.map(|floor| self.figure.of(floor)).sum();
            ratios.push(self.figure.of(cost) / sum.max(1e-6));
        }
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Whether the bar holds; true where there is none.
    pub fn holds(&self) -> bool {
        self.bar.is_none_or(|bar| self.value() <= bar)
    }

    /// One line of the report.
    pub fn line(&self) -> String {
        let floors: Vec<&str> = self.floors.iter().map(|floor| floor.name).collect();
        let mut line = format!(
            "{:<28} {:<5} {:>5.2} x ({})",
            self.row.name,
            self.figure.name(),
            self.value(),
            floors.join(" + ")
        );
        if let Some(bar) = self.bar {
            let _infallible = write!(line, "   bar {bar:.2}: {}", verdict(self.holds()));
        }
        line
    }
}

/// The rows as a table.
pub fn rows(rows: &[Row]) -> String {
    let mut text = format!("{:<28} {:>9} {:>9} {:>9}\n", "", "wall s", "CPU s", "MiB");
    for row in rows {
        let _infallible = writeln!(
            text,
            "{:<28} {:>9.3} {:>9.3} {:>9}",
            row.name,
            row.wall().as_secs_f64(),
            row.cpu().as_secs_f64(),
            row.memory() >> 20
        );
    }
    text
}

/// One line about memory; the bar is in MiB.
pub fn memory_line(row: &Row, bar: u64, holds: bool) -> String {
    format!(
        "{:<28} {:<5} {:>5} MiB   bar {bar}: {}",
        row.name,
        "RSS",
        row.memory() >> 20,
        verdict(holds)
    )
}

/// One line about a bar for wall time.
pub fn wall_line(row: &Row, bar: Duration, holds: bool) -> String {
    let name = row.name;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "{name:<28} wall  {:>7.1} ms   bar {}: {}",
        millis(row.wall()),
        millis(bar),
        verdict(holds)
    )
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

fn median(values: impl Iterator<Item = Duration>) -> Duration {
    let mut sorted: Vec<Duration> = values.collect();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, millis: &[u64]) -> Row {
        let cost = |millis: &u64| Cost {
            wall: Duration::from_millis(*millis),
            cpu: Duration::from_millis(2 * millis),
            memory: millis << 20,
        };
        let costs = millis.iter().map(cost).collect();
        Row { name, costs }
    }

    #[test]
    fn a_row_is_its_median_and_its_largest_peak() {
        let row = row("verify", &[30, 10, 20]);
        assert_eq!(row.wall(), Duration::from_millis(20));
        assert_eq!(row.cpu(), Duration::from_millis(40));
        assert_eq!(row.memory(), 30 << 20);
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let (ours, dgst, cp) = (
            row("o", &[30, 300, 30]),
            row("d", &[20, 200, 20]),
            row("c", &[10; 3]),
        );
        let ratio = |bar| Ratio {
            figure: Figure::Wall,
            row: &ours,
            floors: vec![&dgst, &cp],
            bar,
        };
        assert!((ratio(None).value() - 1.0).abs() < 1e-9);
        assert!(ratio(Some(1.0)).holds());
        assert!(!ratio(Some(0.99)).holds());
        assert!(
            ratio(Some(0.99))
                .line()
                .ends_with("bar 0.99: DOES NOT HOLD")
        );
        assert!(ratio(None).holds());
    }
}
