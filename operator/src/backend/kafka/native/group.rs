//! The request for consumer groups.

use std::collections::BTreeSet;

use rdkafka::types::RDKafkaAdminOp as Kind;
use rdkafka_sys::{
    rd_kafka_ConsumerGroupListing_group_id, rd_kafka_ListConsumerGroups,
    rd_kafka_ListConsumerGroups_result_errors, rd_kafka_ListConsumerGroups_result_valid,
    rd_kafka_event_ListConsumerGroups_result,
};

use super::error::Refused;
use super::memory::{entries, text};
use super::request::{Requests, refusal};

pub fn list(requests: &Requests<'_>) -> Result<BTreeSet<String>, Refused> {
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
        rd_kafka_event_ListConsumerGroups_result,
        // SAFETY: all of it is valid.
        |to| unsafe { rd_kafka_ListConsumerGroups(to.kafka, to.options, to.queue) },
    )?;
    // A broker that didn't answer may have more of them.
    // SAFETY: the answer and all in it is valid until it goes.
    unsafe {
        let errors = entries(answer.as_ptr(), rd_kafka_ListConsumerGroups_result_errors);
        let errors = errors.iter();
        Refused::unless_none(errors.filter_map(|error| refusal("listing groups", *error)))?;
        let found = entries(answer.as_ptr(), rd_kafka_ListConsumerGroups_result_valid);
        let names = found.iter();
        Ok(names
            .map(|group| text(rd_kafka_ConsumerGroupListing_group_id(*group)))
            .collect())
    }
}
