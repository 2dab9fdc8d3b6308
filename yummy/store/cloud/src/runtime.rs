//! The one tokio runtime. It is made at the first use, so that a process may fork before. A forked child cannot use it,
//! because the threads do not exist there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::{Code, Failure};

/// The workers only move bytes and do TLS. The caller's threads do the rest.
const WORKERS_MIN: usize = 2;
const WORKERS_MAX: usize = 4;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
static IS_FORKED_CHILD: AtomicBool = AtomicBool::new(false);

extern "C" fn mark_child() {
    IS_FORKED_CHILD.store(true, Ordering::Relaxed);
}

/// Signals must go to the program's own threads, and a write to a broken connection must not end the program.
fn block_signals() {
    // SAFETY: the set is filled before it is read.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
    }
}

fn start() -> Result<Runtime, String> {
    let _ = rustls::crypto::ring::default_provider().install_default(); // fails when there is one already: as good
    // SAFETY: the handler only stores to an atomic.
    if unsafe { libc::pthread_atfork(None, None, Some(mark_child)) } != 0 {
        return Err("pthread_atfork failed".to_string());
    }
    let cores = std::thread::available_parallelism().map_or(WORKERS_MIN, |count| count.get());
    Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(WORKERS_MIN, WORKERS_MAX))
        .thread_name("cloud")
        .on_thread_start(block_signals)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

pub fn runtime() -> Result<&'static Runtime, Failure> {
    if IS_FORKED_CHILD.load(Ordering::Relaxed) {
        return Err(Failure::new(
            Code::Unsupported,
            "a store in the cloud was used before this process was forked: open stores after the fork",
        ));
    }
    RUNTIME.get_or_init(start).as_ref().map_err(|text| {
        Failure::new(Code::ResourceExhausted, format!("cannot start the threads of the stores in the cloud: {text}"))
    })
}
