//! Runs programs that print credentials: without a shell, and with a limit on time and output.

use crate::refresh::NoCredentials;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const OUTPUT_BYTES_MAX: u64 = 256 * 1024;
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The standard output of the program. Its standard error is dropped, because it may hold secrets.
pub async fn run(words: Vec<String>, timeout: Duration) -> Result<Vec<u8>, NoCredentials> {
    let task = tokio::task::spawn_blocking(move || run_blocking(&words, timeout));
    task.await.unwrap_or_else(|_| Err(NoCredentials::Unavailable("the program could not be waited for".into())))
}

fn run_blocking(words: &[String], timeout: Duration) -> Result<Vec<u8>, NoCredentials> {
    let (program, arguments) =
        words.split_first().ok_or_else(|| NoCredentials::Denied("the command of the program is empty".into()))?;
    let start = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0); // to end what it started as well
    // SAFETY: a plain system call is all that runs between fork and exec.
    unsafe { command.pre_exec(keep_descriptors_back) };
    let mut child = command
        .spawn()
        .map_err(|error| NoCredentials::Unavailable(format!("the program could not be started: {}", error.kind())))?;
    let mut stdout = child.stdout.take().expect("a pipe");
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.by_ref().take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut output);
        let _ = send.send(read.map(|_| output)); // nobody receives after the time-out
    });
    let output = receive.recv_timeout(timeout);
    let mut ended = matches!(&output, Ok(Ok(output)) if output.len() as u64 <= OUTPUT_BYTES_MAX);
    while ended && matches!(child.try_wait(), Ok(None)) {
        // It closed its output and goes on.
        ended = start.elapsed() < timeout;
        std::thread::sleep(Duration::from_millis(5));
    }
    if !ended {
        let group = i32::try_from(child.id()).expect("a process id");
        // SAFETY: a plain system call; the child is not waited for yet, so that the id is its own.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    let status =
        child.wait().map_err(|error| NoCredentials::Unavailable(format!("the program was lost: {}", error.kind())))?;
    let too_late = || NoCredentials::Unavailable(format!("the program did not end within {} s", timeout.as_secs()));
    match output {
        Ok(Ok(_)) if !ended && start.elapsed() >= timeout => Err(too_late()),
        Err(_) => Err(too_late()),
        Ok(Err(error)) => Err(NoCredentials::Unavailable(format!("the program's output: {}", error.kind()))),
        Ok(Ok(output)) if output.len() as u64 > OUTPUT_BYTES_MAX => {
            Err(NoCredentials::Unavailable(format!("the program wrote more than {} KiB", OUTPUT_BYTES_MAX / 1024)))
        }
        Ok(Ok(_)) if !status.success() => {
            Err(NoCredentials::Denied(format!("the program ended with {status}: run it by hand to see what it says")))
        }
        Ok(Ok(output)) => Ok(output),
    }
}

/// Keeps the server's descriptors out of the program. Programs that it starts may live long, and a socket of the server
/// would stay in use. A kernel before 5.11 does not have the flag.
fn keep_descriptors_back() -> std::io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: it closes nothing here, and touches no memory.
    unsafe { libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, flags) };
    Ok(())
}

/// The words of a command line: blanks separate, quotes and backslashes keep them, and nothing is expanded.
pub fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(characters.next()?),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (quote.is_none() && !words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words() {
        let words = |command| split(command).unwrap_or_default();
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(
            words(r#"'/opt/my tool' --name "a \"b\" $HOME" c\ d ''"#),
            ["/opt/my tool", "--name", "a \"b\" $HOME", "c d", ""]
        );
        assert_eq!(words("a'b'c;d|e"), ["abc;d|e"]);
        for bad in ["", "  ", "a 'b", "a \"b", "a\\"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    fn run_sh(script: &str, timeout_ms: u64) -> Result<Vec<u8>, NoCredentials> {
        let words = ["sh", "-c", script].map(str::to_owned);
        run_blocking(&words, Duration::from_millis(timeout_ms))
    }

    #[test]
    fn takes_what_is_printed() {
        assert_eq!(run_sh("echo out; echo CANARY >&2", 10_000).unwrap(), b"out\n");
    }

    #[test]
    fn refuses_what_fails_without_its_output() {
        let failure = run_sh("echo CANARY; echo CANARY >&2; exit 3", 10_000).unwrap_err();
        assert!(matches!(failure, NoCredentials::Denied(_)), "{failure}");
        assert!(failure.to_string().contains("3") && !failure.to_string().contains("CANARY"), "{failure}");
        let absent = run_blocking(&["/no/such/CANARY".into()], TIMEOUT).unwrap_err();
        assert!(!absent.to_string().contains("CANARY"), "{absent}");
    }

    #[test]
    fn hands_on_no_descriptor() {
        use std::os::fd::AsRawFd;
        let file = std::fs::File::open("/dev/null").unwrap();
        // SAFETY: a plain system call, on a descriptor that is open. The copy is one that a program would inherit.
        let copy = unsafe { libc::dup(file.as_raw_fd()) };
        let output = run_sh(&format!("test -e /proc/self/fd/{copy} && echo there; echo end"), 10_000);
        // SAFETY: as above.
        unsafe { libc::close(copy) };
        assert_eq!(output.unwrap(), b"end\n");
    }

    #[test]
    fn ends_what_hangs_with_all_that_it_started() {
        let start = Instant::now();
        let failure = run_sh("sleep 60 & sleep 60", 200).unwrap_err();
        assert!(matches!(failure, NoCredentials::Unavailable(_)), "{failure}");
        let failure = run_sh("exec >&-; sleep 60", 200).unwrap_err();
        assert!(failure.to_string().contains("did not end"), "{failure}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn ends_what_floods() {
        let failure = run_sh("yes", 60_000).unwrap_err();
        assert!(failure.to_string().contains("256 KiB"), "{failure}");
    }
}
