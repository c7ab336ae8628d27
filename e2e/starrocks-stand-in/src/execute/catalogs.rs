//! External catalogs.

use super::{Answer, DONE, Execution, Rows};
use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::Properties,
    privileges::{Object, Privilege},
    state::{Catalog, INTERNAL_CATALOG},
};

impl Execution<'_> {
    pub(super) fn create_catalog(
        &mut self,
        name: String,
        if_not_exists: bool,
        comment: Option<String>,
        properties: Properties,
    ) -> SqlResult<Answer> {
        if !is_common_name(&name) {
            return Err(SqlError::name("catalog", &name));
        }
        self.require(Privilege::CreateExternalCatalog, &Object::System)?;
        let catalog = Catalog::external(comment, properties)?;
        if self.state.catalogs.contains_key(&name) {
            return if if_not_exists {
                DONE
            } else {
                Err(SqlError::catalog_exists(&name))
            };
        }
        self.state.catalogs.insert(name, catalog);
        DONE
    }

    /// Drops the catalog with all grants on it and in it.
    pub(super) fn drop_catalog(&mut self, name: &str, if_exists: bool) -> SqlResult<Answer> {
        if name == INTERNAL_CATALOG {
            return Err(SqlError::analysis(
                "Can't drop the default internal catalog",
            ));
        }
        self.require(Privilege::Drop, &Object::catalog(name))?;
        if self.state.catalogs.remove(name).is_none() {
            return if if_exists {
                DONE
            } else {
                Err(SqlError::unknown_catalog(name))
            };
        }
        for grants in self.state.all_grants() {
            grants.remove_dropped(|object| object.catalog_name() == Some(name));
        }
        DONE
    }

    pub(super) fn set_catalog(&mut self, name: String) -> SqlResult<Answer> {
        self.catalog(&name)?;
        if name != INTERNAL_CATALOG {
            self.require_any(&Object::catalog(&name))?;
        }
        self.session.database = None;
        self.session.catalog = name;
        DONE
    }

    pub(super) fn show_catalogs(&self) -> SqlResult<Answer> {
        let mut shown = Rows::new(&["Catalog", "Type", "Comment"]);
        let seen = self
            .state
            .catalogs
            .iter()
            .filter(|(name, _)| self.sees_catalog(name));
        shown.rows.extend(seen.map(|(name, catalog)| {
            vec![
                Some(name.clone()),
                Some(catalog.kind.clone()),
                catalog.comment.clone(),
            ]
        }));
        Ok(Answer::Rows(shown))
    }

    pub(super) fn show_create_catalog(&self, name: &str) -> SqlResult<Answer> {
        let catalog = self.catalog(name)?;
        if name != INTERNAL_CATALOG {
            self.require_any(&Object::catalog(name))?;
        }
        let mut shown = Rows::new(&["Catalog", "Create Catalog"]);
        shown.push([name, &catalog.statement(name)]);
        Ok(Answer::Rows(shown))
    }

    pub(super) fn catalog(&self, name: &str) -> SqlResult<&Catalog> {
        self.state
            .catalogs
            .get(name)
            .ok_or_else(|| SqlError::unknown_catalog(name))
    }
}

/// Returns whether a name has up to 64 letters, digits and underscores and begins with a
/// letter, or with an underscore and then a letter or a digit.
pub(super) fn is_common_name(name: &str) -> bool {
    let word = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_';
    let begins = match name.as_bytes() {
        [first, ..] if first.is_ascii_alphabetic() => true,
        [b'_', second, ..] => second.is_ascii_alphanumeric(),
        _ => false,
    };
    begins && name.len() <= 64 && name.as_bytes().iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::is_common_name;

    #[test]
    fn names_are_words_of_at_most_64_characters() {
        let longest = "a".repeat(64);
        for name in ["a", "tenant_acme_catalog", "_a", "_1", "A9", &longest] {
            assert!(is_common_name(name), "{name}");
        }
        let too_long = "a".repeat(65);
        for name in ["", "_", "__a", "9a", "a-b", "a.b", "ä", &too_long] {
            assert!(!is_common_name(name), "{name}");
        }
    }
}
