//! Turns an error of object_store, together with its observed attempts, into one of the program's codes. The message
//! holds no secret: it consists of our own words and the store's error code, and never of the body of an answer or the
//! address of a request.

use object_store::client::{HttpError, HttpErrorKind};
use object_store::Error;

use crate::attempts::{text_of_sources, Ending, Seen};
use crate::location::Vendor;
use crate::refresh::NoCredentials;
use crate::refusal::Refusal;

/// yummy::ErrorCode, one higher: 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    InvalidArgument = 1,
    NotFound = 2,
    AlreadyExists = 3,
    PreconditionFailed = 4,
    Conflict = 5,
    Unauthenticated = 6,
    PermissionDenied = 7,
    Unsupported = 8,
    ResourceExhausted = 10,
    Unavailable = 11,
    DeadlineExceeded = 12,
    Cancelled = 13,
    OutcomeUnknown = 14,
    Internal = 15,
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    pub reason: &'static std::ffi::CStr,
    pub message: String,
    pub http_status: u16,
    pub attempts: u32,
    pub is_retryable: bool,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, reason: c"", message: message.into(), http_status: 0, attempts: 0, is_retryable: false }
    }

    pub fn with_reason(mut self, reason: &'static std::ffi::CStr) -> Self {
        self.reason = reason;
        self
    }

    fn retryable(mut self) -> Self {
        self.is_retryable = true;
        self
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Invalid(_) => Code::InvalidArgument,
            Refusal::Unsupported(_) => Code::Unsupported,
        };
        Self::new(code, refusal.to_string()).with_reason(c"STORE_OPTIONS")
    }
}

/// The effect of an operation on the store if it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    /// Changes the store; applying it twice does the same.
    Change,
    /// Creates the object if it is absent.
    Create,
}

/// An operation, for messages and decisions: "get" on "t/_delta_log/1.json" in "s3://bucket/lake/".
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    pub vendor: Vendor,
    pub root: &'a str,
    pub verb: &'static str,
    pub path: &'a str,
    pub effect: Effect,
}

/// Why an operation was given up before it ended.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    Cancelled,
    Deadline,
}

impl Operation<'_> {
    fn failed(&self, what: &str) -> String {
        format!("cannot {} {} of {}: {}", self.verb, if self.path.is_empty() { "objects" } else { self.path }, self.root, what)
    }

    pub fn stopped(&self, seen: &Seen, stop: Stop) -> Failure {
        let mut failure = match stop {
            Stop::Cancelled => Failure::new(Code::Cancelled, self.failed("the request was cancelled")),
            Stop::Deadline => Failure::new(Code::DeadlineExceeded, self.failed("the deadline is over")),
        };
        if self.effect != Effect::None && seen.is_in_doubt() {
            failure.code = Code::OutcomeUnknown;
        }
        complete(failure, seen)
    }

    /// The failure of an operation that `error` ended and whose attempts were `seen`.
    pub fn failure(&self, error: &Error, seen: &Seen) -> Failure {
        let mut failure = self.classify(error, seen);
        let exists = failure.code == Code::AlreadyExists;
        // If an earlier attempt had an unknown outcome, an existing object may be ours.
        let may_be_ours = exists && seen.started > 1;
        let is_doubtful = self.effect != Effect::None && (seen.is_in_doubt() || may_be_ours);
        if is_doubtful || self.is_create_without_sense(seen) || self.is_conflict_of_creates(seen) {
            failure.code = Code::OutcomeUnknown;
            failure.message = format!("{}; it may have been applied", failure.message);
        }
        complete(failure, seen)
    }

    /// True if the store says that the create was done, but the answer is unusable: the ETag is missing.
    fn is_create_without_sense(&self, seen: &Seen) -> bool {
        self.effect == Effect::Create && matches!(&seen.last, Some(Ending::Answer { status: 200..=299, .. }))
    }

    /// S3 answers 409 to one of two concurrent creates, and nobody knows which object will exist.
    fn is_conflict_of_creates(&self, seen: &Seen) -> bool {
        let is_conflict = matches!(&seen.last, Some(Ending::Answer { status: 409, .. }));
        self.vendor == Vendor::S3 && self.effect == Effect::Create && is_conflict
    }

    /// The failure of one path in a bulk deletion, for which the store answered this code.
    pub fn refused(&self, code: &str, seen: &Seen) -> Failure {
        complete(self.told(status_of(code), code, "", &format!("refused as {code}")), seen)
    }

    /// The failure if the body of an answer is not as long as its header says.
    pub fn wrong_length(&self, seen: &Seen, expected: u64, found: u64) -> Failure {
        let message = self.failed(&format!("expected {expected} bytes, found {found}"));
        complete(Failure::new(Code::Unavailable, message).with_reason(c"STORE_BAD_ANSWER").retryable(), seen)
    }

    fn classify(&self, error: &Error, seen: &Seen) -> Failure {
        if let Some(failure) = self.without_credentials(error) {
            return failure;
        }
        match error {
            Error::NotSupported { .. } | Error::NotImplemented { .. } => {
                return Failure::new(Code::Unsupported, self.failed("the store has no such operation"));
            }
            Error::InvalidPath { .. } => {
                return Failure::new(Code::Unsupported, self.failed("a key has an empty segment, a dot segment or a control character"))
                    .with_reason(c"STORE_KEY");
            }
            _ => {}
        }
        match &seen.last {
            Some(Ending::Answer { status, code, region, .. }) if *status >= 300 => self.answered(*status, code, region),
            Some(Ending::Answer { .. }) => self.answered_nonsense(error),
            Some(Ending::Transport { kind, text }) => self.not_answered(*kind, text),
            None => Failure::new(Code::Internal, self.failed(&without_secrets(&error.to_string()))),
        }
    }

    fn answered(&self, status: u16, code: &str, region: &str) -> Failure {
        let words = if code.is_empty() { String::new() } else { format!(" {code}") };
        self.told(status, code, region, &format!("answered {status}{words}"))
    }

    fn told(&self, status: u16, code: &str, region: &str, said: &str) -> Failure {
        let failed = |code: Code, hint: &str| Failure::new(code, self.failed(&format!("{said}{hint}")));
        match (status, code) {
            (_, "NoSuchBucket" | "ContainerNotFound" | "AccountNotFound") => {
                failed(Code::NotFound, "").with_reason(c"BUCKET_NOT_FOUND")
            }
            (301 | 307 | 308, _) | (400, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                let hint = if region.is_empty() { String::new() } else { format!(": its region is {region}") };
                failed(Code::InvalidArgument, &hint).with_reason(c"STORE_WRONG_REGION")
            }
            (
                _,
                "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch"
                | "AuthenticationFailed" | "InvalidAuthenticationInfo" | "RequestTimeTooSkewed" | "NoAuthenticationInformation",
            )
            | (401, _) => failed(Code::Unauthenticated, "").with_reason(c"STORE_CREDENTIALS"),
            (403, _) => failed(Code::PermissionDenied, "").with_reason(c"STORE_ACCESS_DENIED"),
            (404, _) => failed(Code::NotFound, "").with_reason(c"OBJECT_NOT_FOUND"),
            (409, "BlobAlreadyExists") => failed(Code::AlreadyExists, ""),
            (412, _) if self.effect == Effect::Create => failed(Code::AlreadyExists, ""),
            // Some stores answer a create with If-None-Match by 304.
            (304, _) if self.effect == Effect::Create => failed(Code::AlreadyExists, ""),
            (409, _) if self.effect == Effect::Create => failed(Code::Conflict, ""),
            (412, _) => failed(Code::PreconditionFailed, ""),
            (501, _) => failed(Code::Unsupported, ""),
            (429, _) | (503, _) => failed(Code::Unavailable, "").with_reason(c"STORE_THROTTLED").retryable(),
            // S3 answers 400 with this code if the bytes of a put came too slowly.
            (408, _) | (_, "RequestTimeout") => failed(Code::Unavailable, "").with_reason(c"STORE_TIMEOUT").retryable(),
            (507, _) => failed(Code::ResourceExhausted, ""),
            (409 | 500.., _) => failed(Code::Unavailable, "").with_reason(c"STORE_FAILED").retryable(),
            _ => failed(Code::InvalidArgument, ""),
        }
    }

    fn not_answered(&self, kind: HttpErrorKind, text: &str) -> Failure {
        let reason = match kind {
            HttpErrorKind::Connect => c"STORE_UNREACHABLE",
            HttpErrorKind::Timeout => c"STORE_TIMEOUT",
            HttpErrorKind::Decode => c"STORE_BAD_ANSWER",
            _ => c"STORE_CONNECTION",
        };
        let what = match kind {
            HttpErrorKind::Connect => "cannot connect",
            HttpErrorKind::Timeout => "no answer in time",
            HttpErrorKind::Decode => "the answer makes no sense",
            _ => "the connection broke",
        };
        let message = self.failed(&format!("{what}: {}", without_secrets(text)));
        Failure::new(Code::Unavailable, message).with_reason(reason).retryable()
    }

    /// The failure if the status was a success but the rest of the answer was not.
    fn answered_nonsense(&self, error: &Error) -> Failure {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = source {
            if let Some(http) = cause.downcast_ref::<HttpError>() {
                return self.not_answered(http.kind(), &text_of_sources(http));
            }
            source = cause.source();
        }
        let message = self.failed(&format!("the answer makes no sense: {}", without_secrets(&text_of_sources(error))));
        Failure::new(Code::Unavailable, message).with_reason(c"STORE_BAD_ANSWER")
    }

    /// The failure if credentials are missing, so that the store was not asked, or not asked again.
    fn without_credentials(&self, error: &Error) -> Option<Failure> {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = source {
            let failed = |code| Failure::new(code, self.failed(&cause.to_string())).with_reason(c"STORE_CREDENTIALS");
            match cause.downcast_ref::<NoCredentials>() {
                Some(NoCredentials::Denied(_)) => return Some(failed(Code::Unauthenticated)),
                Some(NoCredentials::Unavailable(_)) => return Some(failed(Code::Unavailable).retryable()),
                None => source = cause.source(),
            }
        }
        None
    }
}

/// The status that S3 gives with this code to a request for a single key. Covers the codes that a key of a bulk request
/// may get.
fn status_of(code: &str) -> u16 {
    match code {
        "AccessDenied" | "AllAccessDisabled" | "InvalidObjectState" | "MethodNotAllowed" => 403,
        "RequestTimeout" => 408,
        "SlowDown" | "ServiceUnavailable" => 503,
        _ => 500,
    }
}

fn complete(mut failure: Failure, seen: &Seen) -> Failure {
    failure.attempts = seen.started;
    if let Some(Ending::Answer { status, .. }) = &seen.last {
        failure.http_status = *status;
    }
    failure
}

/// The text without the query and the user of each URL in it, on one line.
pub fn without_secrets(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let Some(scheme_end) = word.find("://") else {
            words.push(word.to_string());
            continue;
        };
        let (scheme, rest) = word.split_at(scheme_end + "://".len());
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let host = rest[..authority_end].rfind('@').map_or(0, |at| at + 1);
        words.push(format!("{scheme}{}", &rest[host..]));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_their_query_and_user() {
        assert_eq!(
            without_secrets("cannot get https://user:secret@host/a?sig=x&y=2#z\n  from gs://bucket/k"),
            "cannot get https://host/a from gs://bucket/k"
        );
        assert_eq!(without_secrets("http://u:p@h?k=v x"), "http://h x");
    }
}
