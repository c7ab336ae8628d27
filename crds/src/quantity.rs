//! Kubernetes quantities, read and written: `2`, `500m`, `256Mi`, `1e3`.
//!
//! The crate `kube_quantity` 0.9 doesn't fit: it reads `Gi` as 0 and writes 1000 as `1000`,
//! where the API server writes `1k`.

/// Pattern of the quantities that a pipeline may ask for. None is negative.
pub(crate) const PATTERN: &str =
    r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$";

/// Suffixes and what they multiply by.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1024.0 * 1024.0),
    ("Gi", 1024.0 * 1024.0 * 1024.0),
    ("Ti", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("Pi", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("Ei", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// Parses a quantity. Returns None if `text` is not one.
pub fn parse(text: &str) -> Option<f64> {
    let suffix = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (number, unit) = match suffix {
        Some((suffix, unit)) => (text.strip_suffix(suffix).unwrap_or(text), *unit),
        None => (text, 1.0),
    };
    // Rust's parser accepts words such as inf and nan, too.
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && number.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = is_number.then(|| number.parse::<f64>().ok()).flatten();
    number
        .map(|number| number * unit)
        .filter(|amount| amount.is_finite())
}

/// Parses a quantity of something whole, such as bytes: `1Gi`, `1500M`. Fractions are cut off.
/// Returns None if `text` is not a quantity.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large becomes the largest number"
)]
pub fn parse_whole(text: &str) -> Option<i64> {
    parse(text).map(|amount| amount as i64)
}

/// Formats a count as the API server does: 1000 is `1k`.
pub fn format_count(count: i64) -> String {
    canonical(count, 1000, &["", "k", "M", "G", "T", "P", "E"])
}

/// Formats GB of 2^30 bytes as the API server does: 1024 GB are `1Ti`.
pub fn format_gb(gb: i64) -> String {
    match gb {
        0 => "0".to_owned(),
        _ => canonical(gb, 1024, &["Gi", "Ti", "Pi", "Ei"]),
    }
}

fn canonical(count: i64, base: i64, suffixes: &[&str]) -> String {
    match suffixes {
        [_, larger @ ..] if !larger.is_empty() && count != 0 && count % base == 0 => {
            canonical(count / base, base, larger)
        }
        [suffix, ..] => format!("{count}{suffix}"),
        [] => count.to_string(),
    }
}

#[cfg(test)]
mod tests;
