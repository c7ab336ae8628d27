//! kube-apiserver, with its authentication and audit configuration.

use anyhow::Result;
use async_trait::async_trait;
use serde_json::{Value, json};

use super::{etcd, write_kubeconfig};
use crate::{
    component::Component,
    files, health, issuer,
    layout::{self, API_SERVER_PORT, API_SERVICE_ADDRESS, NODE_ADDRESS, SERVICE_CIDR},
    pki::{self, Subject},
    process::Daemon,
    tools::tool,
};

/// kube-apiserver as a component.
pub struct ApiServer;

#[async_trait]
impl Component for ApiServer {
    fn name(&self) -> &'static str {
        "kube-apiserver"
    }

    /// The issuer too: the API server fetches its keys at the start, and after a failure
    /// only every ten seconds.
    fn needs(&self) -> &'static [&'static str] {
        &["etcd", "issuer"]
    }

    async fn prepare(&self) -> Result<Daemon> {
        write_kubeconfig("admin", "akili-testbed-admin", Some("system:masters"))?;
        let authentication = layout::state("kube-apiserver/authentication.json");
        files::write_json(&authentication, &authentication_configuration()?)?;

        let names = [
            NODE_ADDRESS,
            API_SERVICE_ADDRESS,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let served = pki::issue(
            self.name(),
            &Subject {
                common_name: self.name(),
                organization: None,
                names: &names,
            },
        )?;
        let to_kubelet = Subject {
            common_name: "kube-apiserver-kubelet",
            organization: Some("system:masters"),
            names: &[],
        };
        let to_kubelet = pki::issue("kube-apiserver-kubelet", &to_kubelet)?;
        let to_etcd = etcd::certificate()?;
        let (account_key, account_public_key) = pki::signing_key("service-accounts")?;
        let authority = pki::authority_certificate();

        let audit_policy = layout::state("kube-apiserver/audit-policy.json");
        files::write_json(&audit_policy, &audit_policy_of_service_accounts())?;

        let daemon = Daemon::new(tool(self.name()))
            .flag("bind-address", NODE_ADDRESS)
            // With a loopback address the Service `kubernetes` would have no endpoints.
            .flag("advertise-address", NODE_ADDRESS)
            .flag("secure-port", API_SERVER_PORT.to_string())
            .flag("service-cluster-ip-range", SERVICE_CIDR)
            .flag("tls-cert-file", served.certificate)
            .flag("tls-private-key-file", served.key)
            .flag("client-ca-file", &authority)
            .flag("authentication-config", authentication)
            .flag("authorization-mode", "Node,RBAC")
            .flag("enable-admission-plugins", "NodeRestriction")
            .flag("service-account-issuer", "https://kubernetes.default.svc")
            .flag("service-account-signing-key-file", account_key)
            .flag("service-account-key-file", account_public_key)
            .flag("audit-policy-file", audit_policy)
            .flag("audit-log-path", layout::audit_log())
            .flag("etcd-servers", etcd::client_url())
            .flag("etcd-cafile", &authority)
            .flag("etcd-certfile", to_etcd.certificate)
            .flag("etcd-keyfile", to_etcd.key)
            .flag("kubelet-preferred-address-types", "InternalIP")
            .flag("kubelet-certificate-authority", &authority)
            .flag("kubelet-client-certificate", to_kubelet.certificate)
            .flag("kubelet-client-key", to_kubelet.key);
        Ok(daemon)
    }

    async fn ready(&self) -> Result<()> {
        health::get(&layout::api_server_url(), "/readyz").await
    }
}

/// Records every request of a ServiceAccount without its body, so that tests can count
/// the operator's requests, reads and writes.
fn audit_policy_of_service_accounts() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            { "level": "None", "userGroups": ["system:serviceaccounts:kube-system"] },
            { "level": "Metadata", "userGroups": ["system:serviceaccounts"] },
            { "level": "None" },
        ],
    })
}

/// Maps tokens to users. The user name is the verified email address, else the subject.
/// The groups are the group of the tenant in the claim `tenant_id`, and the claim
/// `groups`.
///
/// A token can't name Kubernetes' own users and groups, and gets a tenant's group only
/// from the claim `tenant_id`.
fn authentication_configuration() -> Result<Value> {
    Ok(json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": {
                "url": issuer::url(),
                "audiences": [issuer::AUDIENCE],
                "certificateAuthority": files::read(&pki::authority_certificate())?,
            },
            "claimValidationRules": [
                {
                    "expression": "!has(claims.tenant_id) || claims.tenant_id != ''",
                    "message": "the claim tenant_id is empty",
                },
                {
                    "expression": "!has(claims.groups) || dyn(claims.groups).all(g, !g.startsWith('akili:tenant:'))",
                    "message": "the claim groups has a tenant's group, which only the claim tenant_id gives",
                },
            ],
            "claimMappings": {
                "username": {
                    "expression":
                        "has(claims.email) && claims.?email_verified.orValue(false) == true ? claims.email : claims.sub",
                },
                "groups": {
                    "expression":
                        "(has(claims.tenant_id) ? ['akili:tenant:' + claims.tenant_id] : []) \
                         + (has(claims.groups) ? dyn(claims.groups) : [])",
                },
            },
            "userValidationRules": [
                {
                    "expression": "!user.username.startsWith('system:')",
                    "message": "the user name begins with system:, which is Kubernetes' own",
                },
                {
                    "expression": "user.groups.all(group, !group.startsWith('system:'))",
                    "message": "a group begins with system:, which is Kubernetes' own",
                },
            ],
        }],
    }))
}
