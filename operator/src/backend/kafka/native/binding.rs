//! The requests about ACLs.

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

use super::acl::{Acl, Operation, Pattern, Permission, Resource};
use super::error::Refused;
use super::memory::{Complaint, Owned, c_text, entries, pointers, text};
use super::request::{Requests, refusal};

/// What makes a binding, or a filter, of its parts.
type Make = unsafe extern "C" fn(
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

pub fn describe(
    requests: &Requests<'_>,
    principal: Option<&str>,
) -> Result<BTreeSet<Acl>, Refused> {
    let filter = filter(principal)?;
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBEACLS,
        rd_kafka_event_DescribeAcls_result,
        // SAFETY: all of it is valid; the filter is copied.
        |to| unsafe { rd_kafka_DescribeAcls(to.kafka, filter.as_ptr(), to.options, to.queue) },
    )?;
    // SAFETY: the answer and all in it is valid until it goes.
    let acls: BTreeSet<_> = unsafe {
        let found = entries(answer.as_ptr(), rd_kafka_DescribeAcls_result_acls);
        found.iter().map(|acl| read(*acl)).collect()
    };
    if acls.is_empty() {
        may_describe(requests)?;
    }
    Ok(acls)
}

/// librdkafka 2.12 drops a broker's refusal to describe ACLs, and answers with none.
fn may_describe(requests: &Requests<'_>) -> Result<(), Refused> {
    match cluster_rights(requests)? {
        Some(rights) if !rights.contains(&Operation::Describe) => {
            let code = RDKafkaErrorCode::ClusterAuthorizationFailed;
            Err(requests.refused(code, code))
        }
        _ => Ok(()),
    }
}

pub fn create(requests: &Requests<'_>, acls: &BTreeSet<Acl>) -> Result<(), Refused> {
    if acls.is_empty() {
        return Ok(());
    }
    let bindings = bindings(acls, rd_kafka_AclBinding_new)?;
    let mut pointers = pointers(&bindings);
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_CREATEACLS,
        rd_kafka_event_CreateAcls_result,
        // SAFETY: all of it is valid; the bindings are copied.
        |to| unsafe { rd_kafka_CreateAcls(to.kafka, first, count, to.options, to.queue) },
    )?;
    // SAFETY: the answer and all in it is valid until it goes.
    let results = unsafe { entries(answer.as_ptr(), rd_kafka_CreateAcls_result_acls) };
    requests.expect(results.len(), count)?;
    // They are in the order in which they were asked for.
    Refused::unless_none(acls.iter().zip(results).filter_map(|(acl, result)| {
        // SAFETY: as above.
        unsafe { refusal(acl, rd_kafka_acl_result_error(*result)) }
    }))
}

pub fn delete(requests: &Requests<'_>, acls: &BTreeSet<Acl>) -> Result<(), Refused> {
    if acls.is_empty() {
        return Ok(());
    }
    let filters = bindings(acls, rd_kafka_AclBindingFilter_new)?;
    let mut pointers = pointers(&filters);
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_DELETEACLS,
        rd_kafka_event_DeleteAcls_result,
        // SAFETY: all of it is valid; the filters are copied.
        |to| unsafe { rd_kafka_DeleteAcls(to.kafka, first, count, to.options, to.queue) },
    )?;
    // SAFETY: the answer and all in it is valid until it goes.
    let results = unsafe { entries(answer.as_ptr(), rd_kafka_DeleteAcls_result_responses) };
    requests.expect(results.len(), count)?;
    // They are in the order in which they were asked for; each may have an error of its
    // own, or of what it would have deleted.
    Refused::unless_none(acls.iter().zip(results).filter_map(|(acl, result)| {
        // SAFETY: as above.
        unsafe {
            let own = rd_kafka_DeleteAcls_result_response_error(*result);
            let found = entries(*result, rd_kafka_DeleteAcls_result_response_matching_acls);
            refusal(acl, own).or_else(|| {
                found
                    .iter()
                    .find_map(|found| refusal(acl, rd_kafka_AclBinding_error(*found)))
            })
        }
    }))
}

pub fn cluster_rights(requests: &Requests<'_>) -> Result<Option<BTreeSet<Operation>>, Refused> {
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER,
        rd_kafka_event_DescribeCluster_result,
        // SAFETY: all of it is valid. The option fits this kind of request, so there is no
        // error, which would have to be freed.
        |to| unsafe {
            rd_kafka_AdminOptions_set_include_authorized_operations(to.options, 1);
            rd_kafka_DescribeCluster(to.kafka, to.options, to.queue);
        },
    )?;
    let mut count = 0;
    // SAFETY: the answer is valid until it goes, and with it this array of so many; it is
    // null if the cluster doesn't say.
    let rights = unsafe {
        let first =
            rd_kafka_DescribeCluster_result_authorized_operations(answer.as_ptr(), &raw mut count);
        (!first.is_null()).then(|| std::slice::from_raw_parts(first, count))
    };
    Ok(rights.map(|rights| rights.iter().copied().map(Operation::of).collect()))
}

/// What all ACLs of this principal match, or all there are.
fn filter(principal: Option<&str>) -> Result<Owned<rd_kafka_AclBinding_t>, Refused> {
    let about = principal.unwrap_or("all ACLs");
    let principal = principal
        .map(|principal| c_text(principal, principal))
        .transpose()?;
    make(about, |complaint| {
        // SAFETY: null is for any; the principal is copied; the buffer is as long as is said.
        unsafe {
            rd_kafka_AclBindingFilter_new(
                rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_ANY,
                ptr::null(),
                rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_ANY,
                principal.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
                ptr::null(),
                rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ANY,
                rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
                complaint.as_mut_ptr(),
                complaint.len(),
            )
        }
    })
}

/// These ACLs as bindings, or as filters that nothing else matches.
fn bindings(acls: &BTreeSet<Acl>, new: Make) -> Result<Vec<Owned<rd_kafka_AclBinding_t>>, Refused> {
    acls.iter().map(|acl| binding(acl, new)).collect()
}

fn binding(acl: &Acl, new: Make) -> Result<Owned<rd_kafka_AclBinding_t>, Refused> {
    let name = c_text(acl, &acl.name)?;
    let principal = c_text(acl, &acl.principal)?;
    let host = c_text(acl, &acl.host)?;
    make(acl, |complaint| {
        // SAFETY: the texts are copied; the buffer is as long as is said.
        unsafe {
            new(
                acl.resource.native(),
                name.as_ptr(),
                acl.pattern.native(),
                principal.as_ptr(),
                host.as_ptr(),
                acl.operation.native(),
                acl.permission.native(),
                complaint.as_mut_ptr(),
                complaint.len(),
            )
        }
    })
}

fn make(
    about: impl Display,
    new: impl FnOnce(&mut Complaint) -> *mut rd_kafka_AclBinding_t,
) -> Result<Owned<rd_kafka_AclBinding_t>, Refused> {
    let mut complaint = Complaint::default();
    let made = new(&mut complaint);
    // SAFETY: both functions return what is the caller's to destroy, or null.
    let made = unsafe { Owned::new(made, rd_kafka_AclBinding_destroy) };
    made.ok_or_else(|| Refused::one(about, RDKafkaErrorCode::InvalidArgument, complaint))
}

/// An ACL of an answer.
///
/// # Safety
/// It is valid.
unsafe fn read(acl: *const rd_kafka_AclBinding_t) -> Acl {
    // SAFETY: as promised; its texts live as long, and are copied. librdkafka has replaced
    // numbers that its enums don't have.
    unsafe {
        Acl {
            resource: Resource::of(rd_kafka_AclBinding_restype(acl)),
            pattern: Pattern::of(rd_kafka_AclBinding_resource_pattern_type(acl)),
            name: text(rd_kafka_AclBinding_name(acl)),
            principal: text(rd_kafka_AclBinding_principal(acl)),
            host: text(rd_kafka_AclBinding_host(acl)),
            operation: Operation::of(rd_kafka_AclBinding_operation(acl)),
            permission: Permission::of(rd_kafka_AclBinding_permission_type(acl)),
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
    fn what_is_told_to_the_library_is_read_from_it() {
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
                rd_kafka_AclBinding_new as Make,
                rd_kafka_AclBindingFilter_new,
            ] {
                let binding = binding(&case, new).unwrap();
                // SAFETY: it is valid.
                assert_eq!(unsafe { read(binding.as_ptr()) }, case);
            }
        }
    }

    #[test]
    fn what_the_library_has_no_name_for_is_neither_created_nor_deleted() {
        let unknown = acl(Resource::Topic, Operation::Unknown);
        for new in [
            rd_kafka_AclBinding_new as Make,
            rd_kafka_AclBindingFilter_new,
        ] {
            let refused = binding(&unknown, new).err().unwrap();
            assert_eq!(refused.first.code, RDKafkaErrorCode::InvalidArgument);
            assert_eq!(
                refused.to_string(),
                "Deny User:tenant-1 from *: Unknown on Prefixed Topic acme.: Invalid operation"
            );
        }
    }
}
