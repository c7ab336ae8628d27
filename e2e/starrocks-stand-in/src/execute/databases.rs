//! Databases.

use super::{Answer, DONE, Execution, Rows, views};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::TableName,
    privileges::{Object, Privilege},
    state::Database,
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
        let (catalog, database) = self.resolve_database(database.as_deref())?;
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
        let (catalog, database) = self.resolve_database(Some(name))?;
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
        let (catalog, database) = self.resolve_database(Some(name))?;
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
        let (catalog, database) = self.resolve_database(Some(name))?;
        if self.database(&catalog, &database).is_err() && if_exists {
            return DONE;
        }
        self.database(&catalog, &database)?;
        self.require(Privilege::Drop, &Object::database(&catalog, &database))?;
        if let Some(its) = self.state.catalogs.get_mut(&catalog) {
            its.databases.remove(&database);
        }
        let is_dropped = |object: &Object| match object {
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
            .for_each(|grants| grants.remove_dropped(is_dropped));
        DONE
    }

    pub(super) fn database(&self, catalog: &str, name: &str) -> SqlResult<&Database> {
        let missing = || SqlError::unknown_database(name);
        self.catalog(catalog)?
            .databases
            .get(name)
            .ok_or_else(missing)
    }

    pub(super) fn database_mut(&mut self, catalog: &str, name: &str) -> SqlResult<&mut Database> {
        let catalog = self.state.catalogs.get_mut(catalog);
        let database = catalog.and_then(|catalog| catalog.databases.get_mut(name));
        database.ok_or_else(|| SqlError::unknown_database(name))
    }

    pub(super) fn resolve_database(&self, name: Option<&[String]>) -> SqlResult<(String, String)> {
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
}
