use regex::Regex;

use super::*;

#[test]
fn parse_reads_what_kubernetes_writes() {
    for (text, value) in [
        ("2", 2.0),
        ("500m", 0.5),
        (".5", 0.5),
        ("0", 0.0),
        ("1k", 1000.0),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("2E", 2e18),
        ("1Gi", 1_073_741_824.0),
        ("1.5Gi", 1_610_612_736.0),
        ("256Mi", 268_435_456.0),
    ] {
        assert_eq!(parse(text), Some(value), "{text}");
    }
    for unreadable in ["", "lots", "inf", "nan", "1 Gi", "Gi", "1kk", "1e999"] {
        assert_eq!(parse(unreadable), None, "{unreadable}");
    }
}

#[test]
fn parse_reads_all_that_the_schema_accepts() {
    let schema = Regex::new(PATTERN).unwrap();
    let (signs, numbers) = (
        ["", "+", "-"],
        ["", "0", "12", "1.5", ".5", "1.", ".", "lots"],
    );
    let suffixes = [
        "", "n", "u", "m", "k", "K", "Ki", "M", "Mi", "G", "Gi", "T", "Ti", "P", "Pi", "E", "Ei",
        "e3", "E3", "e-3", "e+3", "e99", "e999", "e", "e1.5", "x", " Gi",
    ];
    let mut accepted = 0;
    for sign in signs {
        for number in numbers {
            for suffix in suffixes {
                let text = format!("{sign}{number}{suffix}");
                if schema.is_match(&text) {
                    accepted += 1;
                    assert!(parse(&text).is_some_and(|it| it >= 0.0), "{text}");
                }
            }
        }
    }
    assert_eq!(accepted, 2 * 5 * 21);
}

#[test]
fn parse_whole_reads_bytes_and_counts() {
    for (text, whole) in [("2Gi", Some(2 << 30)), ("1500m", Some(1)), ("lots", None)] {
        assert_eq!(parse_whole(text), whole, "{text}");
    }
}

#[test]
fn format_writes_what_the_api_server_writes() {
    for (count, decimal, binary) in [
        (0, "0", "0"),
        (1, "1", "1Gi"),
        (999, "999", "999Gi"),
        (1000, "1k", "1000Gi"),
        (1024, "1024", "1Ti"),
        (1500, "1500", "1500Gi"),
        (1_000_000, "1M", "1000000Gi"),
        (3 * 1024 * 1024, "3145728", "3Pi"),
    ] {
        assert_eq!(
            (format_count(count), format_gb(count)),
            (decimal.into(), binary.into())
        );
        assert_eq!(parse_whole(decimal), Some(count), "{decimal}");
        assert_eq!(parse_whole(binary), Some(count << 30), "{binary}");
    }
}
