//! Resource groups.

use super::{Answer, DONE, Execution, Rows};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::{Condition, GroupChange, Properties},
    privileges::{Object, Privilege},
    state::{CORES, Classifier, Group, INTERNAL_CATALOG, Limits},
};

impl Execution<'_> {
    pub(super) fn create_group(
        &mut self,
        name: String,
        if_not_exists: bool,
        classifiers: &[Vec<Condition>],
        limits: &Properties,
    ) -> SqlResult<Answer> {
        self.require(Privilege::CreateResourceGroup, &Object::System)?;
        let classifiers = self.classifiers(classifiers)?;
        let limits = Limits::parse(limits)?;
        limits.check()?;
        if self.state.groups.contains_key(&name) {
            let message = format!("RESOURCE_GROUP({name}) already exists");
            return if if_not_exists {
                DONE
            } else {
                Err(SqlError::general(message))
            };
        }
        if classifiers.is_empty() {
            let message = "This type Resource Group need define classifiers.";
            return Err(SqlError::general(message));
        }
        self.check_exclusive_cores(&name, &limits)?;
        let id = self.state.next_id();
        let classifiers = self.assign_ids(classifiers);
        self.state.groups.insert(
            name,
            Group {
                id,
                limits,
                classifiers,
            },
        );
        DONE
    }

    pub(super) fn alter_group(&mut self, name: &str, change: GroupChange) -> SqlResult<Answer> {
        self.require(Privilege::Alter, &Object::group(name))?;
        if Group::is_built_in(name) && !matches!(change, GroupChange::Limits(_)) {
            let message = format!("cannot alter classifiers of builtin resource group [{name}]");
            return Err(SqlError::analysis(message));
        }
        let missing = || SqlError::general(format!("RESOURCE_GROUP({name}) does not exist"));
        let mut group = self.state.groups.get(name).cloned().ok_or_else(missing)?;
        match change {
            GroupChange::Limits(written) => {
                if written
                    .iter()
                    .any(|(key, _)| key.eq_ignore_ascii_case("type"))
                {
                    return Err(SqlError::analysis("type of ResourceGroup is immutable"));
                }
                group.limits = Limits::parse(&written)?.over(&group.limits);
                group.limits.check()?;
                self.check_exclusive_cores(name, &group.limits)?;
            }
            GroupChange::Add(written) => {
                let added = self.classifiers(&written)?;
                group.classifiers.extend(self.assign_ids(added));
            }
            GroupChange::Drop(ids) => group.classifiers.retain(|it| !ids.contains(&it.id)),
            GroupChange::DropAll => group.classifiers.clear(),
        }
        self.state.groups.insert(name.to_owned(), group);
        DONE
    }

    pub(super) fn drop_group(&mut self, name: &str, if_exists: bool) -> SqlResult<Answer> {
        self.require(Privilege::Drop, &Object::group(name))?;
        if Group::is_built_in(name) {
            let message = format!("cannot drop builtin resource group [{name}]");
            return Err(SqlError::analysis(message));
        }
        if self.state.groups.remove(name).is_none() {
            let message = format!("RESOURCE_GROUP({name}) does not exist");
            return if if_exists {
                DONE
            } else {
                Err(SqlError::general(message))
            };
        }
        let dropped = Object::group(name);
        for grants in self.state.all_grants() {
            grants.remove_dropped(|object| *object == dropped);
        }
        DONE
    }

    pub(super) fn show_group(&self, name: &str, verbose: bool) -> SqlResult<Answer> {
        let group = self
            .state
            .groups
            .get(name)
            .ok_or_else(|| SqlError::unknown_group(name))?;
        let mut shown = Rows::new(&columns(verbose));
        shown.rows.extend(rows(name, group, verbose, |_| true));
        Ok(Answer::Rows(shown))
    }

    /// Lists the groups with running queries: none, because the stand-in computes
    /// nothing.
    pub(super) fn show_group_usage() -> SqlResult<Answer> {
        Ok(Answer::Rows(Rows::new(&[
            "Name",
            "Id",
            "Backend",
            "BEInUseCpuCores",
            "BEInUseMemBytes",
            "BERunningQueries",
        ])))
    }

    /// Lists all groups, or without ALL those that the session's queries can be assigned
    /// to.
    pub(super) fn show_groups(&self, all: bool, verbose: bool) -> SqlResult<Answer> {
        let user = &self.session.user.name;
        let roles = self.active_roles();
        let is_mine = |classifier: &Classifier| {
            classifier.user.as_ref().is_none_or(|name| name == user)
                && classifier
                    .role
                    .as_ref()
                    .is_none_or(|role| roles.contains(role))
        };
        let mut shown = Rows::new(&columns(verbose));
        for (name, group) in &self.state.groups {
            if all || !group.classifiers.is_empty() {
                shown
                    .rows
                    .extend(rows(name, group, verbose, |it| all || is_mine(it)));
            }
        }
        Ok(Answer::Rows(shown))
    }

    fn classifiers(&self, written: &[Vec<Condition>]) -> SqlResult<Vec<Classifier>> {
        written
            .iter()
            .map(|conditions| self.classifier(conditions))
            .collect()
    }

    fn classifier(&self, conditions: &[Condition]) -> SqlResult<Classifier> {
        let mut classifier = Classifier::default();
        for condition in conditions {
            match condition {
                Condition::Equal(key, Some(value)) => {
                    self.set_classifier(&mut classifier, key, value)?
                }
                Condition::In(key, values) if key.eq_ignore_ascii_case("query_type") => {
                    for value in values.iter().flatten() {
                        let query_type = value.to_uppercase();
                        if !["SELECT", "INSERT"].contains(&query_type.as_str()) {
                            let message = format!("Unsupported query_type: '{value}'");
                            return Err(SqlError::analysis(message));
                        }
                        classifier.query_types.push(query_type);
                    }
                    classifier.query_types.sort();
                    classifier.query_types.dedup();
                }
                Condition::In(key, _) => return Err(unsupported(key)),
                other => {
                    let message = format!("Illegal classifier specifier: '{other:?}'");
                    return Err(SqlError::analysis(message));
                }
            }
        }
        Ok(classifier)
    }

    fn set_classifier(&self, classifier: &mut Classifier, key: &str, value: &str) -> SqlResult<()> {
        let illegal = || {
            let message = format!("Illegal classifier specifier '{key}': '{key} = '{value}''");
            Err(SqlError::analysis(message))
        };
        match key.to_lowercase().as_str() {
            "user" if !is_valid_user(value) => return illegal(),
            "user" => classifier.user = Some(value.to_owned()),
            "role" if value.is_empty() => return illegal(),
            "role" => classifier.role = Some(value.to_owned()),
            // Databases of external catalogs aren't supported here.
            "db" => {
                for name in value.split(',') {
                    if self.database(INTERNAL_CATALOG, name).is_err() {
                        let message = format!("Specified database not exists: {name}");
                        return Err(SqlError::analysis(message));
                    }
                    classifier.databases.push(name.to_owned());
                }
            }
            _ => return Err(unsupported(key)),
        }
        Ok(())
    }

    fn assign_ids(&mut self, classifiers: Vec<Classifier>) -> Vec<Classifier> {
        let number = |classifier| Classifier {
            id: self.state.next_id(),
            ..classifier
        };
        classifiers.into_iter().map(number).collect()
    }

    /// Checks that all groups together leave one core of the smallest backend unreserved.
    fn check_exclusive_cores(&self, name: &str, limits: &Limits) -> SqlResult<()> {
        let others = self.state.groups.iter().filter(|(other, _)| *other != name);
        let others: u32 = others
            .map(|(_, group)| group.limits.exclusive_cores())
            .sum();
        let sum = others + limits.exclusive_cores();
        if limits.exclusive_cores() == 0 || sum < CORES {
            return Ok(());
        }
        Err(SqlError::general(format!(
            "The effective exclusive CPU allocation ({sum}) exceeds the available cores ({}, that \
             is, total cores minus one reserved for non-exclusive groups) on the smallest BE not \
             assigned to any warehouse.",
            CORES - 1
        )))
    }
}

fn unsupported(key: &str) -> SqlError {
    SqlError::analysis(format!("Unsupported classifier specifier: '{key}'"))
}

/// Returns whether a name has two to 64 letters, digits and underscores and begins with a
/// letter.
fn is_valid_user(user: &str) -> bool {
    let word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    user.starts_with(|first: char| first.is_ascii_alphabetic())
        && (2..=64).contains(&user.len())
        && user.chars().all(word)
}

fn columns(verbose: bool) -> Vec<&'static str> {
    let mut columns = vec![
        "name",
        "id",
        "cpu_weight",
        "exclusive_cpu_cores",
        "mem_limit",
        "big_query_cpu_second_limit",
        "big_query_scan_rows_limit",
        "big_query_mem_limit",
        "concurrency_limit",
        "spill_mem_limit_threshold",
    ];
    columns.extend(verbose.then_some("type"));
    columns.push("classifiers");
    columns.extend(verbose.then_some("mem_pool"));
    columns
}

/// Returns one row per classifier, and one for a group without classifiers.
fn rows(
    name: &str,
    group: &Group,
    verbose: bool,
    wanted: impl Fn(&Classifier) -> bool,
) -> Vec<Vec<Option<String>>> {
    let limits = &group.limits;
    let or_zero = |limit: Option<u64>| limit.unwrap_or(0).to_string();
    let exclusive = limits.exclusive_cores();
    let weight = if exclusive > 0 {
        0
    } else {
        limits.cpu_weight.unwrap_or(0)
    };
    let row = |classifier: &Classifier| {
        let mut row = vec![
            name.to_owned(),
            group.id.to_string(),
            weight.to_string(),
            exclusive.to_string(),
            format!("{:?}%", limits.mem_limit.unwrap_or(0.0) * 100.0),
            or_zero(limits.big_query_cpu_second_limit),
            or_zero(limits.big_query_scan_rows_limit),
            or_zero(limits.big_query_mem_limit),
            limits
                .concurrency_limit
                .map_or_else(|| "null".to_owned(), |limit| limit.to_string()),
            format!(
                "{}%",
                limits.spill_mem_limit_threshold.unwrap_or(1.0) * 100.0
            ),
        ];
        row.extend(verbose.then(|| "NORMAL".to_owned()));
        row.push(classifier.shown());
        row.extend(verbose.then(|| "default_mem_pool".to_owned()));
        row.into_iter().map(Some).collect()
    };
    match group.classifiers.is_empty() {
        true => vec![row(&Classifier::default())],
        false => group
            .classifiers
            .iter()
            .filter(|it| wanted(it))
            .map(row)
            .collect(),
    }
}
