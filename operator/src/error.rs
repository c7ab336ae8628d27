//! Errors of the operator; those of the API server by reason.

pub use akili_core::{Class, Error, Reason};

/// Returns the operator's error for an answer of the API server, or for none.
pub fn api_server(error: kube::Error) -> Error {
    let (reason, cause) = match &error {
        kube::Error::Api(status) => (reason_of(status.code), status.message.clone()),
        other => (Reason::ApiServerUnreachable, other.to_string()),
    };
    Error::new(reason, format!("the API server: {cause}"))
}

fn reason_of(code: u16) -> Reason {
    match code {
        409 => Reason::ApiServerConflict,
        401 | 403 => Reason::Forbidden,
        429 | 500.. => Reason::ApiServerBusy,
        _ => Reason::ApiServerRejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn api_server_answer_has_a_class() {
        for (code, class) in [
            (409, Class::Conflict),
            (401, Class::Operator),
            (403, Class::Operator),
            (429, Class::Transient),
            (500, Class::Transient),
            (503, Class::Transient),
            (422, Class::Invalid),
        ] {
            let status = Status::failure("no", "Reason").with_code(code);
            let error = api_server(kube::Error::Api(status.boxed()));
            assert_eq!(error.class(), class, "{code}");
            assert_eq!(error.message, "the API server: no");
        }
    }
}
