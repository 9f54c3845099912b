//! The calls into libcrypto that the `openssl` crate does not offer, each behind a safe function.
//!
//! Everything unsafe of the project is in this file, and in `fsio/subvolume.rs`.

#![allow(
    unsafe_code,
    reason = "RFC 3161 and revocation lists are missing from the openssl crate"
)]

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Once;

use foreign_types::ForeignType as _;
use openssl::error::ErrorStack;
use openssl::pkcs7::Pkcs7;
use openssl::x509::X509Crl;
use openssl::x509::store::X509Store;

/// Opaque `TS_VERIFY_CTX` of `openssl/ts.h`.
#[repr(C)]
struct TsVerifyContext {
    _private: [u8; 0],
}

/// `TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA`: the signature and its certificates, version 1,
/// and the imprint recomputed from the data.
const VERIFY_SIGNATURE_VERSION_DATA: c_int = 0x13;

/// `OPENSSL_INIT_NO_LOAD_CONFIG`.
const NO_CONFIGURATION: u64 = 0x80;

unsafe extern "C" {
    fn TS_VERIFY_CTX_new() -> *mut TsVerifyContext;
    fn TS_VERIFY_CTX_free(context: *mut TsVerifyContext);
    fn TS_VERIFY_CTX_set_flags(context: *mut TsVerifyContext, flags: c_int) -> c_int;
    fn TS_VERIFY_CTX_set_data(
        context: *mut TsVerifyContext,
        data: *mut openssl_sys::BIO,
    ) -> *mut openssl_sys::BIO;
    fn TS_VERIFY_CTX_set_store(
        context: *mut TsVerifyContext,
        store: *mut openssl_sys::X509_STORE,
    ) -> *mut openssl_sys::X509_STORE;
    fn TS_RESP_verify_token(context: *mut TsVerifyContext, token: *mut openssl_sys::PKCS7)
    -> c_int;
    fn X509_STORE_add_crl(
        store: *mut openssl_sys::X509_STORE,
        crl: *mut openssl_sys::X509_CRL,
    ) -> c_int;
    fn BIO_new(kind: *const c_void) -> *mut openssl_sys::BIO;
    fn BIO_s_mem() -> *const c_void;
    fn BIO_write(bio: *mut openssl_sys::BIO, data: *const c_void, length: c_int) -> c_int;
}

/// Starts libcrypto without reading `openssl.cnf`, whatever `OPENSSL_CONF` says; does nothing when done.
///
/// A configuration file can load code and change what is accepted. Called before anything else here.
pub(super) fn init() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // SAFETY: takes a flag word and an optional pointer; may be called at any time, on any thread.
        unsafe {
            openssl_sys::OPENSSL_init_ssl(NO_CONFIGURATION, std::ptr::null());
        }
    });
}

/// Puts a revocation list into a store.
pub(super) fn add_crl(store: &X509Store, crl: &X509Crl) -> Result<(), ErrorStack> {
    // SAFETY: both pointers come from live owners; the call takes its own reference to the list, and
    // locks the store.
    let added = unsafe { X509_STORE_add_crl(store.as_ptr(), crl.as_ptr()) };
    if added == 1 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}

/// Whether libcrypto accepts `token` (RFC 3161) as a timestamp of `data` under the anchors of `store`.
///
/// The store must carry the purpose `TIMESTAMP_SIGN`: another purpose set on it would win over the one
/// that is asked for inside.
pub(super) fn timestamp_is_valid(
    token: &[u8],
    data: &[u8],
    store: X509Store,
) -> Result<(), ErrorStack> {
    let token = Pkcs7::from_der(token)?;
    let context = Context::new()?;
    let length = c_int::try_from(data.len()).map_err(|_| ErrorStack::get())?;
    // SAFETY: `context` is live. The new BIO copies `data`, whose length is the one given, and is then
    // owned and freed by the context, as `TS_VERIFY_CTX_set_data` documents. `forget` gives up our
    // ownership of the store, which the context has taken over and frees. The token outlives the call.
    let verified = unsafe {
        let bio = BIO_new(BIO_s_mem());
        if bio.is_null() {
            return Err(ErrorStack::get());
        }
        TS_VERIFY_CTX_set_data(context.0.as_ptr(), bio);
        if length > 0 && BIO_write(bio, data.as_ptr().cast(), length) != length {
            return Err(ErrorStack::get());
        }
        TS_VERIFY_CTX_set_store(context.0.as_ptr(), store.as_ptr());
        std::mem::forget(store);
        TS_VERIFY_CTX_set_flags(context.0.as_ptr(), VERIFY_SIGNATURE_VERSION_DATA);
        TS_RESP_verify_token(context.0.as_ptr(), token.as_ptr())
    };
    if verified == 1 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}

/// Owns a `TS_VERIFY_CTX`.
struct Context(NonNull<TsVerifyContext>);

impl Context {
    fn new() -> Result<Self, ErrorStack> {
        // SAFETY: takes nothing; null means out of memory.
        let context = unsafe { TS_VERIFY_CTX_new() };
        NonNull::new(context).map(Self).ok_or_else(ErrorStack::get)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `TS_VERIFY_CTX_new` and is freed once.
        unsafe { TS_VERIFY_CTX_free(self.0.as_ptr()) }
    }
}
