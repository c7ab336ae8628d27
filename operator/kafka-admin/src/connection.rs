//! Connection errors. A request itself only reports that no broker answered; librdkafka
//! reports the cause on its main queue.

use rdkafka::types::{RDKafka, RDKafkaErrorCode};
use rdkafka_sys::{
    RD_KAFKA_EVENT_ERROR, rd_kafka_event_destroy, rd_kafka_event_error_string, rd_kafka_event_type,
    rd_kafka_queue_destroy, rd_kafka_queue_get_main, rd_kafka_queue_poll,
};

use crate::error::{self, Error};
use crate::memory::{Owned, text};
use crate::request::rd_kafka_event_error;

/// Drains librdkafka's main queue and returns the last error in it. rdkafka's admin client
/// never polls this queue: without draining, all events, log lines included, would pile up
/// for the life of the process.
///
/// # Safety
/// `kafka` is valid.
pub unsafe fn last_error(kafka: *mut RDKafka) -> Option<Error> {
    // SAFETY: the caller guarantees the handle; the queue is a reference that we own.
    let queue = unsafe { Owned::new(rd_kafka_queue_get_main(kafka), rd_kafka_queue_destroy) }?;
    let mut last = None;
    // SAFETY: we own the queue and each event, which may be null.
    while let Some(event) = unsafe {
        Owned::new(
            rd_kafka_queue_poll(queue.as_ptr(), 0),
            rd_kafka_event_destroy,
        )
    } {
        // SAFETY: we own the event, and the text is copied before the event is freed.
        let (kind, number, text) = unsafe {
            (
                rd_kafka_event_type(event.as_ptr()),
                rd_kafka_event_error(event.as_ptr()),
                text(rd_kafka_event_error_string(event.as_ptr())),
            )
        };
        // "All brokers down" only follows from the errors of the single brokers.
        let code = error::code(number).filter(|code| *code != RDKafkaErrorCode::AllBrokersDown);
        if let (RD_KAFKA_EVENT_ERROR, Some(code)) = (kind, code) {
            // The duration that follows differs each time; a condition must stay the same.
            let text = text.split(" (after ").next().unwrap_or_default();
            last = Some(Error::new("connecting", code, text));
        }
    }
    last
}
