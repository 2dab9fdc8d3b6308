//! Stores in the cloud for yummy/store: object_store behind the C ABI of cloud.h. What each function promises is told
//! there; here are the border, where no panic passes, and the pointers.

mod attempts;
mod aws;
mod aws_profile;
mod azure;
mod client;
mod failure;
mod gcs;
mod location;
mod oauth;
mod open;
mod options;
mod process;
mod refresh;
mod refusal;
mod runtime;
mod secrets;
mod store;
mod upload;

use std::ffi::{c_char, c_void, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use object_store::PutPayload;

use failure::{Code, Effect, Failure};
use store::{Call, Facts, ListOptions, Range, Store};
use upload::Upload;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const u8,
    size: usize,
}

impl Text {
    fn of(text: &str) -> Self {
        Self { data: text.as_ptr(), size: text.len() }
    }

    /// # Safety
    /// The bytes live and do not change as long as the result is used.
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.size == 0 { &[] } else { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// # Safety
    /// As `bytes`.
    unsafe fn text<'a>(self) -> Result<&'a str, Failure> {
        std::str::from_utf8(self.bytes()).map_err(|_| Failure::new(Code::InvalidArgument, "a name is not UTF-8"))
    }
}

#[repr(C)]
pub struct Status {
    code: i32,
    http_status: i32,
    attempts: u32,
    is_retryable: i32,
    reason: *const c_char,
    message: *mut c_char,
}

impl From<Result<(), Failure>> for Status {
    fn from(result: Result<(), Failure>) -> Self {
        let Err(failure) = result else {
            let (reason, message) = (std::ptr::null(), std::ptr::null_mut());
            return Self { code: 0, http_status: 0, attempts: 0, is_retryable: 0, reason, message };
        };
        let message = CString::new(failure.message.replace('\0', " ")).unwrap_or_default();
        Self {
            code: failure.code as i32,
            http_status: i32::from(failure.http_status),
            attempts: failure.attempts,
            is_retryable: i32::from(failure.is_retryable),
            reason: failure.reason.as_ptr(),
            message: message.into_raw(),
        }
    }
}

#[repr(C)]
pub struct Object {
    path: Text,
    size_bytes: u64,
    modified_micros: i64,
    etag: Text,
    version: Text,
}

impl Object {
    fn of(facts: &Facts) -> Self {
        Self {
            path: Text::of(&facts.path),
            size_bytes: facts.size_bytes,
            modified_micros: facts.modified_micros,
            etag: Text::of(&facts.etag),
            version: Text::of(&facts.version),
        }
    }
}

type TakeText = unsafe extern "C" fn(*mut c_void, Text);
type TakeBytes = unsafe extern "C" fn(*mut c_void, Text) -> i32;
type TakeObject = unsafe extern "C" fn(*mut c_void, *const Object);
type TakeEntry = unsafe extern "C" fn(*mut c_void, *const Object, i32);
type TakeResult = unsafe extern "C" fn(*mut c_void, usize, Status);

/// Runs the body of an entry. Nothing unwinds into the caller.
fn guard(body: impl FnOnce() -> Result<(), Failure>) -> Status {
    let result = catch_unwind(AssertUnwindSafe(body));
    result.unwrap_or_else(|_| Err(Failure::new(Code::Internal, "a bug in the stores in the cloud: a panic"))).into()
}

fn effect_of(create: i32) -> Effect {
    if create != 0 { Effect::Create } else { Effect::Change }
}

/// # Safety
/// As cloud.h says; so for all below.
#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_open(
    url: Text,
    root: Text,
    keys: *const Text,
    values: *const Text,
    count: usize,
    warn: TakeText,
    user: *mut c_void,
    heeds_conditions: *mut i32,
    store: *mut *mut Arc<Store>,
) -> Status {
    guard(|| {
        let mut options = Vec::with_capacity(count);
        for i in 0..count {
            options.push(((*keys.add(i)).text()?.to_string(), (*values.add(i)).text()?.to_string()));
        }
        let _entered = runtime::runtime()?.enter(); // an HTTP client is made within a runtime
        let variables = std::env::vars_os();
        let environment = variables.filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let clients = open::open(url.text()?, &options, &environment.collect(), attempts::observed)?;
        for warning in &clients.warnings {
            warn(user, Text::of(warning));
        }
        *heeds_conditions = i32::from(clients.heeds_conditions);
        *store = Box::into_raw(Box::new(Arc::new(Store::new(root.text()?, clients))));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_close(store: *mut Arc<Store>) {
    let _ = guard(|| {
        drop(Box::from_raw(store));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_free_message(message: *mut c_char) {
    drop(CString::from_raw(message));
}

#[no_mangle]
pub extern "C" fn yummy_cloud_start_call(timeout_micros: i64) -> *mut Call {
    let timeout = u64::try_from(timeout_micros).ok().map(Duration::from_micros);
    Box::into_raw(Box::new(Call::new(timeout)))
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_cancel_call(call: *const Call) {
    (*call).cancel();
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_end_call(call: *mut Call) {
    drop(Box::from_raw(call));
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_get(
    store: *const Arc<Store>,
    call: *const Call,
    path: Text,
    offset: u64,
    length: u64,
    etag: Text,
    take: TakeBytes,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let range = (offset != 0 || length != u64::MAX).then_some(Range { offset, length });
        let sink = |bytes: &[u8]| take(user, Text { data: bytes.as_ptr(), size: bytes.len() }) != 0;
        (*store).get(&*call, path.text()?, range, etag.text()?, sink)
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_head(
    store: *const Arc<Store>,
    call: *const Call,
    path: Text,
    take: TakeObject,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let facts = (*store).head(&*call, path.text()?)?;
        take(user, &Object::of(&facts));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_put(
    store: *const Arc<Store>,
    call: *const Call,
    path: Text,
    bytes: Text,
    create: i32,
    take: TakeObject,
    user: *mut c_void,
) -> Status {
    guard(|| {
        // A copy: what the connection still holds of it when the call is given up must not be the caller's.
        let payload = PutPayload::from(bytes.bytes().to_vec());
        let facts = (*store).put(&*call, path.text()?, payload, effect_of(create))?;
        take(user, &Object::of(&facts));
        Ok(())
    })
}

pub struct OpenUpload {
    store: Arc<Store>,
    upload: Upload,
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_start_upload(
    store: *const Arc<Store>,
    path: Text,
    create: i32,
    upload: *mut *mut OpenUpload,
) -> Status {
    guard(|| {
        let store = Arc::clone(&*store);
        let started = Upload::new(&store, path.text()?, effect_of(create))?;
        *upload = Box::into_raw(Box::new(OpenUpload { store, upload: started }));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_write_upload(open: *mut OpenUpload, call: *const Call, bytes: Text) -> Status {
    guard(|| {
        let OpenUpload { store, upload } = &mut *open;
        upload.write(store, &*call, bytes.bytes())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_finish_upload(
    open: *mut OpenUpload,
    call: *const Call,
    take: TakeObject,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let OpenUpload { store, upload } = &mut *open;
        let facts = upload.finish(store, &*call)?;
        take(user, &Object::of(&facts));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_end_upload(open: *mut OpenUpload) {
    let _ = guard(|| {
        drop(Box::from_raw(open));
        Ok(())
    });
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_list(
    store: *const Arc<Store>,
    call: *const Call,
    prefix: Text,
    after: Text,
    delimiter: i32,
    limit: usize,
    take: TakeEntry,
    warn: TakeText,
    user: *mut c_void,
    has_more: *mut i32,
) -> Status {
    guard(|| {
        let options = ListOptions { prefix: prefix.bytes(), after: after.bytes(), delimiter: delimiter != 0, limit };
        let (entries, more) = (*store).list(&*call, options, |text| warn(user, Text::of(text)))?;
        for (name, facts) in &entries {
            let prefix = Object {
                path: Text::of(name),
                size_bytes: 0,
                modified_micros: 0,
                etag: Text::of(""),
                version: Text::of(""),
            };
            let object = facts.as_ref().map_or(prefix, Object::of);
            take(user, &object, i32::from(facts.is_none()));
        }
        *has_more = i32::from(more);
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_delete(
    store: *const Arc<Store>,
    call: *const Call,
    paths: *const Text,
    count: usize,
    take: TakeResult,
    user: *mut c_void,
) -> Status {
    guard(|| {
        let mut names = Vec::with_capacity(count);
        for i in 0..count {
            names.push((*paths.add(i)).text()?);
        }
        for (i, result) in (*store).delete(&*call, &names).into_iter().enumerate() {
            take(user, i, result.into());
        }
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn yummy_cloud_copy(
    store: *const Arc<Store>,
    call: *const Call,
    source: Text,
    target: Text,
) -> Status {
    guard(|| (*store).copy(&*call, source.text()?, target.text()?))
}
