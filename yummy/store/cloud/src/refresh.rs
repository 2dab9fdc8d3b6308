//! Credentials that expire. One fetch serves all who wait; a renewal begins before they expire; if it fails, the
//! current ones are used until they expire.

use async_trait::async_trait;
use object_store::CredentialProvider;
use std::fmt::Debug;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

/// A request is signed once, but may take as long as its retries. So credentials that expire within this time are
/// renewed first.
const MARGIN_MAX: Duration = Duration::from_secs(300);
/// The pause after a failed renewal while the credentials are still valid.
const PAUSE: Duration = Duration::from_secs(10);

/// Why there are no credentials. Shown to the user; without secrets.
#[derive(Clone, Debug)]
pub enum NoCredentials {
    /// Somebody said no, or there is nothing to ask with.
    Denied(String),
    /// Nobody answered, or not in a form that makes sense.
    Unavailable(String),
}

impl NoCredentials {
    pub fn prefixed(self, prefix: &str) -> Self {
        match self {
            NoCredentials::Denied(text) => NoCredentials::Denied(format!("{prefix}: {text}")),
            NoCredentials::Unavailable(text) => NoCredentials::Unavailable(format!("{prefix}: {text}")),
        }
    }
}

impl std::fmt::Display for NoCredentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoCredentials::Denied(text) | NoCredentials::Unavailable(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for NoCredentials {}

impl From<NoCredentials> for object_store::Error {
    fn from(failure: NoCredentials) -> Self {
        match failure {
            NoCredentials::Denied(_) => Self::Unauthenticated { path: "credentials".into(), source: Box::new(failure) },
            NoCredentials::Unavailable(_) => Self::Generic { store: "credentials", source: Box::new(failure) },
        }
    }
}

#[derive(Debug)]
pub struct Lease<T> {
    pub value: Arc<T>,
    pub expires: Option<Instant>,
}

impl<T> Clone for Lease<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), expires: self.expires }
    }
}

#[async_trait]
pub trait Source: Debug + Send + Sync + 'static {
    type Credential: Debug + Send + Sync;
    async fn fetch(&self) -> Result<Lease<Self::Credential>, NoCredentials>;
}

#[derive(Debug)]
pub struct Refreshing<S: Source>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S: Source> {
    source: S,
    current: RwLock<Option<Held<S::Credential>>>,
    // Locked while somebody fetches. All who waited for a fetch get its failure.
    last_failure: tokio::sync::Mutex<Option<(Instant, NoCredentials)>>,
}

#[derive(Debug)]
struct Held<T> {
    lease: Lease<T>,
    refresh_at: Option<Instant>,
}

impl<S: Source> Refreshing<S> {
    pub fn new(source: S) -> Self {
        Self(Arc::new(Shared { source, current: RwLock::new(None), last_failure: tokio::sync::Mutex::new(None) }))
    }

    pub async fn get(&self) -> Result<Lease<S::Credential>, NoCredentials> {
        if let Some((lease, true)) = self.0.held() {
            return Ok(lease);
        }
        let arrived = Instant::now();
        // The fetch is a task of its own. A waiter may give up, and the fetch then still serves the next request.
        let shared = self.0.clone();
        let task = tokio::spawn(async move { shared.get(arrived).await });
        task.await.unwrap_or_else(|_| Err(NoCredentials::Unavailable("the fetch of credentials broke off".into())))
    }
}

impl<S: Source> Shared<S> {
    // The current credentials, and true if they need no renewal yet.
    fn held(&self) -> Option<(Lease<S::Credential>, bool)> {
        let current = self.current.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let held = current.as_ref()?;
        let now = Instant::now();
        if held.lease.expires.is_some_and(|expires| expires <= now) {
            return None;
        }
        Some((held.lease.clone(), held.refresh_at.is_none_or(|at| now < at)))
    }

    fn hold(&self, lease: Lease<S::Credential>, refresh_at: Option<Instant>) {
        *self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Held { lease, refresh_at });
    }

    async fn get(&self, arrived: Instant) -> Result<Lease<S::Credential>, NoCredentials> {
        let mut last_failure = match self.held() {
            Some((lease, true)) => return Ok(lease),
            // Somebody renews them already, and these are still valid.
            Some((lease, false)) => match self.last_failure.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(lease),
            },
            None => self.last_failure.lock().await,
        };
        let held = self.held();
        if let Some((lease, true)) = held {
            return Ok(lease);
        }
        if let Some((_, failure)) = last_failure.as_ref().filter(|(at, _)| *at >= arrived) {
            return Err(failure.clone());
        }
        match self.source.fetch().await {
            Ok(lease) => {
                let now = Instant::now();
                let refresh_at = lease.expires.map(|expires| {
                    let lifetime = expires.saturating_duration_since(now);
                    now + lifetime - MARGIN_MAX.min(lifetime / 4)
                });
                self.hold(lease.clone(), refresh_at);
                *last_failure = None;
                Ok(lease)
            }
            Err(failure) => {
                let now = Instant::now();
                *last_failure = Some((now, failure.clone()));
                match held {
                    Some((lease, _)) if lease.expires.is_some_and(|expires| expires > now) => {
                        self.hold(lease.clone(), Some(now + PAUSE));
                        Ok(lease)
                    }
                    _ => Err(failure),
                }
            }
        }
    }
}

#[async_trait]
impl<S: Source> CredentialProvider for Refreshing<S> {
    type Credential = S::Credential;

    async fn get_credential(&self) -> object_store::Result<Arc<S::Credential>> {
        Ok(self.get().await?.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    // Counts its calls; takes some time for each; fails from the call `fails_from` on.
    #[derive(Debug)]
    struct Counting {
        calls: AtomicU32,
        lifetime: Duration,
        takes: Duration,
        fails_from: u32,
    }

    #[async_trait]
    impl Source for Counting {
        type Credential = u32;
        async fn fetch(&self) -> Result<Lease<u32>, NoCredentials> {
            let call = self.calls.fetch_add(1, SeqCst);
            tokio::time::sleep(self.takes).await;
            match call >= self.fails_from {
                true => Err(NoCredentials::Denied(format!("call {call}"))),
                false => Ok(Lease { value: Arc::new(call), expires: Some(Instant::now() + self.lifetime) }),
            }
        }
    }

    fn slow(lifetime_ms: u64, takes_ms: u64, fails_from: u32) -> Arc<Refreshing<Counting>> {
        let (lifetime, takes) = (Duration::from_millis(lifetime_ms), Duration::from_millis(takes_ms));
        Arc::new(Refreshing::new(Counting { calls: AtomicU32::new(0), lifetime, takes, fails_from }))
    }

    fn refreshing(lifetime_ms: u64, fails_from: u32) -> Arc<Refreshing<Counting>> {
        slow(lifetime_ms, 20, fails_from)
    }

    fn run<F: std::future::Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(future)
    }

    async fn many(refreshing: &Arc<Refreshing<Counting>>) -> Vec<Result<u32, String>> {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let refreshing = refreshing.clone();
                tokio::spawn(async move { refreshing.get().await.map(|lease| *lease.value).map_err(|f| f.to_string()) })
            })
            .collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    }

    #[test]
    fn one_fetch_serves_all_who_wait() {
        let refreshing = refreshing(60_000, 9);
        let results = run(many(&refreshing));
        assert!(results.iter().all(|result| result == &Ok(0)), "{results:?}");
        assert_eq!(refreshing.0.source.calls.load(SeqCst), 1);
    }

    #[test]
    fn a_fetch_outlives_those_who_wait_for_it() {
        let refreshing = slow(60_000, 300, 9);
        run(async {
            for _ in 0..2 {
                let late = tokio::time::timeout(Duration::from_millis(100), refreshing.get()).await;
                assert!(late.is_err(), "{late:?}");
            }
            assert_eq!(*refreshing.get().await.unwrap().value, 0);
            assert_eq!(refreshing.0.source.calls.load(SeqCst), 1);
        });
    }

    #[test]
    fn one_failure_serves_all_who_wait_and_the_next_asks_again() {
        let refreshing = refreshing(60_000, 0);
        run(async {
            let results = many(&refreshing).await;
            assert!(results.iter().all(Result::is_err), "{results:?}");
            assert!(refreshing.0.source.calls.load(SeqCst) <= 2, "{:?}", refreshing.0.source.calls);
            let before = refreshing.0.source.calls.load(SeqCst);
            refreshing.get().await.unwrap_err();
            assert_eq!(refreshing.0.source.calls.load(SeqCst), before + 1);
        });
    }

    #[test]
    fn refreshes_before_the_end_and_waits_for_nobody_meanwhile() {
        let refreshing = refreshing(800, 9);
        run(async {
            assert_eq!(*refreshing.get().await.unwrap().value, 0);
            tokio::time::sleep(Duration::from_millis(650)).await; // of 800, the last quarter
            let results = many(&refreshing).await;
            assert_eq!(refreshing.0.source.calls.load(SeqCst), 2);
            assert!(results.iter().filter(|result| **result == Ok(1)).count() >= 1, "{results:?}");
            assert!(results.iter().all(Result::is_ok), "{results:?}");
        });
    }

    #[test]
    fn keeps_what_holds_when_a_refresh_fails() {
        let refreshing = refreshing(400, 1);
        run(async {
            assert_eq!(*refreshing.get().await.unwrap().value, 0);
            tokio::time::sleep(Duration::from_millis(310)).await;
            assert_eq!(*refreshing.get().await.unwrap().value, 0);
            assert_eq!(refreshing.0.source.calls.load(SeqCst), 2);
            assert_eq!(*refreshing.get().await.unwrap().value, 0); // within the pause
            assert_eq!(refreshing.0.source.calls.load(SeqCst), 2);
            tokio::time::sleep(Duration::from_millis(120)).await; // expired
            refreshing.get().await.unwrap_err();
            assert_eq!(refreshing.0.source.calls.load(SeqCst), 3);
        });
    }
}
