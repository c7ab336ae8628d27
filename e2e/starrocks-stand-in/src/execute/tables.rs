//! Tables and rows.

use super::{
    Answer, DONE, Execution, Rows,
    filter::{filter, positions},
    views,
};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::{Condition, Literal, Projection},
    privileges::{Object, Privilege},
    state::{Column, ColumnType, Table},
};

impl Execution<'_> {
    pub(super) fn create_table(
        &mut self,
        name: &[String],
        if_not_exists: bool,
        columns: Vec<(String, ColumnType)>,
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.resolve_table(name)?;
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
        let [catalog, database, table] = self.resolve_table(name)?;
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
            .for_each(|grants| grants.remove_dropped(|it| *it == object));
        DONE
    }

    pub(super) fn insert(
        &mut self,
        name: &[String],
        columns: Option<Vec<String>>,
        rows: Vec<Vec<Literal>>,
    ) -> SqlResult<Answer> {
        let [catalog, database, table] = self.resolve_table(name)?;
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
        let positions = match columns {
            Some(columns) => positions(&names, columns.iter())?,
            None => (0..names.len()).collect(),
        };
        let mut added = Vec::new();
        for row in rows {
            if row.len() != positions.len() {
                return Err(SqlError::analysis(format!(
                    "Inserted target column count: {} doesn't match select/value column count: {}",
                    positions.len(),
                    row.len()
                )));
            }
            let mut whole = vec![None; names.len()];
            for (position, value) in positions.iter().zip(row) {
                let column = &table.columns[*position];
                if let Some(value) = value.as_ref().filter(|value| !column.holds.accepts(value)) {
                    let message = format!("Invalid value '{value}' for column '{}'", column.name);
                    return Err(SqlError::general(message));
                }
                whole[*position] = value;
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
        let [catalog, database, table] = self.resolve_table(name)?;
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
        let [catalog, database, table] = self.resolve_table(name)?;
        let mut all = self.relation(&catalog, &database, &table)?;
        let on = Object::table(&catalog, &database, &table);
        // The views can be read with the privilege GRANT on the system, or with SELECT.
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
                let positions = positions(&all.columns, columns.iter().map(|(column, _)| column))?;
                let cut = |row: Vec<Option<String>>| {
                    positions
                        .iter()
                        .map(|position| row[*position].clone())
                        .collect()
                };
                Rows {
                    columns: columns.into_iter().map(|(_, name)| name).collect(),
                    rows: all.rows.into_iter().map(cut).collect(),
                }
            }
        }))
    }

    /// Returns the rows of a table or view.
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

    fn table_mut(&mut self, catalog: &str, database: &str, name: &str) -> SqlResult<&mut Table> {
        let table = self.database_mut(catalog, database)?.tables.get_mut(name);
        table.ok_or_else(|| SqlError::unknown_table(&format!("{database}.{name}")))
    }

    fn resolve_table(&self, name: &[String]) -> SqlResult<[String; 3]> {
        let (table, before) = name.split_last().ok_or_else(SqlError::no_database)?;
        let before = (!before.is_empty()).then_some(before);
        let (catalog, database) = self.resolve_database(before)?;
        Ok([catalog, database, table.clone()])
    }
}
