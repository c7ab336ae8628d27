//! A Tenant from `kubectl apply` to ACTIVE, and what it holds against.
//!
//! One platform and one operator serve all of these, so they run one after another.

use akili_e2e::platform::{OPERATOR_PASSWORD, Platform, stderr, succeed, tenant_yaml};
use anyhow::{Result, ensure};
use std::fs;

#[tokio::test]
async fn a_tenants_life_until_it_is_active_and_after() -> Result<()> {
    let platform = Platform::install().await?;
    platform.superuser(
        "DROP TABLE IF EXISTS orders; CREATE TABLE orders (tenant_id uuid NOT NULL, n int)",
    )?;
    let operator = platform.start_operator().await?;
    platform.activate("acme")?;
    platform.activate("acme-2")?;

    get_prints_five_lines(&platform)?;
    bad_tenants_are_refused_with_the_rule(&platform)?;
    the_cli_says_what_is_wrong(&platform)?;
    a_tenant_sees_its_own_rows_only(&platform).await?;
    drift_is_repaired(&platform).await?;
    the_operator_is_confined(&platform)?;
    a_converged_tenant_costs_no_write(&platform).await?;
    an_outage_is_told_and_survived(&platform).await?;
    kills_during_provisioning_are_healed(&platform, operator).await?;

    let log = fs::read_to_string(platform.log())?;
    ensure!(
        !log.contains(OPERATOR_PASSWORD),
        "the log shows the operator's password"
    );
    Ok(())
}

fn get_prints_five_lines(platform: &Platform) -> Result<()> {
    let id = platform.status("acme", "id")?;
    let lines = succeed(&platform.akili(&["tenant", "get", "acme"])?)?;
    let expected =
        format!("ID: {id}\nSlug: acme\nDisplay Name: Tenant acme\nStatus: ACTIVE\nCreated: ");
    ensure!(
        lines.starts_with(&expected) && lines.lines().count() == 5,
        "{lines}"
    );
    Ok(())
}

fn bad_tenants_are_refused_with_the_rule(platform: &Platform) -> Result<()> {
    let long = "a".repeat(64);
    for name in ["ab", "1acme", "a.b", &long] {
        let file = std::env::temp_dir().join("akili-bad-tenant.yaml");
        fs::write(&file, tenant_yaml(name))?;
        let answer = platform.try_kubectl(&["apply", "-f", &file.to_string_lossy()])?;
        ensure!(
            stderr(&answer).contains("a tenant's name has 3 to 63 characters"),
            "{name}: {}",
            stderr(&answer)
        );
    }
    let id = platform.status("acme", "id")?;
    for (patch, rule) in [
        (
            r#"{"spec":{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}"#.to_owned(),
            "must equal status.id",
        ),
        (format!(r#"{{"spec":{{"id":"{id}"}}}}"#), ""),
        (
            r#"{"spec":{"id":null}}"#.to_owned(),
            "can't be changed or removed",
        ),
    ] {
        let answer =
            platform.try_kubectl(&["patch", "tenant", "acme", "--type=merge", "-p", &patch])?;
        ensure!(
            stderr(&answer).contains(rule) && answer.status.success() == rule.is_empty(),
            "{patch}: {}",
            stderr(&answer)
        );
    }
    Ok(())
}

fn the_cli_says_what_is_wrong(platform: &Platform) -> Result<()> {
    for (arguments, code, message) in [
        (
            &["tenant", "get", "nobody"][..],
            3,
            "error: there is no tenant nobody",
        ),
        (
            &["tenant", "create", "ab", "--display-name", "x"],
            2,
            "can't be a tenant's name",
        ),
        (
            &["tenant", "create", "acme", "--display-name", "x"],
            1,
            "error: tenant acme exists already",
        ),
        (
            &[
                "tenant",
                "wait",
                "acme",
                "--for",
                "ARCHIVED",
                "--timeout",
                "1s",
            ],
            6,
            "isn't ARCHIVED after 1s",
        ),
    ] {
        let answer = platform.akili(arguments)?;
        ensure!(
            answer.status.code() == Some(code),
            "{arguments:?}: {:?}",
            answer.status
        );
        ensure!(
            stderr(&answer).contains(message),
            "{arguments:?}: {}",
            stderr(&answer)
        );
    }
    let list = succeed(&platform.akili(&["tenant", "list", "--state", "active", "--json"])?)?;
    ensure!(list.contains(r#""slug": "acme-2""#), "{list}");
    Ok(())
}

async fn a_tenant_sees_its_own_rows_only(platform: &Platform) -> Result<()> {
    let (own, other) = (
        platform.status("acme", "id")?,
        platform.status("acme-2", "id")?,
    );
    platform
        .eventually("the table is open to tenants", || {
            Ok(platform
                .as_tenant("acme", "SELECT count(*) FROM orders")?
                .status
                .success())
        })
        .await?;
    succeed(&platform.as_tenant("acme", &format!("INSERT INTO orders VALUES ('{own}', 1)"))?)?;
    succeed(&platform.as_tenant(
        "acme-2",
        &format!("INSERT INTO orders VALUES ('{other}', 2)"),
    )?)?;

    let steal = format!(
        "SET akili.tenant_id = '{other}'; SELECT set_config('akili.tenant_id', '{other}', false)"
    );
    for (what, sql) in [
        ("a plain query", String::new()),
        ("SET and set_config", steal),
        ("SET ROLE", "SET ROLE akili_tenant".into()),
        ("RESET ROLE", "RESET ROLE".into()),
    ] {
        let seen = succeed(
            &platform.as_tenant("acme", &format!("{sql};\nSELECT 'n=' || n FROM orders"))?,
        )?;
        ensure!(
            seen.contains("n=1") && !seen.contains("n=2"),
            "{what}: {seen}"
        );
    }
    for (sql, refusal) in [
        (
            format!("INSERT INTO orders VALUES ('{other}', 3)"),
            "row-level security",
        ),
        (
            format!("UPDATE orders SET tenant_id = '{other}'"),
            "row-level security",
        ),
        ("TRUNCATE orders".into(), "permission denied"),
        ("SELECT * FROM akili.tenants".into(), "permission denied"),
        ("SET ROLE akili_operator".into(), "permission denied"),
        (
            "SET SESSION AUTHORIZATION postgres".into(),
            "permission denied",
        ),
        (
            "COPY orders TO PROGRAM 'cat'".into(),
            "pg_execute_server_program",
        ),
    ] {
        let answer = platform.as_tenant("acme", &sql)?;
        ensure!(
            !answer.status.success() && stderr(&answer).contains(refusal),
            "{sql}: {}",
            stderr(&answer)
        );
    }
    succeed(&platform.as_tenant("acme", "DELETE FROM orders")?)?;
    ensure!(
        platform.superuser("SELECT n FROM orders")?.trim() == "2",
        "the other's row is gone"
    );
    Ok(())
}

async fn drift_is_repaired(platform: &Platform) -> Result<()> {
    let namespace = platform.status("acme", "namespace")?;
    let role = platform.status("acme", "resources.postgres.role")?;
    let binding = [
        "get",
        "rolebinding",
        "akili-tenant-reader",
        "-n",
        &namespace,
        "--ignore-not-found",
        "-o",
        "name",
    ];
    platform.kubectl(&[
        "delete",
        "rolebinding",
        "akili-tenant-reader",
        "-n",
        &namespace,
    ])?;
    platform
        .eventually("the binding is back", || {
            Ok(!platform.kubectl(&binding)?.is_empty())
        })
        .await?;

    for harm in [
        format!("ALTER ROLE {role} PASSWORD 'by hand'"),
        format!("DROP ROLE {role}"),
    ] {
        platform.superuser(&harm)?;
        platform
            .eventually(&format!("the login works again after {harm}"), || {
                Ok(platform.as_tenant("acme", "SELECT 1")?.status.success())
            })
            .await?;
    }

    let sound = "SELECT (SELECT relforcerowsecurity FROM pg_class WHERE oid = 'orders'::regclass) \
                 AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'orders'::regclass AND polname = 'akili_tenant')";
    for harm in [
        "DROP POLICY akili_tenant ON orders",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
    ] {
        platform.superuser(harm)?;
        platform
            .eventually(
                &format!("the table is protected again after {harm}"),
                || Ok(platform.superuser(sound)?.trim() == "t"),
            )
            .await?;
    }

    let events = platform.kubectl(&[
        "get",
        "events",
        "-n",
        "default",
        "-o",
        "jsonpath={.items[*].message}",
    ])?;
    for told in [
        "apply RoleBinding akili-tenant-reader",
        "table public.orders is protected",
    ] {
        ensure!(events.contains(told), "no event says {told}: {events}");
    }
    Ok(())
}

fn the_operator_is_confined(platform: &Platform) -> Result<()> {
    let operator = "--as=system:serviceaccount:akili-system:akili-operator";
    for (arguments, refusal) in [
        (&["get", "secrets", "-n", "kube-system"][..], "is forbidden"),
        (&["get", "secrets", "-n", "default"], "is forbidden"),
        (
            &[
                "create",
                "rolebinding",
                "x",
                "-n",
                "kube-system",
                "--clusterrole=akili-operator-tenant",
                "--user=x",
            ],
            "tenants' namespaces only",
        ),
        (
            &[
                "create",
                "clusterrolebinding",
                "x",
                "--clusterrole=akili-tenant-writer",
                "--user=x",
            ],
            "akili-tenant-{id}",
        ),
        (
            &[
                "create",
                "clusterrolebinding",
                "x",
                "--clusterrole=cluster-admin",
                "--user=x",
            ],
            "is forbidden",
        ),
        (
            &["create", "namespace", "mine"],
            "no namespaces but tenants'",
        ),
    ] {
        let mut all = vec![operator];
        all.extend(arguments);
        let answer = platform.try_kubectl(&all)?;
        ensure!(
            !answer.status.success() && stderr(&answer).contains(refusal),
            "{arguments:?}: {}",
            stderr(&answer)
        );
    }
    let namespace = platform.status("acme", "namespace")?;
    let group = format!("--as-group=akili:tenant:{}", platform.status("acme", "id")?);
    let forge = [
        "--as=somebody",
        &group,
        "create",
        "secret",
        "generic",
        "akili-kafka",
        "-n",
        &namespace,
    ];
    let answer = platform.try_kubectl(&forge)?;
    ensure!(
        stderr(&answer).contains("are the operator's alone"),
        "{}",
        stderr(&answer)
    );
    Ok(())
}

async fn a_converged_tenant_costs_no_write(platform: &Platform) -> Result<()> {
    let version = || {
        platform.kubectl(&[
            "get",
            "tenant,ns,rolebinding,resourcequota,secret",
            "-A",
            "-l",
            "!skip",
            "-o",
            "jsonpath={.items[*].metadata.resourceVersion}",
        ])
    };
    let written = || {
        platform.superuser("SELECT pg_stat_force_next_flush(); SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables WHERE schemaname = 'akili'")
    };
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let before = (version()?, written()?);
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    ensure!(
        before == (version()?, written()?),
        "three audits of converged tenants wrote something"
    );
    Ok(())
}

async fn an_outage_is_told_and_survived(platform: &Platform) -> Result<()> {
    let condition = |slug: &str, type_: &str| {
        platform.status(slug, &format!("conditions[?(@.type==\"{type_}\")].reason"))
    };
    let newcomer = platform.fresh("newcomer");
    platform.testbed.stop_postgres().await?;
    platform
        .eventually("PostgresReady says why", || {
            Ok(condition("acme", "PostgresReady")? == "PostgresUnreachable")
        })
        .await?;
    ensure!(
        platform.status("acme", "phase")? == "ACTIVE",
        "an outage isn't a change of phase"
    );
    succeed(&platform.akili(&["tenant", "create", &newcomer, "--display-name", "Newcomer"])?)?;
    platform
        .eventually("a new tenant waits for the registry", || {
            Ok(condition(&newcomer, "Ready")? == "RegistryUnavailable")
        })
        .await?;
    platform.testbed.start_postgres().await?;
    for slug in ["acme", newcomer.as_str()] {
        platform
            .eventually(&format!("{slug} is well again"), || {
                Ok(condition(slug, "Ready")? == "Reached")
            })
            .await?;
    }
    Ok(())
}

/// At instants spread over a measured provisioning.
async fn kills_during_provisioning_are_healed(
    platform: &Platform,
    operator: akili_e2e::platform::Operator,
) -> Result<()> {
    const KILLS: u32 = 20;
    let began = std::time::Instant::now();
    platform.activate(&platform.fresh("measured"))?;
    let whole = began.elapsed();
    let mut operator = operator;
    for round in 0..KILLS {
        let slug = platform.fresh(&format!("killed-{round}"));
        succeed(&platform.akili(&["tenant", "create", &slug, "--display-name", "Killed"])?)?;
        tokio::time::sleep(whole * round / KILLS).await;
        operator.kill()?;
        operator = platform.start_operator().await?;
    }
    for round in 0..KILLS {
        let slug = platform.fresh(&format!("killed-{round}"));
        let waited = platform.akili(&[
            "tenant",
            "wait",
            &slug,
            "--for",
            "ACTIVE",
            "--timeout",
            "60s",
        ])?;
        succeed(&waited)?;
        platform
            .eventually(&format!("{slug} logs in"), || {
                Ok(platform.as_tenant(&slug, "SELECT 1")?.status.success())
            })
            .await?;
        let rows = platform.superuser(&format!(
            "SELECT count(*) FROM akili.tenants WHERE slug = '{slug}'"
        ))?;
        ensure!(rows.trim() == "1", "{slug} has {rows} rows");
        let selector = format!("akili.io/tenant={slug}");
        let namespaces = platform.kubectl(&["get", "ns", "-l", &selector, "-o", "name"])?;
        ensure!(namespaces.lines().count() == 1, "{slug}: {namespaces}");
    }
    println!("{KILLS} kills over {whole:?}: every tenant is ACTIVE");
    Ok(())
}
