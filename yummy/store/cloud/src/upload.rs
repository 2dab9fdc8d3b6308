//! A streaming upload. A small one is a single request. A larger one is sent in parts, some of which are in flight
//! while the next one is written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload};
use tokio::task::JoinSet;

use crate::attempts::Attempts;
use crate::failure::{Code, Effect, Failure};
use crate::runtime::runtime;
use crate::store::{Call, Facts, Store};

const PART_BYTES_MIN: usize = 8 << 20;
/// S3 takes at most 10,000 parts. After so many parts the size of a part doubles, so that no object is too large.
const PARTS_OF_ONE_SIZE: usize = 1000;
const PARTS_AT_ONCE: usize = 4;
/// The abort of an upload is sent to the store, and the caller waits at most this long for it. If it takes longer,
/// nobody waits for further aborts of this store until it ends.
const ABORT_WAIT: Duration = Duration::from_secs(2);
const ABORT_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Upload {
    path: String,
    key: Path,
    effect: Effect,
    size_bytes: u64,
    buffer: Vec<u8>,
    parts: JoinSet<(object_store::Result<()>, Attempts)>,
    parts_started: usize,
    multipart: Option<Box<dyn MultipartUpload>>,
    failed: Option<Failure>,
    late_aborts: Arc<AtomicUsize>,
}

impl Upload {
    pub fn new(store: &Store, path: &str, effect: Effect) -> Result<Self, Failure> {
        Ok(Self {
            path: path.to_string(),
            key: store.key(path)?,
            effect,
            size_bytes: 0,
            buffer: Vec::new(),
            parts: JoinSet::new(),
            parts_started: 0,
            multipart: None,
            failed: None,
            late_aborts: store.late_aborts.clone(),
        })
    }

    fn part_bytes(&self) -> usize {
        PART_BYTES_MIN << (self.parts_started / PARTS_OF_ONE_SIZE)
    }

    pub fn write(&mut self, store: &Store, call: &Call, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            // A part is sent only when more bytes come, because an upload that fits into one part is a single put.
            if self.buffer.len() == self.part_bytes() {
                self.flush(store, call)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.part_bytes() - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            self.size_bytes += now.len() as u64;
            bytes = later;
        }
        self.check(store, call)
    }

    /// Makes the object visible. Whatever the outcome, the upload cannot be used any further.
    pub fn finish(&mut self, store: &Store, call: &Call) -> Result<Facts, Failure> {
        self.check(store, call)?;
        if self.multipart.is_none() {
            let bytes = Bytes::from(std::mem::take(&mut self.buffer));
            let result = store.put(call, &self.path, PutPayload::from(bytes.clone()), self.effect);
            return result.or_else(|failure| self.settle(store, call, failure, &bytes));
        }
        self.flush(store, call)?;
        self.wait_for_parts(store, call, 0)?;
        let completion = store.clients().completion.clone().filter(|_| self.effect == Effect::Create);
        if self.effect == Effect::Create && completion.is_none() {
            // The last request cannot have a condition. Names of data files are unique, so this check only catches
            // mistakes.
            match store.head(call, &self.path) {
                Ok(_) => return Err(Failure::new(Code::AlreadyExists, format!("the object {} exists already", self.path))),
                Err(failure) if failure.code == Code::NotFound => {}
                Err(failure) => return Err(failure),
            }
        }
        let effect = if completion.is_some() { Effect::Create } else { Effect::Change };
        let retries_max = store.clients().retries_max;
        let attempts = match completion {
            Some(completion) => Attempts::with_completion(retries_max, completion),
            None => Attempts::new(retries_max),
        };
        let operation = store.operation("complete", &self.path, effect);
        let (path, size_bytes) = (&self.path, self.size_bytes);
        let Some(multipart) = &mut self.multipart else { unreachable!("parts were sent") };
        let facts = store.perform(call, operation, &attempts, async {
            Ok(Facts::of_put(path, size_bytes, multipart.complete().await?))
        })?;
        self.multipart = None;
        Ok(facts)
    }

    /// If the outcome of a put is unknown and the object now has its bytes, the put was applied.
    fn settle(&self, store: &Store, call: &Call, failure: Failure, mut bytes: &[u8]) -> Result<Facts, Failure> {
        if failure.code != Code::OutcomeUnknown {
            return Err(failure);
        }
        let Ok(facts) = store.head(call, &self.path) else { return Err(failure) };
        let read = store.get(call, &self.path, None, &facts.etag, |piece| match bytes.strip_prefix(piece) {
            Some(rest) => {
                bytes = rest;
                true
            }
            None => false,
        });
        if read.is_ok() && bytes.is_empty() { Ok(facts) } else { Err(failure) }
    }

    /// Errors: that of an earlier failure of the upload, or that the call was given up.
    fn check(&mut self, store: &Store, call: &Call) -> Result<(), Failure> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        let operation = store.operation("write", &self.path, Effect::None);
        let checked = store.perform(call, operation, &store.attempts(), async { Ok(()) });
        self.remember(checked)
    }

    /// After an error the object has a gap: the upload cannot go on.
    fn remember<T>(&mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &result {
            self.failed = Some(failure.clone());
            self.parts.abort_all();
        }
        result
    }

    /// Sends what is in the buffer as a part.
    fn flush(&mut self, store: &Store, call: &Call) -> Result<(), Failure> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        if self.multipart.is_none() {
            let operation = store.operation("begin to write", &self.path, Effect::None);
            let started = store.perform(call, operation, &store.attempts(), async {
                Ok(store.clients().objects.put_multipart_opts(&self.key, Default::default()).await?)
            });
            self.multipart = Some(self.remember(started)?);
        }
        self.wait_for_parts(store, call, PARTS_AT_ONCE - 1)?;
        let Some(multipart) = &mut self.multipart else { unreachable!("it was started above") };
        let part = multipart.put_part(PutPayload::from(std::mem::take(&mut self.buffer)));
        let attempts = store.attempts();
        self.parts.spawn_on(async move { (attempts.observe(part).await, attempts) }, runtime()?.handle());
        self.parts_started += 1;
        Ok(())
    }

    /// Waits until at most `count` parts are in flight.
    fn wait_for_parts(&mut self, store: &Store, call: &Call, count: usize) -> Result<(), Failure> {
        while self.parts.len() > count {
            let operation = store.operation("write a part", &self.path, Effect::None);
            let parts = &mut self.parts;
            let ended = store.perform(call, operation, &store.attempts(), async {
                match parts.join_next().await {
                    None | Some(Ok((Ok(()), _))) => Ok(()),
                    Some(Ok((Err(error), attempts))) => Err(operation.failure(&error, &attempts.seen()).into()),
                    Some(Err(error)) => Err(Failure::new(Code::Internal, format!("a part was lost: {error}")).into()),
                }
            });
            self.remember(ended)?;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.parts.abort_all();
        // In a forked child the upload belongs to the parent.
        let (Some(mut multipart), Ok(runtime)) = (self.multipart.take(), runtime()) else { return };
        let mut parts = std::mem::take(&mut self.parts);
        let mut abort = runtime.spawn(async move {
            // A part that arrived after the abort would stay in the store.
            while parts.join_next().await.is_some() {}
            let _ = tokio::time::timeout(ABORT_TIMEOUT, multipart.abort()).await;
        });
        if self.late_aborts.load(Ordering::Relaxed) > 0 {
            return;
        }
        if runtime.block_on(async { tokio::time::timeout(ABORT_WAIT, &mut abort).await }).is_err() {
            let late_aborts = self.late_aborts.clone();
            late_aborts.fetch_add(1, Ordering::Relaxed);
            runtime.spawn(async move {
                let _ = abort.await;
                late_aborts.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}
