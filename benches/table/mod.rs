//! The table that the benchmarks print: times of one run, and their ratio to the first row's.

use std::time::Duration;

/// Prints a row for each name, the ratio being that of the medians.
pub fn print(rows: &[(&str, &[Duration])]) {
    println!("{:<34} {:>7} {:>7} {:>7} {:>9}", "", "min", "median", "max", "ratio");
    let base = rows.first().map_or(Duration::ZERO, |(_, times)| median(times));
    for (name, times) in rows {
        let [min, max] =
            [times.iter().min(), times.iter().max()].map(|time| *time.expect("there were rounds"));
        println!(
            "{name:<34} {:>7.1} {:>7.1} {:>7.1} {:>9.2}",
            millis(min),
            millis(median(times)),
            millis(max),
            median(times).as_secs_f64() / base.as_secs_f64(),
        );
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
