//! Fields that a GitOps controller manages. Pure.

use kube::ResourceExt;

/// Field managers of GitOps controllers, which revert other changes, and their products.
const CONTROLLERS: [(&str, &str); 4] = [
    // With server-side apply, and without.
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
];

/// Returns a warning if a GitOps controller manages this field of the spec. `what` is the word for
/// the object before its name.
pub fn warning(object: &impl ResourceExt, what: &str, field: &str) -> Option<String> {
    let entries = object.managed_fields().iter();
    let owners = entries.filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| !fields.0["f:spec"][format!("f:{field}")].is_null())
    });
    let mut managers = owners.filter_map(|entry| entry.manager.as_deref());
    let (manager, product) = managers.find_map(|manager| {
        CONTROLLERS
            .into_iter()
            .find(|(controller, _)| *controller == manager)
    })?;
    Some(format!(
        "warning: spec.{field} of {what} {} is managed by {product} ({manager}), which would \
         revert this change: change it in Git, too",
        object.name_any()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use akili_crds::Tenant;
    use serde_json::{Value, json};

    fn tenant(manager: &str, fields: &Value) -> Tenant {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme-corp", "managedFields": [
                {"manager": "akili-operator", "operation": "Apply", "subresource": "status",
                 "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:phase": {}}}},
                {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1",
                 "fieldsV1": fields},
            ]},
            "spec": {"displayName": "Acme Corporation"},
        }))
        .unwrap()
    }

    #[test]
    fn controller_that_owns_the_field_is_named() {
        let state = json!({"f:spec": {"f:displayName": {}, "f:state": {}}});
        let name = json!({"f:spec": {"f:displayName": {}}});
        for (manager, fields, field, product) in [
            (
                "argocd-controller",
                &state,
                "state",
                Some("Argo CD (argocd-controller)"),
            ),
            (
                "argocd-application-controller",
                &state,
                "state",
                Some("Argo CD (argocd-application-controller)"),
            ),
            (
                "kustomize-controller",
                &state,
                "state",
                Some("Flux (kustomize-controller)"),
            ),
            (
                "helm-controller",
                &state,
                "state",
                Some("Flux (helm-controller)"),
            ),
            ("argocd-controller", &name, "state", None),
            ("argocd-controller", &state, "retention", None),
            ("kubectl-client-side-apply", &state, "state", None),
            ("akili", &state, "state", None),
        ] {
            let warning = warning(&tenant(manager, fields), "tenant", field);
            assert_eq!(warning.is_some(), product.is_some(), "{manager} {field}");
            let (warning, product) = (warning.unwrap_or_default(), product.unwrap_or_default());
            assert!(warning.contains(product), "{warning}");
        }
    }
}
