//! ACL requests, with librdkafka's `AclBinding` as the form of an ACL.

use std::collections::BTreeSet;
use std::ffi::c_char;
use std::fmt::Display;
use std::ptr;

use rdkafka::types::{RDKafkaAdminOp as Kind, RDKafkaErrorCode};
use rdkafka_sys::{
    rd_kafka_AclBinding_destroy, rd_kafka_AclBinding_error, rd_kafka_AclBinding_host,
    rd_kafka_AclBinding_name, rd_kafka_AclBinding_new, rd_kafka_AclBinding_operation,
    rd_kafka_AclBinding_permission_type, rd_kafka_AclBinding_principal,
    rd_kafka_AclBinding_resource_pattern_type, rd_kafka_AclBinding_restype, rd_kafka_AclBinding_t,
    rd_kafka_AclBindingFilter_new, rd_kafka_AclOperation_t, rd_kafka_AclPermissionType_t,
    rd_kafka_AdminOptions_set_include_authorized_operations, rd_kafka_CreateAcls,
    rd_kafka_CreateAcls_result_acls, rd_kafka_DeleteAcls,
    rd_kafka_DeleteAcls_result_response_error, rd_kafka_DeleteAcls_result_response_matching_acls,
    rd_kafka_DeleteAcls_result_responses, rd_kafka_DescribeAcls, rd_kafka_DescribeAcls_result_acls,
    rd_kafka_DescribeCluster, rd_kafka_DescribeCluster_result_authorized_operations,
    rd_kafka_ResourcePatternType_t, rd_kafka_ResourceType_t, rd_kafka_acl_result_error,
    rd_kafka_event_CreateAcls_result, rd_kafka_event_DeleteAcls_result,
    rd_kafka_event_DescribeAcls_result, rd_kafka_event_DescribeCluster_result,
};

use crate::error::Error;
use crate::memory::{MessageBuffer, Owned, c_text, entries, pointers, text};
use crate::native::Native;
use crate::request::{Requests, entry_error};
use akili_core::kafka::acl::{Acl, Operation, Pattern, Permission, Resource};

/// librdkafka's constructor of a binding or of a filter.
type Constructor = unsafe extern "C" fn(
    rd_kafka_ResourceType_t,
    *const c_char,
    rd_kafka_ResourcePatternType_t,
    *const c_char,
    *const c_char,
    rd_kafka_AclOperation_t,
    rd_kafka_AclPermissionType_t,
    *mut c_char,
    usize,
) -> *mut rd_kafka_AclBinding_t;

pub fn describe(requests: &Requests<'_>, principal: Option<&str>) -> Result<BTreeSet<Acl>, Error> {
    let filter = filter(principal)?;
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBEACLS,
        rd_kafka_event_DescribeAcls_result,
        // SAFETY: all pointers are valid; librdkafka copies the filter.
        |to| unsafe { rd_kafka_DescribeAcls(to.kafka, filter.as_ptr(), to.options, to.queue) },
    )?;
    // SAFETY: the answer and its contents are valid until it is dropped.
    let acls: BTreeSet<_> = unsafe {
        let found = entries(answer.as_ptr(), rd_kafka_DescribeAcls_result_acls);
        found.iter().map(|acl| read_binding(*acl)).collect()
    };
    if acls.is_empty() {
        check_describe_right(requests)?;
    }
    Ok(acls)
}

/// Checks that the client's user may describe ACLs: librdkafka 2.12 drops the broker's
/// error for this request and answers with an empty list.
///
/// # Errors
/// `ClusterAuthorizationFailed` without the right to describe the cluster.
fn check_describe_right(requests: &Requests<'_>) -> Result<(), Error> {
    match cluster_rights(requests)? {
        Some(rights) if !rights.contains(&Operation::Describe) => {
            let code = RDKafkaErrorCode::ClusterAuthorizationFailed;
            Err(requests.error(code, code))
        }
        _ => Ok(()),
    }
}

pub fn create(requests: &Requests<'_>, acls: &BTreeSet<Acl>) -> Result<(), Error> {
    if acls.is_empty() {
        return Ok(());
    }
    let bindings = bindings(acls, rd_kafka_AclBinding_new)?;
    let mut pointers = pointers(&bindings);
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_CREATEACLS,
        rd_kafka_event_CreateAcls_result,
        // SAFETY: all pointers are valid; librdkafka copies the bindings.
        |to| unsafe { rd_kafka_CreateAcls(to.kafka, first, count, to.options, to.queue) },
    )?;
    // SAFETY: the answer and its contents are valid until it is dropped.
    let results = unsafe { entries(answer.as_ptr(), rd_kafka_CreateAcls_result_acls) };
    requests.expect_results(results.len(), count)?;
    // Results are in the order of the request.
    Error::first_of(acls.iter().zip(results).filter_map(|(acl, result)| {
        // SAFETY: as above.
        unsafe { entry_error(acl, rd_kafka_acl_result_error(*result)) }
    }))
}

pub fn delete(requests: &Requests<'_>, acls: &BTreeSet<Acl>) -> Result<(), Error> {
    if acls.is_empty() {
        return Ok(());
    }
    let filters = bindings(acls, rd_kafka_AclBindingFilter_new)?;
    let mut pointers = pointers(&filters);
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_DELETEACLS,
        rd_kafka_event_DeleteAcls_result,
        // SAFETY: all pointers are valid; librdkafka copies the filters.
        |to| unsafe { rd_kafka_DeleteAcls(to.kafka, first, count, to.options, to.queue) },
    )?;
    // SAFETY: the answer and its contents are valid until it is dropped.
    let results = unsafe { entries(answer.as_ptr(), rd_kafka_DeleteAcls_result_responses) };
    requests.expect_results(results.len(), count)?;
    // Results are in the order of the request; each may carry an error of its own, or one
    // of an ACL that it matched.
    Error::first_of(acls.iter().zip(results).filter_map(|(acl, result)| {
        // SAFETY: as above.
        unsafe {
            let error = rd_kafka_DeleteAcls_result_response_error(*result);
            let found = entries(*result, rd_kafka_DeleteAcls_result_response_matching_acls);
            entry_error(acl, error).or_else(|| {
                found
                    .iter()
                    .find_map(|found| entry_error(acl, rd_kafka_AclBinding_error(*found)))
            })
        }
    }))
}

pub fn cluster_rights(requests: &Requests<'_>) -> Result<Option<BTreeSet<Operation>>, Error> {
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER,
        rd_kafka_event_DescribeCluster_result,
        // SAFETY: all handles are valid. The option fits this kind of request, so setting it
        // returns no error object that would have to be freed.
        |to| unsafe {
            rd_kafka_AdminOptions_set_include_authorized_operations(to.options, 1);
            rd_kafka_DescribeCluster(to.kafka, to.options, to.queue);
        },
    )?;
    let mut count = 0;
    // SAFETY: the answer is valid until it is dropped, and with it this array of `count`
    // entries; the array is null if the cluster doesn't report its operations.
    let rights = unsafe {
        let first =
            rd_kafka_DescribeCluster_result_authorized_operations(answer.as_ptr(), &raw mut count);
        (!first.is_null()).then(|| std::slice::from_raw_parts(first, count))
    };
    Ok(rights.map(|rights| rights.iter().copied().map(Operation::from_native).collect()))
}

/// Creates a filter that matches all ACLs of a principal, or all ACLs.
fn filter(principal: Option<&str>) -> Result<Owned<rd_kafka_AclBinding_t>, Error> {
    let subject = principal.unwrap_or("all ACLs");
    let principal = principal
        .map(|principal| c_text(principal, principal))
        .transpose()?;
    new_binding(subject, |message| {
        // SAFETY: null matches anything; librdkafka copies the principal; the length passed is
        // the buffer's.
        unsafe {
            rd_kafka_AclBindingFilter_new(
                rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_ANY,
                ptr::null(),
                rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_ANY,
                principal.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
                ptr::null(),
                rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ANY,
                rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
                message.as_mut_ptr(),
                message.len(),
            )
        }
    })
}

/// Creates bindings of these ACLs, or filters that match exactly these.
fn bindings(
    acls: &BTreeSet<Acl>,
    new: Constructor,
) -> Result<Vec<Owned<rd_kafka_AclBinding_t>>, Error> {
    acls.iter().map(|acl| binding(acl, new)).collect()
}

fn binding(acl: &Acl, new: Constructor) -> Result<Owned<rd_kafka_AclBinding_t>, Error> {
    let name = c_text(acl, &acl.name)?;
    let principal = c_text(acl, &acl.principal)?;
    let host = c_text(acl, &acl.host)?;
    new_binding(acl, |message| {
        // SAFETY: librdkafka copies the strings; the length passed is the buffer's.
        unsafe {
            new(
                acl.resource.to_native(),
                name.as_ptr(),
                acl.pattern.to_native(),
                principal.as_ptr(),
                host.as_ptr(),
                acl.operation.to_native(),
                acl.permission.to_native(),
                message.as_mut_ptr(),
                message.len(),
            )
        }
    })
}

fn new_binding(
    subject: impl Display,
    new: impl FnOnce(&mut MessageBuffer) -> *mut rd_kafka_AclBinding_t,
) -> Result<Owned<rd_kafka_AclBinding_t>, Error> {
    let mut message = MessageBuffer::default();
    let binding = new(&mut message);
    // SAFETY: both constructors return an object that the caller destroys, or null.
    let binding = unsafe { Owned::new(binding, rd_kafka_AclBinding_destroy) };
    binding.ok_or_else(|| Error::new(subject, RDKafkaErrorCode::InvalidArgument, message))
}

/// Reads an ACL of an answer.
///
/// # Safety
/// `acl` is valid.
unsafe fn read_binding(acl: *const rd_kafka_AclBinding_t) -> Acl {
    // SAFETY: guaranteed by the caller; the strings live as long as the binding and are
    // copied. librdkafka replaces numbers that its enums don't have.
    unsafe {
        Acl {
            resource: Resource::from_native(rd_kafka_AclBinding_restype(acl)),
            pattern: Pattern::from_native(rd_kafka_AclBinding_resource_pattern_type(acl)),
            name: text(rd_kafka_AclBinding_name(acl)),
            principal: text(rd_kafka_AclBinding_principal(acl)),
            host: text(rd_kafka_AclBinding_host(acl)),
            operation: Operation::from_native(rd_kafka_AclBinding_operation(acl)),
            permission: Permission::from_native(rd_kafka_AclBinding_permission_type(acl)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(resource: Resource, operation: Operation) -> Acl {
        Acl {
            resource,
            pattern: Pattern::Prefixed,
            name: "acme.".to_owned(),
            principal: "User:tenant-1".to_owned(),
            host: "*".to_owned(),
            operation,
            permission: Permission::Deny,
        }
    }

    #[test]
    fn binding_created_from_acl_reads_back_equal() {
        let topics = acl(Resource::Topic, Operation::All);
        let mut cases = vec![
            Acl {
                pattern: Pattern::Literal,
                ..topics.clone()
            },
            Acl {
                permission: Permission::Allow,
                ..topics
            },
        ];
        for resource in [
            Resource::Topic,
            Resource::Group,
            Resource::Cluster,
            Resource::TransactionalId,
        ] {
            cases.push(acl(resource, Operation::All));
        }
        for operation in [
            Operation::All,
            Operation::Read,
            Operation::Write,
            Operation::Create,
            Operation::Delete,
            Operation::Alter,
            Operation::Describe,
            Operation::ClusterAction,
            Operation::DescribeConfigs,
            Operation::AlterConfigs,
            Operation::IdempotentWrite,
        ] {
            cases.push(acl(Resource::Topic, operation));
        }
        for case in cases {
            for new in [
                rd_kafka_AclBinding_new as Constructor,
                rd_kafka_AclBindingFilter_new,
            ] {
                let binding = binding(&case, new).unwrap();
                // SAFETY: the binding is valid.
                assert_eq!(unsafe { read_binding(binding.as_ptr()) }, case);
            }
        }
    }

    #[test]
    fn binding_of_unknown_operation_is_rejected() {
        let unknown = acl(Resource::Topic, Operation::Unknown);
        for new in [
            rd_kafka_AclBinding_new as Constructor,
            rd_kafka_AclBindingFilter_new,
        ] {
            let error = binding(&unknown, new).err().unwrap();
            assert_eq!(error.code, RDKafkaErrorCode::InvalidArgument);
            assert_eq!(
                error.to_string(),
                "Deny User:tenant-1 from *: Unknown on Prefixed Topic acme.: Invalid operation"
            );
        }
    }
}
