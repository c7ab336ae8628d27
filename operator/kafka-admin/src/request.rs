//! Sending one admin request and receiving its answer.

use std::ffi::c_int;
use std::fmt::Display;
use std::marker::PhantomData;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::types::{RDKafka, RDKafkaAdminOp, RDKafkaAdminOptions, RDKafkaErrorCode};
use rdkafka::types::{RDKafkaEvent, RDKafkaQueue};
use rdkafka_sys::{
    rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new,
    rd_kafka_AdminOptions_set_request_timeout, rd_kafka_error_string, rd_kafka_error_t,
    rd_kafka_event_destroy, rd_kafka_event_error_string, rd_kafka_queue_destroy,
    rd_kafka_queue_new, rd_kafka_queue_poll,
};

use crate::error::{self, Error};
use crate::memory::{MessageBuffer, Owned, text};

/// Extra time to wait for librdkafka, which reports a request's timeout itself.
const GRACE_MS: c_int = 2_000;

// As rdkafka-sys declares them, except that they return C's integer: a broker may send a
// number that the Rust enum of rdkafka-sys doesn't have, which would be undefined behaviour.
unsafe extern "C" {
    pub(crate) fn rd_kafka_event_error(event: *mut RDKafkaEvent) -> c_int;
    fn rd_kafka_error_code(error: *const rd_kafka_error_t) -> c_int;
}

/// Sender of requests for the duration of one call.
pub struct Requests<'a> {
    kafka: *mut RDKafka,
    operation: &'static str,
    timeout_ms: c_int,
    client: PhantomData<&'a ()>,
}

/// Handles that every request function of librdkafka takes besides the request.
pub struct Handles {
    pub kafka: *mut RDKafka,
    pub options: *mut RDKafkaAdminOptions,
    pub queue: *mut RDKafkaQueue,
}

impl<'a> Requests<'a> {
    /// Creates a sender on this client's handle; `operation` names the request in errors.
    pub fn new<C: ClientContext>(
        client: &'a AdminClient<C>,
        operation: &'static str,
        timeout: Duration,
    ) -> Self {
        Self {
            kafka: client.inner().native_ptr(),
            operation,
            timeout_ms: timeout.as_millis().try_into().unwrap_or(c_int::MAX),
            client: PhantomData,
        }
    }

    /// Creates the error of the request as a whole.
    pub fn error(&self, code: RDKafkaErrorCode, text: impl Display) -> Error {
        Error::new(self.operation, code, text)
    }

    /// Checks that an answer has one result for each requested entry.
    ///
    /// # Errors
    /// The numbers differ.
    pub fn expect_results(&self, results: usize, entries: usize) -> Result<(), Error> {
        if results == entries {
            return Ok(());
        }
        let text = format!("{results} results for {entries} entries");
        Err(self.error(RDKafkaErrorCode::BadMessage, text))
    }

    /// Sends a request of this kind and waits for its answer. `answer` is the function
    /// that casts an event to this kind of answer, or to null. The handles passed to
    /// `send` are valid while it runs.
    pub fn send(
        &self,
        kind: RDKafkaAdminOp,
        answer: unsafe extern "C" fn(*mut RDKafkaEvent) -> *const RDKafkaEvent,
        send: impl FnOnce(&Handles),
    ) -> Result<Owned<RDKafkaEvent>, Error> {
        // SAFETY: the handle is valid as long as the client is borrowed, which outlives
        // queue and options; each is freed by librdkafka's own function for it.
        let (queue, options) = unsafe {
            (
                Owned::new(rd_kafka_queue_new(self.kafka), rd_kafka_queue_destroy),
                Owned::new(
                    rd_kafka_AdminOptions_new(self.kafka, kind),
                    rd_kafka_AdminOptions_destroy,
                ),
            )
        };
        let (Some(queue), Some(options)) = (queue, options) else {
            return Err(self.error(RDKafkaErrorCode::Fail, "librdkafka has no such request"));
        };
        let mut message = MessageBuffer::default();
        // SAFETY: we own the options, and the length passed is the buffer's.
        let set = unsafe {
            rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                self.timeout_ms,
                message.as_mut_ptr(),
                message.len(),
            )
        };
        if let Some(code) = error::code(set as c_int) {
            return Err(self.error(code, message));
        }

        send(&Handles {
            kafka: self.kafka,
            options: options.as_ptr(),
            queue: queue.as_ptr(),
        });
        let timeout_ms = self.timeout_ms.saturating_add(GRACE_MS);
        // SAFETY: we own the queue and the event, which may be null.
        let event = unsafe {
            Owned::new(
                rd_kafka_queue_poll(queue.as_ptr(), timeout_ms),
                rd_kafka_event_destroy,
            )
        };
        let event =
            event.ok_or_else(|| self.error(RDKafkaErrorCode::OperationTimedOut, "no answer"))?;
        let event = self.check(kind, event)?;
        // SAFETY: we own the event.
        if unsafe { answer(event.as_ptr()) }.is_null() {
            return Err(self.error(RDKafkaErrorCode::BadMessage, "answer to another request"));
        }
        Ok(event)
    }

    /// Returns the event unless it reports that the request failed.
    fn check(
        &self,
        kind: RDKafkaAdminOp,
        event: Owned<RDKafkaEvent>,
    ) -> Result<Owned<RDKafkaEvent>, Error> {
        // SAFETY: we own the event.
        let number = unsafe { rd_kafka_event_error(event.as_ptr()) };
        let Some(code) = error::code(number) else {
            return Ok(event);
        };
        // librdkafka 2.12 keeps the message of a broker's error for this request on a stack
        // frame that has returned, and would free it with the event: leak the event instead
        // (a few bytes).
        if kind == RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS && number > 0 {
            std::mem::forget(event);
            return Err(self.error(code, code));
        }
        // SAFETY: we own the event, and the text is copied before the event is freed.
        let text = unsafe { text(rd_kafka_event_error_string(event.as_ptr())) };
        Err(self.error(code, text))
    }
}

/// Returns the error of one entry of an answer; `None` if the entry succeeded.
///
/// # Safety
/// `error` is null or valid.
pub unsafe fn entry_error(subject: impl Display, error: *const rd_kafka_error_t) -> Option<Error> {
    // SAFETY: guaranteed by the caller; librdkafka takes null for success.
    let code = error::code(unsafe { rd_kafka_error_code(error) })?;
    let text = match code {
        // Kafka's message contains addresses that differ each time.
        RDKafkaErrorCode::ClusterAuthorizationFailed => code.to_string(),
        // SAFETY: guaranteed by the caller.
        _ => unsafe { text(rd_kafka_error_string(error)) },
    };
    // librdkafka 2.12 misses the end of some broker messages and appends bytes of the
    // protocol: cut at the first control character.
    let text = text.split(char::is_control).next().unwrap_or_default();
    Some(Error::new(subject, code, text))
}
