//! One request and its answer.

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

use super::error::{self, Refusal, Refused};
use super::memory::{Complaint, Owned, text};

/// The library answers in time, if only to say that there was no answer. Should it not,
/// it isn't waited for any longer than this.
const GRACE_MS: c_int = 2_000;

// As rdkafka-sys declares them, except that they return the number that they do in C: a
// broker may send one that its enum doesn't have.
unsafe extern "C" {
    pub(super) fn rd_kafka_event_error(event: *mut RDKafkaEvent) -> c_int;
    fn rd_kafka_error_code(error: *const rd_kafka_error_t) -> c_int;
}

/// What makes requests, for the time of one call.
pub struct Requests<'a> {
    kafka: *mut RDKafka,
    doing: &'static str,
    timeout_ms: c_int,
    client: PhantomData<&'a ()>,
}

/// What a function of the library that sends a request wants, besides the request.
pub struct Native {
    pub kafka: *mut RDKafka,
    pub options: *mut RDKafkaAdminOptions,
    pub queue: *mut RDKafkaQueue,
}

impl<'a> Requests<'a> {
    /// On this client's handle; errors say that it was done for `doing`.
    pub fn new<C: ClientContext>(
        client: &'a AdminClient<C>,
        doing: &'static str,
        timeout: Duration,
    ) -> Self {
        Self {
            kafka: client.inner().native_ptr(),
            doing,
            timeout_ms: timeout.as_millis().try_into().unwrap_or(c_int::MAX),
            client: PhantomData,
        }
    }

    /// What this request as a whole fails with.
    pub fn refused(&self, code: RDKafkaErrorCode, text: impl Display) -> Refused {
        Refused::one(self.doing, code, text)
    }

    /// What fails unless an answer has an entry for each that was asked for.
    pub fn expect(&self, answered: usize, asked: usize) -> Result<(), Refused> {
        if answered == asked {
            return Ok(());
        }
        let text = format!("{answered} answers to {asked} questions");
        Err(self.refused(RDKafkaErrorCode::BadMessage, text))
    }

    /// Sends a request of this kind and waits for its answer, which `answer` recognizes.
    /// All that `send` is given is valid while it runs.
    pub fn ask(
        &self,
        kind: RDKafkaAdminOp,
        answer: unsafe extern "C" fn(*mut RDKafkaEvent) -> *const RDKafkaEvent,
        send: impl FnOnce(&Native),
    ) -> Result<Owned<RDKafkaEvent>, Refused> {
        // SAFETY: the handle is valid as long as the client is borrowed, which outlives
        // both; each is freed by the function that the library has for it.
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
            return Err(self.refused(RDKafkaErrorCode::Fail, "it isn't a request"));
        };
        let mut complaint = Complaint::default();
        // SAFETY: the options are ours, and the buffer is as long as is said.
        let set = unsafe {
            rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                self.timeout_ms,
                complaint.as_mut_ptr(),
                complaint.len(),
            )
        };
        if let Some(code) = error::code(set as c_int) {
            return Err(self.refused(code, complaint));
        }

        send(&Native {
            kafka: self.kafka,
            options: options.as_ptr(),
            queue: queue.as_ptr(),
        });
        let patience = self.timeout_ms.saturating_add(GRACE_MS);
        // SAFETY: the queue is ours; so is the event, which may be null.
        let event = unsafe {
            Owned::new(
                rd_kafka_queue_poll(queue.as_ptr(), patience),
                rd_kafka_event_destroy,
            )
        };
        let event =
            event.ok_or_else(|| self.refused(RDKafkaErrorCode::OperationTimedOut, "no answer"))?;
        let event = self.check(kind, event)?;
        // SAFETY: the event is ours.
        if unsafe { answer(event.as_ptr()) }.is_null() {
            return Err(self.refused(RDKafkaErrorCode::BadMessage, "another request's answer"));
        }
        Ok(event)
    }

    /// The event, unless it says that the request failed.
    fn check(
        &self,
        kind: RDKafkaAdminOp,
        event: Owned<RDKafkaEvent>,
    ) -> Result<Owned<RDKafkaEvent>, Refused> {
        // SAFETY: the event is ours.
        let number = unsafe { rd_kafka_event_error(event.as_ptr()) };
        let Some(code) = error::code(number) else {
            return Ok(event);
        };
        // In librdkafka 2.12 the text of a broker's refusal of this kind is on a stack that
        // is gone, and would be freed with the event: better a few bytes never freed.
        if kind == RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS && number > 0 {
            std::mem::forget(event);
            return Err(self.refused(code, code));
        }
        // SAFETY: the event is ours, and the text is copied before it goes.
        let text = unsafe { text(rd_kafka_event_error_string(event.as_ptr())) };
        Err(self.refused(code, text))
    }
}

/// What an error says of an entry; none if it is no error.
///
/// # Safety
/// `error` is null or valid.
pub unsafe fn refusal(about: impl Display, error: *const rd_kafka_error_t) -> Option<Refusal> {
    // SAFETY: as promised. It takes null for no error.
    let code = error::code(unsafe { rd_kafka_error_code(error) })?;
    let text = match code {
        // Kafka's own words for it have addresses in them that are never the same again.
        RDKafkaErrorCode::ClusterAuthorizationFailed => code.to_string(),
        // SAFETY: as promised.
        _ => unsafe { text(rd_kafka_error_string(error)) },
    };
    // librdkafka 2.12 doesn't see where some of a broker's texts end; what comes next then
    // is a byte of the protocol.
    let text = text.split(char::is_control).next().unwrap_or_default();
    Some(Refusal {
        about: about.to_string(),
        code,
        text: text.to_owned(),
    })
}
