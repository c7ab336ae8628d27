use super::{parse, statement::Statement};

#[test]
fn supported_statements_are_parsed() {
    let fine = [
        "SHOW CATALOGS",
        "show catalogs;",
        "CREATE EXTERNAL CATALOG IF NOT EXISTS `c` COMMENT 'it''s' PROPERTIES ('a' = 'b', \"c\"=\"d\")",
        "DROP CATALOG IF EXISTS c",
        "SET CATALOG c",
        "SHOW CREATE CATALOG c",
        "CREATE ROLE IF NOT EXISTS a, b",
        "DROP ROLE IF EXISTS a",
        "CREATE USER IF NOT EXISTS 'u'@'%' IDENTIFIED BY 'p' DEFAULT ROLE r",
        "CREATE USER u IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'",
        "CREATE USER u IDENTIFIED WITH mysql_native_password BY 'p'",
        "ALTER USER IF EXISTS u IDENTIFIED BY 'p'",
        "ALTER USER u DEFAULT ROLE ALL",
        "DROP USER IF EXISTS u@'%'",
        "GRANT a, b TO USER u",
        "GRANT a TO ROLE b",
        "REVOKE a FROM u",
        "GRANT USAGE ON CATALOG c TO ROLE r",
        "GRANT USAGE, DROP ON ALL CATALOGS TO USER u WITH GRANT OPTION",
        "GRANT SELECT, INSERT ON ALL TABLES IN ALL DATABASES TO ROLE r",
        "GRANT SELECT ON ALL TABLES IN DATABASE d TO ROLE r",
        "GRANT CREATE TABLE, DROP ON ALL DATABASES TO ROLE r",
        "GRANT ALL PRIVILEGES ON DATABASE d TO ROLE r",
        "GRANT CREATE EXTERNAL CATALOG, CREATE RESOURCE GROUP, OPERATE ON SYSTEM TO USER u",
        "GRANT ALTER, DROP ON ALL RESOURCE GROUPS TO USER u",
        "GRANT SELECT ON TABLE sys.role_edges TO USER u",
        "REVOKE INSERT ON ALL TABLES IN ALL DATABASES FROM ROLE r",
        "SET DEFAULT ROLE r TO u",
        "SET DEFAULT ROLE NONE TO 'u'@'%'",
        "SET ROLE NONE",
        "SET ROLE a, b",
        "SHOW GRANTS",
        "SHOW GRANTS FOR 'u'@'%'",
        "SHOW GRANTS FOR ROLE r",
        "CREATE RESOURCE GROUP g TO (user='u', query_type IN ('select')), (role='r') WITH ('mem_limit'='20%')",
        "ALTER RESOURCE GROUP g WITH ('cpu_weight' = '2')",
        "ALTER RESOURCE GROUP g ADD (user='u')",
        "ALTER RESOURCE GROUP g DROP (1, 2)",
        "ALTER RESOURCE GROUP g DROP ALL",
        "DROP RESOURCE GROUP IF EXISTS g",
        "SHOW VERBOSE RESOURCE GROUPS ALL",
        "SHOW USAGE RESOURCE GROUPS",
        "SHOW RESOURCE GROUP g",
        "SHOW BACKENDS",
        "SHOW COMPUTE NODES",
        "SHOW FULL PROCESSLIST",
        "KILL 7",
        "KILL QUERY 7",
        "KILL CONNECTION 7",
        "SET NAMES utf8mb4",
        "SET autocommit=1, @@session.sql_mode = 'ANSI', SESSION time_zone = '+00:00'",
        "SELECT @@max_allowed_packet, @@session.wait_timeout AS w",
        "SELECT current_user(), version(), current_version(), CURRENT_ROLE(), DATABASE(), 1, 'a', NULL",
        "select @@version_comment limit 1",
        "SHOW DATABASES FROM c",
        "USE c.d",
        "CREATE DATABASE IF NOT EXISTS c.d",
        "DROP DATABASE c.d FORCE",
        "CREATE TABLE c.d.t (a INT, b VARCHAR(10), e DECIMAL(10, 2))",
        "INSERT INTO c.d.t (a, b) VALUES (1, 'x'), (-2, NULL)",
        "SELECT a, b AS c FROM c.d.t WHERE a = 1 AND b IN ('x', 'y') AND b LIKE 'x%' AND b IS NOT NULL LIMIT 3",
        "SELECT COUNT(*) FROM t",
        "SELECT * FROM sys.role_edges /* all of them */ -- and why",
        "DELETE FROM t WHERE a = 1",
        "DROP TABLE IF EXISTS t",
        "SHOW TABLES IN d",
    ];
    for statement in fine {
        let parsed = parse(statement);
        assert!(parsed.is_ok(), "{statement}: {parsed:?}");
    }
}

#[test]
fn invalid_statement_is_rejected_at_its_first_error() {
    let table = [
        ("FLUSH PRIVILEGES", 0, "FLUSH", "an unknown statement"),
        ("", 0, "<EOF>", "nothing"),
        ("SHOW CATALOGS LIKE 'a'", 14, "LIKE", "trailing words"),
        (
            "SHOW CATALOGSX",
            5,
            "CATALOGSX",
            "a word with a keyword as prefix",
        ),
        (
            "CREATE CATALOG c PROPERTIES ('a'='b')",
            7,
            "CATALOG",
            "without EXTERNAL",
        ),
        ("CREATE EXTERNAL CATALOG c", 25, "<EOF>", "no properties"),
        (
            "CREATE EXTERNAL CATALOG c PROPERTIES ()",
            38,
            ")",
            "empty properties",
        ),
        (
            "CREATE EXTERNAL CATALOG c PROPERTIES (a='b')",
            38,
            "a",
            "a key without quotes",
        ),
        (
            "CREATE DATABASE LIKE",
            16,
            "LIKE",
            "a reserved word as a name",
        ),
        ("SELECT 1; SELECT 2", 10, "SELECT", "two statements"),
        (
            "GRANT SELECT ON ALL TABLES IN ALL TABLES TO ROLE r",
            34,
            "TABLES",
            "not ALL DATABASES",
        ),
        (
            "GRANT SELECT ON ALL TABLES TO ROLE r",
            27,
            "TO",
            "tables of no database",
        ),
        ("KILL all", 5, "all", "no number"),
        ("ALTER USER u", 12, "<EOF>", "no change"),
        ("SELECT 'a", 7, "'", "an open quote"),
    ];
    for (statement, column, found, reason) in table {
        let error = parse(statement).expect_err(reason);
        let begins = format!(
            "Getting syntax error at line 1, column {column}. Detail message: Unexpected input \
             '{found}', the most similar input is {{"
        );
        assert_eq!((error.code, error.state), (1064, "HY000"), "{reason}");
        assert!(
            error.message.starts_with(&begins),
            "{reason}: {}",
            error.message
        );
    }
}

#[test]
fn quoted_text_is_unescaped() {
    let comment = |text: &str| match parse(text) {
        Ok(Statement::CreateCatalog { comment, .. }) => comment,
        other => panic!("{text}: {other:?}"),
    };
    let table = [
        (r"'a'", "a"),
        (r#""a""#, "a"),
        (r"'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\\b\n'", "a\\b\n"),
        (r#"'{"id": "1"}'"#, r#"{"id": "1"}"#),
    ];
    for (written, means) in table {
        let statement = format!("CREATE EXTERNAL CATALOG c COMMENT {written} PROPERTIES ('a'='b')");
        assert_eq!(comment(&statement).as_deref(), Some(means), "{written}");
    }
}

#[test]
fn debug_output_hides_password() {
    let statement = parse("CREATE USER u IDENTIFIED BY 'hush'").expect("valid statement");
    assert!(!format!("{statement:?}").contains("hush"));
}
