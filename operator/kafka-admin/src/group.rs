//! The request that lists consumer groups.

use std::collections::BTreeSet;

use rdkafka::types::RDKafkaAdminOp as Kind;
use rdkafka_sys::{
    rd_kafka_ConsumerGroupListing_group_id, rd_kafka_ListConsumerGroups,
    rd_kafka_ListConsumerGroups_result_errors, rd_kafka_ListConsumerGroups_result_valid,
    rd_kafka_event_ListConsumerGroups_result,
};

use crate::error::Error;
use crate::memory::{entries, text};
use crate::request::{Requests, entry_error};

pub fn list(requests: &Requests<'_>) -> Result<BTreeSet<String>, Error> {
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
        rd_kafka_event_ListConsumerGroups_result,
        // SAFETY: all handles are valid.
        |to| unsafe { rd_kafka_ListConsumerGroups(to.kafka, to.options, to.queue) },
    )?;
    // A broker that didn't answer may hold further groups, so its error fails the request.
    // SAFETY: the answer and its contents are valid until it is dropped.
    unsafe {
        let errors = entries(answer.as_ptr(), rd_kafka_ListConsumerGroups_result_errors);
        let errors = errors.iter();
        Error::first_of(errors.filter_map(|error| entry_error("listing groups", *error)))?;
        let found = entries(answer.as_ptr(), rd_kafka_ListConsumerGroups_result_valid);
        let names = found.iter();
        Ok(names
            .map(|group| text(rd_kafka_ConsumerGroupListing_group_id(*group)))
            .collect())
    }
}
