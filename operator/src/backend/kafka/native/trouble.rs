//! What keeps a client from its brokers: requests only hear that nobody answers.

use rdkafka::types::{RDKafka, RDKafkaErrorCode};
use rdkafka_sys::{
    RD_KAFKA_EVENT_ERROR, rd_kafka_event_destroy, rd_kafka_event_error_string, rd_kafka_event_type,
    rd_kafka_queue_destroy, rd_kafka_queue_get_main, rd_kafka_queue_poll,
};

use super::error::{self, Refusal};
use super::memory::{Owned, text};
use super::request::rd_kafka_event_error;

/// The last error that the library spoke of since it was last asked. rdkafka's admin
/// client never asks: whatever the library says, its log too, would be kept for ever.
///
/// # Safety
/// The handle is valid.
pub unsafe fn last(kafka: *mut RDKafka) -> Option<Refusal> {
    // SAFETY: as promised; the queue is a reference of ours.
    let queue = unsafe { Owned::new(rd_kafka_queue_get_main(kafka), rd_kafka_queue_destroy) }?;
    let mut last = None;
    // SAFETY: the queue is ours, and so is each event, which may be null.
    while let Some(event) = unsafe {
        Owned::new(
            rd_kafka_queue_poll(queue.as_ptr(), 0),
            rd_kafka_event_destroy,
        )
    } {
        // SAFETY: the event is ours, and the text is copied before it goes.
        let (kind, number, text) = unsafe {
            (
                rd_kafka_event_type(event.as_ptr()),
                rd_kafka_event_error(event.as_ptr()),
                text(rd_kafka_event_error_string(event.as_ptr())),
            )
        };
        // That all are down only follows from what was said of each.
        let code = error::code(number).filter(|code| *code != RDKafkaErrorCode::AllBrokersDown);
        if let (RD_KAFKA_EVENT_ERROR, Some(code)) = (kind, code) {
            // What follows, how long it took, is never the same again.
            let text = text.split(" (after ").next().unwrap_or_default();
            last = Some(Refusal {
                about: "connecting".to_owned(),
                code,
                text: text.to_owned(),
            });
        }
    }
    last
}
