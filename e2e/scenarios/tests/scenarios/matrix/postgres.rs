//! PostgreSQL, with psql and the login of the Secret `akili-postgres`.

use akili_scenarios::platform::{Login, Platform};
use anyhow::Result;
use async_trait::async_trait;

use super::operation::{Held, Operation, Plane, State};
use crate::access_matrix::Answer;

/// A tenant's login, with a table of all tenants.
pub struct Postgres<'a> {
    platform: &'a Platform,
    login: Login,
    own: String,
    other: String,
}

/// Creates the table that all tenants share.
pub fn create_table(platform: &Platform) -> Result<()> {
    let make =
        "DROP TABLE IF EXISTS notes; CREATE TABLE notes (tenant_id uuid NOT NULL, note text)";
    platform.superuser(make).map(drop)
}

impl<'a> Postgres<'a> {
    /// Adds rows of both tenants and waits until the table is open to tenants.
    pub async fn open(platform: &'a Platform, own: &str, other: &str) -> Result<Self> {
        let plane = Self {
            platform,
            login: platform.login_of(own)?,
            own: platform.status(own, "id")?,
            other: platform.status(other, "id")?,
        };
        let (own, other) = (&plane.own, &plane.other);
        platform.superuser(&format!(
            "DELETE FROM notes; INSERT INTO notes VALUES ('{own}', 'own'), ('{other}', 'other')"
        ))?;
        platform
            .eventually("the table is open to tenants", || {
                let answer = platform.as_login(&plane.login, "SELECT FROM notes")?;
                Ok(answer.status.success())
            })
            .await?;
        Ok(plane)
    }
}

#[async_trait]
impl Plane for Postgres<'_> {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    async fn attempt(&self, operation: Operation) -> Result<Answer> {
        let Self { own, other, .. } = self;
        let sql = match operation {
            Operation::OwnRead => "SELECT note FROM notes WHERE note = 'own'".into(),
            Operation::OwnWrite => {
                format!("INSERT INTO notes VALUES ('{own}', 'new') RETURNING note")
            }
            Operation::OwnDelete => "DELETE FROM notes WHERE note = 'new' RETURNING note".into(),
            Operation::OthersRead => format!("SELECT note FROM notes WHERE tenant_id = '{other}'"),
            Operation::OthersWrite => format!("INSERT INTO notes VALUES ('{other}', 'forged')"),
            Operation::OthersList => {
                format!("SELECT DISTINCT note FROM notes WHERE tenant_id <> '{own}'")
            }
            Operation::CreateOutside => "CREATE TABLE outside (n int)".into(),
        };
        let answer = self.platform.as_login(&self.login, &sql)?;
        Ok(Answer::of_program(&answer))
    }

    async fn held(&self) -> Result<Held> {
        let rows = |of: &str| {
            let rows = format!("SELECT note FROM notes WHERE tenant_id = '{of}'");
            self.platform.superuser(&rows)
        };
        Ok(Held {
            own: rows(&self.own)?,
            other: rows(&self.other)?,
        })
    }

    fn rejections(&self, operation: Operation, state: State) -> &'static [&'static str] {
        match (state, operation) {
            (State::Archived, _) => &["is not permitted to log in"],
            (
                State::Suspended,
                Operation::OwnWrite | Operation::OwnDelete | Operation::OthersWrite,
            ) => &["is suspended"],
            _ => &["row-level security", "permission denied"],
        }
    }
}
