//! The operations of one store. Each blocks the calling thread, which also runs the code of the operation and its
//! callbacks. The threads of the runtime only move bytes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{CopyOptions, GetOptions, GetRange, ObjectMeta, PutMode, PutPayload};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::attempts::{Attempts, Ending, Seen};
use crate::failure::{Code, Effect, Failure, Operation, Stop};
use crate::location::Vendor;
use crate::open::Clients;
use crate::runtime::runtime;

/// A page of a list, as large as S3 makes them.
const PAGE_KEYS_MAX: usize = 1000;
/// The number of requests for deletion that are in flight at once.
const DELETES_AT_ONCE: usize = 8;
const DELETE_TRIES: u32 = 3;
const DELETE_PAUSE: Duration = Duration::from_millis(200);
/// Sorts after every character with which a name may continue.
const LAST_CHARACTER: char = char::MAX;

/// When to give up an operation.
#[derive(Debug)]
pub struct Call {
    deadline: Option<Instant>,
    is_cancelled: AtomicBool,
    wake: Notify,
}

impl Call {
    pub fn new(timeout: Option<Duration>) -> Self {
        // A time beyond the range of the clock counts as none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { deadline, is_cancelled: AtomicBool::new(false), wake: Notify::new() }
    }

    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    async fn stopped(&self) -> Stop {
        let cancelled = async {
            while !self.is_cancelled.load(Ordering::Acquire) {
                self.wake.notified().await;
            }
        };
        let Some(deadline) = self.deadline else {
            cancelled.await;
            return Stop::Cancelled;
        };
        tokio::select! {
            biased;
            () = cancelled => Stop::Cancelled,
            () = tokio::time::sleep_until(deadline) => Stop::Deadline,
        }
    }
}

/// Why an operation failed: because of the store or because of us.
pub enum Problem {
    Store(object_store::Error),
    Ours(Failure),
}

impl From<object_store::Error> for Problem {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Ours(failure)
    }
}

/// What the store says about an object. The answer to a put has no size and time.
pub struct Facts {
    pub path: String,
    pub size_bytes: u64,
    pub modified_micros: i64,
    pub etag: String,
    pub version: String,
}

impl Facts {
    fn of(path: String, meta: ObjectMeta) -> Self {
        Self {
            path,
            size_bytes: meta.size,
            modified_micros: meta.last_modified.timestamp_micros(),
            etag: plain_etag(meta.e_tag),
            version: meta.version.unwrap_or_default(),
        }
    }

    pub fn of_put(path: &str, size_bytes: u64, result: object_store::PutResult) -> Self {
        Self {
            path: path.to_string(),
            size_bytes,
            modified_micros: 0,
            etag: plain_etag(result.e_tag),
            version: result.version.unwrap_or_default(),
        }
    }
}

/// The etag without quotes, so that it is the same from a header and from a list. One store leaves out the quotes in
/// lists.
fn plain_etag(etag: Option<String>) -> String {
    let etag = etag.unwrap_or_default();
    let inner = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map(str::to_string).unwrap_or(etag)
}

pub struct Range {
    pub offset: u64,
    pub length: u64,
}

/// Names of objects are UTF-8, but a prefix, and the place to continue a list, may end within a character.
pub struct ListOptions<'a> {
    pub prefix: &'a [u8],
    pub after: &'a [u8],
    pub delimiter: bool,
    pub limit: usize,
}

/// The part that is UTF-8. Only that can be sent to a store, which then may list more than was meant.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| text_of(&bytes[..error.valid_up_to()]))
}

pub struct Store {
    root: String,
    clients: Clients,
    has_told_of_left_out: AtomicBool,
    /// Uploads whose abort takes longer than the time to wait for it.
    pub late_aborts: Arc<AtomicUsize>,
}

impl Store {
    pub fn new(root: &str, clients: Clients) -> Self {
        let root = root.to_string();
        Self { root, clients, has_told_of_left_out: AtomicBool::new(false), late_aborts: Arc::default() }
    }

    pub fn vendor(&self) -> Vendor {
        self.clients.vendor
    }

    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.clients.retries_max)
    }

    pub fn operation<'a>(&'a self, verb: &'static str, path: &'a str, effect: Effect) -> Operation<'a> {
        Operation { vendor: self.vendor(), root: &self.root, verb, path, effect }
    }

    /// Runs an operation to its end, the deadline or a cancellation. Requests in flight are then dropped.
    pub fn perform<T>(
        &self,
        call: &Call,
        operation: Operation<'_>,
        attempts: &Attempts,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Failure> {
        runtime()?.block_on(async {
            tokio::select! {
                biased;
                stop = call.stopped() => Err(operation.stopped(&attempts.seen(), stop)),
                result = attempts.observe(work) => result.map_err(|problem| match problem {
                    Problem::Store(error) => operation.failure(&error, &attempts.seen()),
                    Problem::Ours(failure) => failure,
                }),
            }
        })
        .map_err(|failure: Failure| self.clean(failure))
    }

    /// Masks secrets in the failure, because servers repeat what was sent to them.
    pub fn clean(&self, failure: Failure) -> Failure {
        Failure { message: self.clients.secrets.clean(&failure.message), ..failure }
    }

    fn full(&self, path: &str) -> String {
        if self.clients.base.is_empty() { path.to_string() } else { format!("{}/{path}", self.clients.base) }
    }

    /// The path below the root of a key, if it is below it.
    fn relative<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.clients.base.is_empty() { Some(key) } else { key.strip_prefix(&self.clients.base)?.strip_prefix('/') }
    }

    pub fn key(&self, path: &str) -> Result<Path, Failure> {
        // As it is: `Path::from` would escape what is escaped already.
        Path::parse(self.full(path)).map_err(|_| Failure::new(Code::InvalidArgument, format!("no key of a store: {path}")))
    }

    /// Passes the bytes to `sink` as they come, until it refuses them.
    pub fn get(
        &self,
        call: &Call,
        path: &str,
        range: Option<Range>,
        etag: &str,
        mut sink: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Failure> {
        let key = self.key(path)?;
        let operation = self.operation("read", path, Effect::None);
        let attempts = self.attempts();
        let has_range = range.is_some();
        let start = range.as_ref().map_or(0, |range| range.offset);
        let range = range.map(|range| match range.offset.checked_add(range.length) {
            Some(end) if end <= i64::MAX as u64 => GetRange::Bounded(range.offset..end),
            _ => GetRange::Offset(range.offset),
        });
        let if_match = match etag {
            "" => None,
            weak if weak.starts_with("W/") => Some(weak.to_string()),
            strong => Some(format!("\"{strong}\"")),
        };
        let result = self.perform(call, operation, &attempts, async {
            let options = GetOptions { range, if_match, ..GetOptions::default() };
            let result = self.clients.objects.get_opts(&key, options).await?;
            let expected = result.range.end - result.range.start;
            let mut found = 0;
            let mut stream = result.into_stream();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk?;
                found += chunk.len() as u64;
                if found > expected || !sink(&chunk) {
                    return Err(operation.wrong_length(&attempts.seen(), expected, found).into());
                }
            }
            if found < expected {
                return Err(operation.wrong_length(&attempts.seen(), expected, found).into());
            }
            Ok(())
        });
        // The range begins after the end of the object. Stores answer 416; Azurite sends no bytes.
        let is_behind = match attempts.seen().last {
            Some(Ending::Answer { status: 416, .. }) => true,
            Some(Ending::Answer { status: 206, size_bytes, .. }) => size_bytes.is_some_and(|size| size <= start),
            _ => false,
        };
        if result.is_err() && has_range && is_behind { Ok(()) } else { result }
    }

    pub fn head(&self, call: &Call, path: &str) -> Result<Facts, Failure> {
        let key = self.key(path)?;
        let attempts = self.attempts();
        self.perform(call, self.operation("look at", path, Effect::None), &attempts, async {
            let options = GetOptions { head: true, ..GetOptions::default() };
            let result = self.clients.objects.get_opts(&key, options).await?;
            Ok(Facts::of(path.to_string(), result.meta))
        })
    }

    pub fn put(&self, call: &Call, path: &str, bytes: PutPayload, effect: Effect) -> Result<Facts, Failure> {
        let key = self.key(path)?;
        let attempts = self.attempts();
        let size_bytes = bytes.content_length() as u64;
        let mode = if effect == Effect::Create { PutMode::Create } else { PutMode::Overwrite };
        self.perform(call, self.operation("write", path, effect), &attempts, async {
            let result = self.clients.objects.put_opts(&key, bytes, mode.into()).await?;
            Ok(Facts::of_put(path, size_bytes, result))
        })
    }

    pub fn copy(&self, call: &Call, source: &str, target: &str) -> Result<(), Failure> {
        let (source_key, target_key) = (self.key(source)?, self.key(target)?);
        let attempts = self.attempts();
        self.perform(call, self.operation("copy", source, Effect::Change), &attempts, async {
            Ok(self.clients.objects.copy_opts(&source_key, &target_key, CopyOptions::default()).await?)
        })
    }

    /// The entries, sorted by bytes: objects, and with a delimiter also prefixes, which have no facts. The second
    /// result says whether there are more. Keys that are not valid paths are left out, with a warning about the first
    /// one ever.
    pub fn list(
        &self,
        call: &Call,
        options: ListOptions<'_>,
        warn: impl FnOnce(&str),
    ) -> Result<(BTreeMap<String, Option<Facts>>, bool), Failure> {
        let operation = self.operation("list", text_of(options.prefix), Effect::None);
        let attempts = self.attempts();
        let listed = self.perform(call, operation, &attempts, async {
            let prefix = self.full(text_of(options.prefix));
            let mut entries = BTreeMap::new();
            let mut is_sorted = true; // false once a page is not in order
            let mut token = None;
            if let Some(facts) = self.object_of_the_prefix(&options).await? {
                entries.insert(facts.path.clone(), Some(facts));
            }
            loop {
                let page = self.clients.lists.list_paginated(
                    Some(prefix.as_str()).filter(|prefix| !prefix.is_empty()),
                    PaginatedListOptions {
                        offset: self.offset(&options),
                        delimiter: options.delimiter.then_some("/".into()),
                        max_keys: (options.limit > 0).then(|| options.limit.saturating_add(1).min(PAGE_KEYS_MAX)),
                        page_token: token.take(),
                        ..PaginatedListOptions::default()
                    },
                );
                let page = page.await?;
                let found = self.entries(page.result, &options);
                let last = entries.last_key_value().map(|(name, _)| name);
                is_sorted = is_sorted && found.first_key_value().map(|(name, _)| name) > last || found.is_empty();
                entries.extend(found);
                token = page.page_token;
                let has_enough = options.limit > 0 && entries.len() > options.limit && is_sorted;
                if token.is_none() || has_enough {
                    break;
                }
            }
            let has_more = options.limit > 0 && entries.len() > options.limit;
            if has_more {
                let beyond = entries.keys().nth(options.limit).cloned().unwrap_or_default();
                entries.split_off(&beyond);
            }
            Ok((entries, has_more))
        });
        if let Some(key) = attempts.seen().left_out {
            if !self.has_told_of_left_out.swap(true, Ordering::Relaxed) {
                warn(&format!("the key {key:?} is no path, and left out of lists, as all such keys are"));
            }
        }
        listed
    }

    /// In a list of Azure, object_store leaves out the object whose key equals the prefix.
    async fn object_of_the_prefix(&self, options: &ListOptions<'_>) -> Result<Option<Facts>, Problem> {
        let name = std::str::from_utf8(options.prefix).unwrap_or("");
        if self.vendor() != Vendor::Azure || name.is_empty() || name.ends_with('/') || options.after >= options.prefix {
            return Ok(None);
        }
        let get = GetOptions { head: true, ..GetOptions::default() };
        let Ok(key) = self.key(name) else { return Ok(None) };
        match self.clients.objects.get_opts(&key, get).await {
            Ok(result) => Ok(Some(Facts::of(name.to_string(), result.meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key after which the store should begin. A folder that was already listed is skipped with everything in it.
    fn offset(&self, options: &ListOptions<'_>) -> Option<String> {
        if options.after.is_empty() || options.after < options.prefix {
            return None;
        }
        let after = self.full(text_of(options.after));
        let is_folder = options.delimiter && options.after.ends_with(b"/");
        Some(if is_folder { format!("{after}{LAST_CHARACTER}") } else { after })
    }

    fn entries(&self, page: object_store::ListResult, options: &ListOptions<'_>) -> BTreeMap<String, Option<Facts>> {
        let mut entries = BTreeMap::new();
        // A store that has no offset, or includes it, lists further entries.
        let is_asked_for = |name: &str| name.as_bytes().starts_with(options.prefix) && name.as_bytes() > options.after;
        for meta in page.objects {
            let key = meta.location.to_string();
            if let Some(path) = self.relative(&key).filter(|path| is_asked_for(path)) {
                entries.insert(path.to_string(), Some(Facts::of(path.to_string(), meta)));
            }
        }
        for prefix in page.common_prefixes {
            let key = format!("{prefix}/");
            if let Some(path) = self.relative(&key).filter(|path| is_asked_for(path)) {
                entries.insert(path.to_string(), None);
            }
        }
        entries
    }

    /// One result per path, in their order.
    pub fn delete(&self, call: &Call, paths: &[&str]) -> Vec<Result<(), Failure>> {
        let group_size = self.clients.deletes_at_once;
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(failure) => return paths.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mut results: Vec<Option<Result<(), Failure>>> = vec![None; paths.len()];
        let stop = runtime.block_on(async {
            let work = async {
                let mut ends = futures_util::stream::iter(paths.chunks(group_size).enumerate())
                    .map(|(number, group)| async move { (number, self.delete_group(group).await) })
                    .buffer_unordered(DELETES_AT_ONCE);
                while let Some((number, ends)) = ends.next().await {
                    for (i, end) in ends.into_iter().enumerate() {
                        results[number * group_size + i] = Some(end);
                    }
                }
            };
            tokio::select! {
                biased;
                stop = call.stopped() => stop,
                () = work => Stop::Cancelled, // all is done, so no path is left that gets this result
            }
        });
        // It is not known whether the others were applied. A deletion may be repeated.
        let stopped = |path: &str| self.operation("delete", path, Effect::None).stopped(&Seen::default(), stop);
        results.into_iter().zip(paths).map(|(result, path)| result.unwrap_or_else(|| Err(stopped(path)))).collect()
    }

    /// Deletes with one request. It is sent again for paths that may then succeed.
    async fn delete_group(&self, group: &[&str]) -> Vec<Result<(), Failure>> {
        let mut results = self.delete_once(group).await;
        for tried in 1..DELETE_TRIES.min(self.clients.retries_max.saturating_add(1)) {
            // If the whole request failed, object_store has already retried it.
            let may_succeed = |failure: &Failure| failure.is_retryable && failure.http_status < 400;
            let again = (0..group.len()).filter(|i| results[*i].as_ref().is_err_and(may_succeed));
            let again: Vec<usize> = again.collect();
            if again.is_empty() {
                break;
            }
            tokio::time::sleep(DELETE_PAUSE * tried).await;
            let paths: Vec<&str> = again.iter().map(|i| group[*i]).collect();
            for (i, result) in again.into_iter().zip(self.delete_once(&paths).await) {
                results[i] = result;
            }
        }
        results
    }

    async fn delete_once(&self, group: &[&str]) -> Vec<Result<(), Failure>> {
        let keys: Result<Vec<Path>, Failure> = group.iter().map(|path| self.key(path)).collect();
        let keys = match keys {
            Ok(keys) => keys,
            Err(failure) => return group.iter().map(|_| Err(failure.clone())).collect(),
        };
        let attempts = self.attempts();
        let stream = futures_util::stream::iter(keys.clone().into_iter().map(Ok)).boxed();
        let ends: Vec<_> = attempts.observe(self.clients.objects.delete_stream(stream).collect()).await;
        let seen = attempts.seen();
        // A single error is about the whole request.
        let is_of_all = ends.len() != group.len();
        let end_of = |i: usize, path: &str| {
            let operation = self.operation("delete", path, Effect::Change);
            match ends.get(if is_of_all { 0 } else { i }) {
                None => return Err(Failure::new(Code::Internal, "a deletion has no result")),
                Some(Ok(_) | Err(object_store::Error::NotFound { .. })) => {}
                Some(Err(error)) => return Err(operation.failure(error, &seen)),
            }
            match seen.refused.iter().find(|refused| refused.key == keys[i].as_ref()) {
                Some(refused) if refused.code != "NoSuchKey" => Err(operation.refused(&refused.code, &seen)),
                _ => Ok(()),
            }
        };
        group.iter().enumerate().map(|(i, path)| end_of(i, path).map_err(|failure| self.clean(failure))).collect()
    }
}
