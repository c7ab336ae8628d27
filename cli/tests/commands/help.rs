//! Help and usage errors, which need no cluster.

use insta::assert_snapshot;

use crate::harness::Akili;

#[test]
fn help_of_every_command() {
    let akili = Akili::with([]);
    for noun in ["", "tenant", "quota", "connection", "product"] {
        let verbs: &[&str] = match noun {
            "tenant" => &[
                "create",
                "get",
                "list",
                "suspend",
                "reactivate",
                "archive",
                "purge",
                "wait",
            ],
            "quota" => &["get", "set"],
            "connection" | "product" => &["create"],
            _ => &[],
        };
        let noun: &[&str] = if noun.is_empty() { &[] } else { &[noun] };
        let mut shown = akili.run(&[noun, &["--help"]].concat());
        for verb in verbs {
            shown += &akili.run(&[noun, &[verb, "--help"]].concat());
        }
        let name = noun.first().unwrap_or(&"akili");
        assert_snapshot!(format!("help_of_{name}"), shown);
    }
}

#[test]
fn usage_errors_exit_with_2() {
    let akili = Akili::with([]);
    assert_snapshot!(akili.run_all(&[
        &[],
        &["--version"],
        &["tenants"],
        &["tenant", "get"],
        &["tenant", "get", "Acme"],
        &["tenant", "get", "acme-corp", "--json", "-o", "yaml"],
        &["tenant", "get", "acme-corp", "-o", "xml"],
        &["tenant", "create", "acme-corp"],
        &["tenant", "create", "a.b", "--display-name", "A"],
        &[
            "tenant",
            "suspend",
            "acme-corp",
            "--wait",
            "--dry-run=server"
        ],
        &["tenant", "suspend", "acme-corp", "--timeout", "soon"],
        &["tenant", "list", "--state", "GONE"],
        &["tenant", "wait", "acme-corp"],
        &["tenant", "wait", "acme-corp", "--for", "gone"],
        &["quota", "set", "acme-corp"],
        &["quota", "set", "acme-corp", "--max-products=-1"],
        &[
            "connection",
            "create",
            "--name",
            "c",
            "--connector-type",
            "s3",
            "--config",
            "x"
        ],
        &["product", "create", "--name", "orders"],
    ]));
}
