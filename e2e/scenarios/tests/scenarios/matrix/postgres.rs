//! PostgreSQL, with psql and the login of the Secret `akili-postgres`.

use akili_scenarios::platform::{Login, Platform};
use anyhow::Result;
use async_trait::async_trait;

use super::deed::{Answer, Deed, Held, Plane, State};

/// A tenant's login in a table of all tenants.
pub struct Postgres<'a> {
    platform: &'a Platform,
    login: Login,
    own: String,
    other: String,
}

/// The table that all tenants share.
pub fn make_table(platform: &Platform) -> Result<()> {
    let make =
        "DROP TABLE IF EXISTS notes; CREATE TABLE notes (tenant_id uuid NOT NULL, note text)";
    platform.superuser(make).map(drop)
}

impl<'a> Postgres<'a> {
    /// Rows of both, once the table is open to tenants.
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

    async fn attempt(&self, deed: Deed) -> Result<Answer> {
        let Self { own, other, .. } = self;
        let sql = match deed {
            Deed::OwnRead => "SELECT note FROM notes WHERE note = 'own'".into(),
            Deed::OwnWrite => {
                format!("INSERT INTO notes VALUES ('{own}', 'new') RETURNING note")
            }
            Deed::OwnDelete => "DELETE FROM notes WHERE note = 'new' RETURNING note".into(),
            Deed::OthersRead => format!("SELECT note FROM notes WHERE tenant_id = '{other}'"),
            Deed::OthersWrite => format!("INSERT INTO notes VALUES ('{other}', 'forged')"),
            Deed::OthersList => {
                format!("SELECT DISTINCT note FROM notes WHERE tenant_id <> '{own}'")
            }
            Deed::CreateOutside => "CREATE TABLE outside (n int)".into(),
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

    fn refusals(&self, deed: Deed, state: State) -> &'static [&'static str] {
        match (state, deed) {
            (State::Archived, _) => &["is not permitted to log in"],
            (State::Suspended, Deed::OwnWrite | Deed::OwnDelete | Deed::OthersWrite) => {
                &["is suspended"]
            }
            _ => &["row-level security", "permission denied"],
        }
    }
}
