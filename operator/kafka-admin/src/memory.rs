//! Ownership and reading of native memory.

use std::ffi::{CStr, CString, c_char};
use std::fmt::{self, Display};
use std::ptr::NonNull;

use rdkafka::types::RDKafkaErrorCode;

use crate::error::Error;

/// A native object that is freed on drop.
pub struct Owned<T> {
    native: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes ownership of an object that librdkafka returned; `None` for null.
    ///
    /// # Safety
    /// `native` is null, or has no other owner and is freed by `free`.
    pub unsafe fn new(native: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(native).map(|native| Self { native, free })
    }

    /// Returns the pointer, which is valid as long as `self` exists.
    pub fn as_ptr(&self) -> *mut T {
        self.native.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the caller of `new` guarantees that `free` fits, and drop runs once.
        unsafe { (self.free)(self.native.as_ptr()) }
    }
}

/// Buffer for an error message that librdkafka writes.
#[derive(Debug)]
pub struct MessageBuffer([u8; 512]);

impl MessageBuffer {
    pub fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Default for MessageBuffer {
    fn default() -> Self {
        Self([0; 512])
    }
}

impl Display for MessageBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = CStr::from_bytes_until_nul(&self.0).unwrap_or_default();
        f.write_str(&text.to_string_lossy())
    }
}

/// Returns the objects' pointers as the list that librdkafka expects. The pointers are
/// valid as long as `owned` is.
pub fn pointers<T>(owned: &[Owned<T>]) -> Vec<*mut T> {
    owned.iter().map(Owned::as_ptr).collect()
}

/// Returns the entries of a list in an answer; `list` is the function that reads the list.
///
/// # Safety
/// `of` is valid for `'a` and of the type that `list` expects; its entries live as long.
pub unsafe fn entries<'a, R, T>(
    of: *const R,
    list: unsafe extern "C" fn(*const R, *mut usize) -> *mut *const T,
) -> &'a [*const T] {
    let mut count = 0;
    // SAFETY: guaranteed by the caller. librdkafka's lists are arrays of `count` pointers,
    // and an empty list may be null.
    unsafe {
        let first = list(of, &raw mut count);
        if first.is_null() || count == 0 {
            return &[];
        }
        std::slice::from_raw_parts(first.cast_const(), count)
    }
}

/// Copies a string of librdkafka; null gives an empty string.
///
/// # Safety
/// `native` is null or ends with a null byte.
pub unsafe fn text(native: *const c_char) -> String {
    if native.is_null() {
        return String::new();
    }
    // SAFETY: guaranteed by the caller.
    unsafe { CStr::from_ptr(native) }
        .to_string_lossy()
        .into_owned()
}

/// Converts a string for C; an inner null byte is an error about `subject`.
pub fn c_text(subject: impl Display, text: &str) -> Result<CString, Error> {
    CString::new(text)
        .map_err(|error| Error::new(subject, RDKafkaErrorCode::InvalidArgument, error))
}
