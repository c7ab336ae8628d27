//! Databases, tables and rows.

use super::{Answer, DONE, Execution, Rows, views};
use crate::starrocks_stand_in::{
    error::{SqlError, SqlResult},
    grammar::statement::{Condition, Literal, Projection, TableName},
    privileges::{Object, Privilege},
    state::{Column, ColumnType, Database, Table},
};

impl Execution<'_> {
    pub(super) fn show_databases(&self, catalog: Option<String>) -> SqlResult<Answer> {
        let name = catalog.unwrap_or_else(|| self.session.catalog.clone());
        let catalog = self.catalog(&name)?;
        if !self.sees_catalog(&name) {
            return Err(self.denied("ANY", &Object::catalog(&name)));
        }
        let mut shown = Rows::new(&["Database"]);
        for database in catalog.databases.keys() {
            if self.sees_database(&name, database) {
                shown.push([database]);
            }
        }
        Ok(Answer::Rows(shown))
    }

    pub(super) fn show_tables(&self, database: Option<TableName>) -> SqlResult<Answer> {
        let (catalog, database) = self.which_database(database.as_deref())?;
        let tables = &self.database(&catalog, &database)?.tables;
        let mut shown = Rows::new(&[&format!("Tables_in_{database}")]);
        for table in tables.keys() {
            if self
                .require_any(&Object::table(&catalog, &database, table))
                .is_ok()
            {
                shown.push([table]);
            }
        }
        Ok(Answer::Rows(shown))
    }

    pub(super) fn use_database(&mut self, name: &[String]) -> SqlResult<Answer> {
        let (catalog, database) = self.which_database(Some(name))?;
        if !views::is_views(&catalog, &database) {
            self.database(&catalog, &database)?;
            if !self.sees_database(&catalog, &database) {
                return Err(self.denied("ANY", &Object::database(&catalog, &database)));
            }
        }
        self.session.catalog = catalog;
        self.session.database = Some(database);
        DONE
    }

    pub(super) fn create_database(
        &mut self,
        name: &[String],
        if_not_exists: bool,
    ) -> SqlResult<Answer> {
        let (catalog, database) = self.which_database(Some(name))?;
        self.catalog(&catalog)?;
        self.require(Privilege::CreateDatabase, &Object::catalog(&catalog))?;
        if views::is_views(&catalog, &database) || self.database(&catalog, &database).is_ok() {
            return if if_not_exists {
                DONE
            } else {
                Err(SqlError::database_exists(&database))
            };
        }
        if let Some(catalog) = self.state.catalogs.get_mut(&catalog) {
            catalog.databases.insert(database, Database::default());
        }
        DONE
    }

    pub(super) fn drop_database(&mut self, name: &[String], if_exists: bool) -> SqlResult<Answer> {
        let (catalog, database) = self.which_database(Some(name))?;
        if self.database(&catalog, &database).is_err() && if_exists {
            return DONE;
        }
        self.database(&catalog, &database)?;
        self.require(Privilege::Drop, &Object::database(&catalog, &database))?;
        if let Some(its) = self.state.catalogs.get_mut(&catalog) {
            its.databases.remove(&database);
        }
        let is_gone = |object: &Object| match object {
            Object::Database {
                catalog: of,
                database: Some(its),
            }
            | Object::Table {
                catalog: of,
                database: Some(its),
                ..
            } => *of == catalog && *its == database,
            _ => false,
        };
        self.state
            .all_grants()
            .for_each(|grants| grants.forget(is_gone));
        DONE
    }

    pub(super) fn create_table(
        &mut self,
        name: &[String],
        if_not_exists: bool,
        columns: Vec<(String, ColumnType)>,
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.which_table(name)?;
        self.database(&catalog, &database)?;
        self.require(
            Privilege::CreateTable,
            &Object::database(&catalog, &database),
        )?;
        for (at, (column, _)) in columns.iter().enumerate() {
            if columns[..at]
                .iter()
                .any(|(earlier, _)| earlier.eq_ignore_ascii_case(column))
            {
                let message = format!("Duplicate column name '{column}'");
                return Err(SqlError::analysis(message));
            }
        }
        let tables = &mut self.database_mut(&catalog, &database)?.tables;
        if tables.contains_key(&table) {
            return if if_not_exists {
                DONE
            } else {
                Err(SqlError::table_exists(&table))
            };
        }
        let columns = columns
            .into_iter()
            .map(|(name, holds)| Column { name, holds })
            .collect();
        tables.insert(
            table,
            Table {
                columns,
                rows: Vec::new(),
            },
        );
        DONE
    }

    pub(super) fn drop_table(&mut self, name: &[String], if_exists: bool) -> SqlResult<Answer> {
        let [catalog, database, table] = self.which_table(name)?;
        let exists = self.relation(&catalog, &database, &table);
        if exists.is_err() && if_exists {
            return DONE;
        }
        exists?;
        let object = Object::table(&catalog, &database, &table);
        self.require(Privilege::Drop, &object)?;
        self.database_mut(&catalog, &database)?
            .tables
            .remove(&table);
        self.state
            .all_grants()
            .for_each(|grants| grants.forget(|it| *it == object));
        DONE
    }

    pub(super) fn insert(
        &mut self,
        name: &[String],
        columns: Option<Vec<String>>,
        rows: Vec<Vec<Literal>>,
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.which_table(name)?;
        self.relation(&catalog, &database, &table)?;
        self.require(
            Privilege::Insert,
            &Object::table(&catalog, &database, &table),
        )?;
        let table = self.table_mut(&catalog, &database, &table)?;
        let names: Vec<_> = table
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let places = match columns {
            Some(columns) => places(&names, columns.iter())?,
            None => (0..names.len()).collect(),
        };
        let mut added = Vec::new();
        for row in rows {
            if row.len() != places.len() {
                return Err(SqlError::analysis(format!(
                    "Inserted target column count: {} doesn't match select/value column count: {}",
                    places.len(),
                    row.len()
                )));
            }
            let mut whole = vec![None; names.len()];
            for (place, value) in places.iter().zip(row) {
                let column = &table.columns[*place];
                if let Some(value) = value.as_ref().filter(|value| !column.holds.takes(value)) {
                    let message = format!("Invalid value '{value}' for column '{}'", column.name);
                    return Err(SqlError::general(message));
                }
                whole[*place] = value;
            }
            added.push(whole);
        }
        let count = added.len() as u64;
        table.rows.extend(added);
        Ok(Answer::Done(count))
    }

    pub(super) fn delete(
        &mut self,
        name: &[String],
        conditions: &[Condition],
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.which_table(name)?;
        let all = self.relation(&catalog, &database, &table)?;
        self.require(
            Privilege::Delete,
            &Object::table(&catalog, &database, &table),
        )?;
        let wanted = filter(&all.columns, conditions)?;
        let table = self.table_mut(&catalog, &database, &table)?;
        let before = table.rows.len();
        table.rows.retain(|row| !wanted(row));
        Ok(Answer::Done((before - table.rows.len()) as u64))
    }

    pub(super) fn select(
        &self,
        columns: Projection,
        name: &[String],
        conditions: &[Condition],
        limit: Option<usize>,
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.which_table(name)?;
        let mut all = self.relation(&catalog, &database, &table)?;
        let on = Object::table(&catalog, &database, &table);
        // The views are for whoever manages users, and for whom they are granted to.
        let manages_users =
            views::is_views(&catalog, &database) && self.may(Privilege::Grant, &Object::System);
        if !manages_users {
            self.require(Privilege::Select, &on)?;
        }
        let wanted = filter(&all.columns, conditions)?;
        all.rows.retain(|row| wanted(row));
        all.rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(Answer::Rows(match columns {
            Projection::All => all,
            Projection::Count => {
                let mut shown = Rows::new(&["count(*)"]);
                shown.push([&all.rows.len().to_string()]);
                shown
            }
            Projection::Columns(columns) => {
                let places = places(&all.columns, columns.iter().map(|(column, _)| column))?;
                let cut = |row: Vec<Option<String>>| {
                    places.iter().map(|place| row[*place].clone()).collect()
                };
                Rows {
                    columns: columns.into_iter().map(|(_, name)| name).collect(),
                    rows: all.rows.into_iter().map(cut).collect(),
                }
            }
        }))
    }

    pub(super) fn database(&self, catalog: &str, name: &str) -> SqlResult<&Database> {
        let missing = || SqlError::unknown_database(name);
        self.catalog(catalog)?
            .databases
            .get(name)
            .ok_or_else(missing)
    }

    /// The rows of a table or of a view.
    pub(super) fn relation(&self, catalog: &str, database: &str, name: &str) -> SqlResult<Rows> {
        let missing = || SqlError::unknown_table(&format!("{database}.{name}"));
        if views::is_views(catalog, database) {
            return self.view(name).ok_or_else(missing);
        }
        let table = self
            .database(catalog, database)?
            .tables
            .get(name)
            .ok_or_else(missing)?;
        let columns = table
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        Ok(Rows {
            columns,
            rows: table.rows.clone(),
        })
    }

    fn database_mut(&mut self, catalog: &str, name: &str) -> SqlResult<&mut Database> {
        let catalog = self.state.catalogs.get_mut(catalog);
        let database = catalog.and_then(|catalog| catalog.databases.get_mut(name));
        database.ok_or_else(|| SqlError::unknown_database(name))
    }

    fn table_mut(&mut self, catalog: &str, database: &str, name: &str) -> SqlResult<&mut Table> {
        let table = self.database_mut(catalog, database)?.tables.get_mut(name);
        table.ok_or_else(|| SqlError::unknown_table(&format!("{database}.{name}")))
    }

    fn which_database(&self, name: Option<&[String]>) -> SqlResult<(String, String)> {
        let catalog = || self.session.catalog.clone();
        match name {
            Some([catalog, database, ..]) => Ok((catalog.clone(), database.clone())),
            Some([database]) => Ok((catalog(), database.clone())),
            _ => {
                let database = self
                    .session
                    .database
                    .clone()
                    .ok_or_else(SqlError::no_database)?;
                Ok((catalog(), database))
            }
        }
    }

    fn which_table(&self, name: &[String]) -> SqlResult<[String; 3]> {
        let (table, before) = name.split_last().ok_or_else(SqlError::no_database)?;
        let before = (!before.is_empty()).then_some(before);
        let (catalog, database) = self.which_database(before)?;
        Ok([catalog, database, table.clone()])
    }
}

/// Where the named columns are.
fn places<'a>(
    columns: &[String],
    names: impl Iterator<Item = &'a String>,
) -> SqlResult<Vec<usize>> {
    names.map(|name| place(columns, name)).collect()
}

fn place(columns: &[String], name: &str) -> SqlResult<usize> {
    let found = columns
        .iter()
        .position(|column| column.eq_ignore_ascii_case(name));
    found.ok_or_else(|| SqlError::unknown_column(name))
}

/// Says of a row whether it is as all conditions want it.
fn filter<'a>(
    columns: &[String],
    conditions: &'a [Condition],
) -> SqlResult<impl Fn(&Vec<Option<String>>) -> bool + use<'a>> {
    let mut placed = Vec::new();
    for condition in conditions {
        let (Condition::Equal(column, _)
        | Condition::In(column, _)
        | Condition::Like(column, _)
        | Condition::Null { column, .. }) = condition;
        placed.push((place(columns, column)?, condition));
    }
    Ok(move |row: &Vec<Option<String>>| {
        placed
            .iter()
            .all(|(place, condition)| match (condition, &row[*place]) {
                (Condition::Null { is, .. }, value) => value.is_none() == *is,
                // NULL is like nothing, not even like NULL.
                (_, None) | (Condition::Equal(_, None), _) => false,
                (Condition::Equal(_, wanted), value) => wanted == value,
                (Condition::In(_, wanted), value) => wanted.contains(value),
                (Condition::Like(_, pattern), Some(value)) => is_like(value, pattern),
            })
    })
}

/// `%` stands for any characters, `_` for one, `\` takes the next one as it is.
fn is_like(value: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => value.is_empty(),
        Some('%') => {
            let mut ends = value.char_indices().map(|(at, _)| at).chain([value.len()]);
            ends.any(|at| is_like(&value[at..], rest.as_str()))
        }
        Some(wanted) => {
            let (wanted, any) = match wanted {
                '_' => ('_', true),
                '\\' => (rest.next().unwrap_or('\\'), false),
                other => (other, false),
            };
            let mut value = value.chars();
            value.next().is_some_and(|first| any || first == wanted)
                && is_like(value.as_str(), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn like_knows_its_wildcards() {
        let table = [
            ("tenant_1", "tenant%", true),
            ("tenant_1", "%_1", true),
            ("tenant_1", "tenant", false),
            ("tenant_1", "tenant\\_1", true),
            ("tenantX1", "tenant\\_1", false),
            ("tenantX1", "tenant_1", true),
            ("", "%", true),
        ];
        for (value, pattern, like) in table {
            assert_eq!(is_like(value, pattern), like, "{value} LIKE {pattern}");
        }
    }
}
