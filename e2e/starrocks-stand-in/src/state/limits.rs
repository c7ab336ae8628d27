//! Limits of resource groups and their validation.

use serde::{Deserialize, Serialize};

use super::CORES;
use crate::error::{SqlError, SqlResult};

/// Limits of a group's queries on each backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Weight of the CPU time against other groups.
    pub cpu_weight: Option<u32>,
    /// Cores reserved for this group.
    pub exclusive_cpu_cores: Option<u32>,
    /// Share of memory, above 0 and up to 1.
    pub mem_limit: Option<f64>,
    /// Concurrent queries.
    pub concurrency_limit: Option<u32>,
    /// CPU seconds of one query.
    pub big_query_cpu_second_limit: Option<u64>,
    /// Rows that one query scans.
    pub big_query_scan_rows_limit: Option<u64>,
    /// Bytes of memory of one query.
    pub big_query_mem_limit: Option<u64>,
    /// Share of memory above which queries spill to disk.
    pub spill_mem_limit_threshold: Option<f64>,
}

impl Limits {
    /// Parses the limits of a statement.
    pub fn parse(written: &[(String, String)]) -> SqlResult<Self> {
        let mut limits = Self::default();
        for (key, value) in written {
            limits.set(key, value)?;
        }
        Ok(limits)
    }

    /// Returns these limits, completed by the old ones.
    pub fn over(self, old: &Self) -> Self {
        Self {
            cpu_weight: self.cpu_weight.or(old.cpu_weight),
            exclusive_cpu_cores: self.exclusive_cpu_cores.or(old.exclusive_cpu_cores),
            mem_limit: self.mem_limit.or(old.mem_limit),
            concurrency_limit: self.concurrency_limit.or(old.concurrency_limit),
            big_query_cpu_second_limit: self
                .big_query_cpu_second_limit
                .or(old.big_query_cpu_second_limit),
            big_query_scan_rows_limit: self
                .big_query_scan_rows_limit
                .or(old.big_query_scan_rows_limit),
            big_query_mem_limit: self.big_query_mem_limit.or(old.big_query_mem_limit),
            spill_mem_limit_threshold: self
                .spill_mem_limit_threshold
                .or(old.spill_mem_limit_threshold),
        }
    }

    /// Checks that the group has a memory share and exactly one kind of CPU limit.
    pub fn check(&self) -> SqlResult<()> {
        if self.mem_limit.is_none() {
            return Err(SqlError::analysis("property 'mem_limit' is absent"));
        }
        let weight = self.cpu_weight.is_some_and(|weight| weight > 0);
        match (weight, self.exclusive_cores() > 0) {
            (true, true) => Err(SqlError::analysis(
                "Exactly only one of 'cpu_weight' or 'exclusive_cpu_cores' can be present and \
                 positive at the same time",
            )),
            (false, false) => Err(SqlError::analysis(
                "Exactly one of 'cpu_weight' or 'exclusive_cpu_cores' must be a positive value",
            )),
            _ => Ok(()),
        }
    }

    /// Returns the reserved cores.
    pub fn exclusive_cores(&self) -> u32 {
        self.exclusive_cpu_cores.unwrap_or(0)
    }

    fn set(&mut self, key: &str, value: &str) -> SqlResult<()> {
        match key.to_lowercase().as_str() {
            "cpu_weight" | "cpu_core_limit" => {
                let weight: i64 = number(key, value)?;
                if weight > i64::from(CORES) {
                    let message = format!("cpu_weight should range from 0 to {CORES}");
                    return Err(SqlError::analysis(message));
                }
                self.cpu_weight = Some(u32::try_from(weight).unwrap_or(0));
            }
            "exclusive_cpu_cores" => {
                let cores: i64 = number(key, value)?;
                if cores >= i64::from(CORES) {
                    return Err(SqlError::analysis(format!(
                        "exclusive_cpu_cores cannot exceed the minimum number of CPU cores \
                         available on the backends minus one [{}]",
                        CORES - 1
                    )));
                }
                self.exclusive_cpu_cores = Some(u32::try_from(cores).unwrap_or(0));
            }
            "mem_limit" => {
                let share = share(key, value)?;
                if !(share > 0.0 && share <= 1.0) {
                    return Err(SqlError::analysis(
                        "mem_limit should range from 0.00(exclude) to 1.00(include)",
                    ));
                }
                self.mem_limit = Some(share);
            }
            "spill_mem_limit_threshold" => {
                let share = share(key, value)?;
                if !(share > 0.0 && share < 1.0) {
                    return Err(SqlError::analysis(
                        "spill_mem_limit_threshold should range from 0.00(exclude) to \
                         1.00(exclude)",
                    ));
                }
                self.spill_mem_limit_threshold = Some(share);
            }
            "concurrency_limit" => self.concurrency_limit = Some(number(key, value)?),
            "big_query_cpu_second_limit" => {
                self.big_query_cpu_second_limit = Some(number(key, value)?);
            }
            "big_query_scan_rows_limit" => {
                self.big_query_scan_rows_limit = Some(number(key, value)?);
            }
            "big_query_mem_limit" => self.big_query_mem_limit = Some(number(key, value)?),
            "type" if value.eq_ignore_ascii_case("normal") => {}
            "type" => {
                // StarRocks accepts `mv` and `short_query` too, which the platform never
                // creates.
                let message = "Only support 'normal', 'mv' and 'short_query' type";
                return Err(SqlError::analysis(message));
            }
            _ => return Err(SqlError::analysis(format!("Unknown property: {key}"))),
        }
        Ok(())
    }
}

fn number<N: std::str::FromStr>(key: &str, value: &str) -> SqlResult<N> {
    value.parse().map_err(|_| not_numeric(key, value))
}

fn share(key: &str, value: &str) -> SqlResult<f64> {
    match value.strip_suffix('%') {
        Some(percent) => Ok(percent
            .parse::<f64>()
            .map_err(|_| not_numeric(key, value))?
            / 100.0),
        None => number(key, value),
    }
}

fn not_numeric(key: &str, value: &str) -> SqlError {
    SqlError::analysis(format!(
        "The value type of the property `{key}` must be a valid numeric type, but it is set to \
         `{value}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &[(&str, &str)]) -> SqlResult<Limits> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Limits::parse(&written.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn limits_outside_their_ranges_are_rejected() {
        let weight = ("cpu_weight", "4");
        let memory = ("mem_limit", "20%");
        let table: [(&[_], bool, &str); 16] = [
            (&[weight, memory], true, "a weight and a share"),
            (
                &[("cpu_weight", "16"), memory],
                true,
                "as much weight as a backend has cores",
            ),
            (&[("cpu_weight", "17"), memory], false, "more than that"),
            (&[("cpu_weight", "0"), memory], false, "no CPU time"),
            (&[memory], false, "no CPU limit"),
            (&[("cpu_weight", "many"), memory], false, "no number"),
            (
                &[("exclusive_cpu_cores", "15"), memory],
                true,
                "all cores but one",
            ),
            (&[("exclusive_cpu_cores", "16"), memory], false, "all cores"),
            (
                &[weight, ("exclusive_cpu_cores", "2"), memory],
                false,
                "both kinds of CPU",
            ),
            (&[weight], false, "no memory"),
            (
                &[weight, ("mem_limit", "0.2")],
                true,
                "a share without percent",
            ),
            (&[weight, ("mem_limit", "1")], true, "all memory"),
            (&[weight, ("mem_limit", "0%")], false, "no memory share"),
            (&[weight, ("mem_limit", "101%")], false, "more than all"),
            (
                &[weight, memory, ("concurrency_limit", "-1")],
                false,
                "a negative number of queries",
            ),
            (
                &[weight, memory, ("no_such_limit", "1")],
                false,
                "an unknown limit",
            ),
        ];
        for (written, fine, reason) in table {
            let checked = read(written).and_then(|limits| limits.check());
            assert_eq!(checked.is_ok(), fine, "{reason}: {checked:?}");
        }
    }

    #[test]
    fn changed_limits_are_checked_with_existing_ones() {
        let old = read(&[("cpu_weight", "4"), ("mem_limit", "20%")]).expect("valid limits");
        let exclusive = read(&[("exclusive_cpu_cores", "2")]).expect("valid limit");
        assert!(exclusive.over(&old).check().is_err(), "two kinds of CPU");
        let instead = read(&[("exclusive_cpu_cores", "2"), ("cpu_weight", "0")]);
        let instead = instead.expect("valid limits").over(&old);
        assert_eq!(instead.check(), Ok(()));
        assert_eq!(instead.mem_limit, Some(0.2));
    }
}
