//! Numbers as text: short, of one width where they stand in columns, and a dash for what is not known.

/// For what the server does not say.
pub const DASH: &str = "–";

/// A value as this text; a dash without one.
pub fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| DASH.into(), text)
}

/// With one decimal: frames a second, percent.
pub fn format_decimal(value: f64) -> String {
    // The sum drops the sign of zero.
    format!("{:.1}", (value * 10.0).round() / 10.0 + 0.0)
}

/// Rounded to a whole number.
pub fn format_whole(value: f64) -> String {
    format!("{:.0}", value.round() + 0.0)
}

/// Milliseconds: a decimal only below ten.
pub fn format_millis(value: f64) -> String {
    if value < 9.95 { format_decimal(value) } else { format_whole(value) }
}

/// A number of the most there may be: `3 of 50`.
pub fn format_share(now: usize, max: usize) -> String {
    format!("{now} of {max}")
}

/// Powers of a thousand.
pub fn format_bytes(value: f64) -> String {
    let (mut value, mut unit) = (value.max(0.0) / 1e3, "kB");
    for next in ["MB", "GB", "TB"] {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1e3, next);
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// The two largest units at most: `7 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
pub fn format_duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The largest unit only, for columns: `7 s`, `12 min`, `3 h`, `2 d`.
pub fn short_duration(seconds: f64) -> String {
    format_duration(seconds).split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_a_width_and_what_is_unknown_is_a_dash() {
        assert_eq!(
            [format_decimal(-0.0), format_decimal(-0.04), format_decimal(19.96)],
            ["0.0", "0.0", "20.0"]
        );
        assert_eq!([format_millis(0.07), format_millis(9.96), format_millis(153.3)], ["0.1", "10", "153"]);
        assert_eq!([or_dash(Some(0.0), format_whole), or_dash(None, format_whole)], ["0", DASH]);
        assert_eq!(format_share(3, 5), "3 of 5");
    }

    #[test]
    fn units_change_where_the_number_would_get_long() {
        assert_eq!(
            [format_bytes(0.0), format_bytes(999_400.0), format_bytes(999_600.0)],
            ["0.0 kB", "999 kB", "1.0 MB"]
        );
        assert_eq!(
            [format_bytes(-1.0), format_bytes(1.5e10), format_bytes(2e16)],
            ["0.0 kB", "15 GB", "20000 TB"]
        );
        assert_eq!(
            [format_duration(7.9), format_duration(119.0), format_duration(120.0)],
            ["7 s", "119 s", "2 min"]
        );
        assert_eq!([format_duration(11_100.0), format_duration(187_200.0)], ["3 h 5 min", "2 d 4 h"]);
        assert_eq!([short_duration(11_100.0), short_duration(7.9)], ["3 h", "7 s"]);
    }
}
