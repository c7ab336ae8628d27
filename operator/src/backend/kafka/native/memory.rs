//! How what is native is held and read.

use std::ffi::{CStr, CString, c_char};
use std::fmt::{self, Display};
use std::ptr::NonNull;

use rdkafka::types::RDKafkaErrorCode;

use super::error::Refused;

/// Something native that is freed when it goes.
pub struct Owned<T> {
    native: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes what a function of the library returned; none if that is null.
    ///
    /// # Safety
    /// It is null, or nobody else's and freed by this function.
    pub unsafe fn new(native: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(native).map(|native| Self { native, free })
    }

    /// Valid as long as this is there.
    pub fn as_ptr(&self) -> *mut T {
        self.native.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: as promised to `new`; and nothing is dropped twice.
        unsafe { (self.free)(self.native.as_ptr()) }
    }
}

/// Where the library writes what is wrong with something.
#[derive(Debug)]
pub struct Complaint([u8; 512]);

impl Complaint {
    pub fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Default for Complaint {
    fn default() -> Self {
        Self([0; 512])
    }
}

impl Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = CStr::from_bytes_until_nul(&self.0).unwrap_or_default();
        f.write_str(&text.to_string_lossy())
    }
}

/// What is held, as the library takes lists. Valid as long as that is there.
pub fn pointers<T>(held: &[Owned<T>]) -> Vec<*mut T> {
    held.iter().map(Owned::as_ptr).collect()
}

/// The entries of a list in an answer; `list` is the function that returns it.
///
/// # Safety
/// `of` is valid for `'a` and what `list` takes; its entries live as long.
pub unsafe fn entries<'a, R, T>(
    of: *const R,
    list: unsafe extern "C" fn(*const R, *mut usize) -> *mut *const T,
) -> &'a [*const T] {
    let mut count = 0;
    // SAFETY: as promised; the library's lists are arrays of so many pointers, and an
    // empty one may be null.
    unsafe {
        let first = list(of, &raw mut count);
        if first.is_null() || count == 0 {
            return &[];
        }
        std::slice::from_raw_parts(first.cast_const(), count)
    }
}

/// A copy of a text of the library's; empty if it is null.
///
/// # Safety
/// It is null or ends with a null byte.
pub unsafe fn text(native: *const c_char) -> String {
    if native.is_null() {
        return String::new();
    }
    // SAFETY: as promised.
    unsafe { CStr::from_ptr(native) }
        .to_string_lossy()
        .into_owned()
}

/// A text as C has it.
pub fn c_text(about: impl Display, text: &str) -> Result<CString, Refused> {
    CString::new(text)
        .map_err(|error| Refused::one(about, RDKafkaErrorCode::InvalidArgument, error))
}
