//! Observes each HTTP attempt below object_store's own retries: which attempts may have been applied, and how the last
//! one was answered. Only this distinguishes "it exists, and certainly not by us" from "it exists, perhaps by an
//! earlier attempt".

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderValue, AUTHORIZATION, CONTENT_RANGE, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use object_store::azure::{AzureAuthorizer, AzureCredentialProvider};
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::path::Path;
use quick_xml::events::Event;

/// At most this much of an error's body is read, because its code stands at the beginning.
const ERROR_BODY_BYTES_MAX: usize = 64 << 10;
/// A page has at most 5000 objects, whose keys have at most 1024 characters.
const LIST_BYTES_MAX: usize = 64 << 20;
/// The name of the XML document stands within so many bytes.
const LIST_HEAD_BYTES: usize = 1024;
/// An answer to a bulk deletion in the form that object_store reads.
const NOTHING_REFUSED: &str = "<DeleteResult><Deleted><Key></Key></Deleted></DeleteResult>";
/// If a store asks for a longer pause than this, it is tried again after this pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// An answer: its status, the store's own code of an error ("NoSuchBucket"), the region that it says to use, and
    /// the size of the whole object if the answer has a part of it.
    Answer { status: u16, code: String, region: String, size_bytes: Option<u64> },
    Transport { kind: HttpErrorKind, text: String },
}

#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The number of attempts that were sent to the store, and of those that have ended.
    pub started: u32,
    pub ended: u32,
    /// Attempts that the store may have applied although their answer does not say so.
    pub doubtful: u32,
    pub last: Option<Ending>,
    /// The keys that the last answer to a bulk deletion says were not deleted.
    pub refused: Vec<RefusedKey>,
    /// The first key that was left out of a list.
    pub left_out: Option<String>,
}

/// A key that S3 has not deleted, and S3's code for the reason.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefusedKey {
    pub key: String,
    pub code: String,
}

#[derive(serde::Deserialize)]
struct DeleteResult {
    #[serde(rename = "Error", default)]
    refused: Vec<RefusedKey>,
}

impl Seen {
    /// True if an attempt is in flight, or its answer is lost.
    pub fn is_in_doubt(&self) -> bool {
        self.doubtful > 0 || self.started > self.ended
    }
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Seen>,
    retries_max: u32,
    completion: Option<Completion>,
}

/// How to make the request that completes a multi-part upload fail if the object exists.
#[derive(Clone, Debug)]
pub enum Completion {
    /// S3 does not require the header of the condition to be signed.
    S3,
    /// An account's key signs the header of the condition as well.
    Azure { account: String, credentials: AzureCredentialProvider },
}

impl Completion {
    fn is_of(&self, request: &HttpRequest) -> bool {
        let query = request.uri().query().unwrap_or("");
        match self {
            Self::S3 => request.method() == Method::POST && query.starts_with("uploadId="),
            Self::Azure { .. } => request.method() == Method::PUT && query.contains("comp=blocklist"),
        }
    }

    async fn add_condition(&self, request: &mut HttpRequest) -> object_store::Result<()> {
        request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        let Self::Azure { account, credentials } = self else { return Ok(()) };
        let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if !authorization.is_some_and(|value| value.starts_with(b"SharedKey ")) {
            return Ok(()); // a token signs nothing
        }
        let credential = credentials.get_credential().await?;
        request.headers_mut().remove(AUTHORIZATION);
        AzureAuthorizer::new(&credential, account).try_authorize(request)
    }
}

/// The attempts of one operation.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<State>);

tokio::task_local! {
    static CURRENT: Attempts;
}

impl Attempts {
    pub fn new(retries_max: u32) -> Self {
        Self(Arc::new(State { retries_max, ..State::default() }))
    }

    /// Makes the request that completes a multi-part upload fail if the object exists.
    pub fn with_completion(retries_max: u32, completion: Completion) -> Self {
        Self(Arc::new(State { retries_max, completion: Some(completion), ..State::default() }))
    }

    /// Runs an operation and observes its attempts.
    pub async fn observe<T>(&self, operation: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), operation).await
    }

    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The client for requests to the store. Requests for credentials use another client.
pub fn observed(client: HttpClient) -> HttpClient {
    HttpClient::new(Service { client })
}

#[derive(Debug)]
struct Service {
    client: HttpClient,
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match CURRENT.try_with(Attempts::clone) {
            Err(_) => self.client.execute(request).await,
            Ok(attempts) => self.call_store(&attempts, request).await,
        }
    }
}

impl Service {
    async fn call_store(&self, attempts: &Attempts, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let query = request.uri().query().unwrap_or("");
        let is_bulk_delete = request.method() == Method::POST && query == "delete";
        let may_fail_late = request.method() == Method::POST || request.headers().contains_key("x-amz-copy-source");
        let is_list = query.contains("list-type=2") || query.contains("comp=list");
        if let Some(completion) = attempts.0.completion.as_ref().filter(|completion| completion.is_of(&request)) {
            let added = completion.add_condition(&mut request).await;
            added.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        }
        let is_conditional_write = !request.method().is_safe() && has_condition(request.headers());
        attempts.lock().started += 1;
        let mut answer = self.client.execute(request).await;
        let mut left_out = None;
        if is_list {
            (answer, left_out) = check_list(answer).await;
        }
        if may_fail_late {
            answer = take_late_error(answer).await;
        }
        let mut refused = Vec::new();
        if is_bulk_delete {
            (answer, refused) = take_refused(answer).await;
        }
        let (mut result, ending) = look_at(answer).await;
        if let Ok(response) = &mut result {
            // Without a condition, a conflict can only come from the store's own work.
            let is_conflict = response.status() == StatusCode::CONFLICT && !is_conditional_write;
            if is_conflict || is_slow_put(&ending) {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE; // object_store tries this again
            }
        }
        let may_try_again = {
            let mut seen = attempts.lock();
            seen.ended += 1;
            seen.doubtful += u32::from(may_have_been_applied(&ending));
            seen.last = Some(ending);
            seen.refused = refused;
            seen.left_out = seen.left_out.take().or(left_out);
            seen.started <= attempts.0.retries_max
        };
        // object_store ignores Retry-After and retries after a pause of its own.
        if let (true, Some(pause)) = (may_try_again, result.as_ref().ok().and_then(retry_after)) {
            tokio::time::sleep(pause).await;
        }
        result
    }
}

/// True if the request has the condition that the object is absent.
fn has_condition(headers: &HeaderMap) -> bool {
    headers.contains_key(IF_NONE_MATCH) || headers.contains_key("x-goog-if-generation-match")
}

/// If the bytes of a put come too slowly, S3 closes the connection and answers 400 instead of 408. It has applied
/// nothing.
fn is_slow_put(ending: &Ending) -> bool {
    matches!(ending, Ending::Answer { status: 400, code, .. } if code == "RequestTimeout")
}

/// Every 5xx counts, because a proxy in between may answer so. If no connection was made, nothing arrived.
fn may_have_been_applied(ending: &Ending) -> bool {
    match ending {
        Ending::Answer { status, .. } => *status >= 500 || *status == 408,
        Ending::Transport { kind, .. } => *kind != HttpErrorKind::Connect,
    }
}

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    if !matches!(response.status().as_u16(), 429 | 503) {
        return None;
    }
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// S3 answers long operations with 200 first, and may still end with an error, which stands in its document. Such an
/// answer becomes a 500.
async fn take_late_error(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    let response = result?;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = read_page(body).await?;
    // Azure answers with many documents in one body. Each has its own head.
    let head = head_of(&bytes);
    let root = head.split('<').find(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    if head.trim_start().starts_with('<') && root.is_some_and(|tag| tag.starts_with("Error>")) {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(bytes)))
}

/// Takes the refused keys out of the answer. object_store does not keep the code of a key, and would send the whole
/// request again for a single key.
async fn take_refused(result: Result<HttpResponse, HttpError>) -> (Result<HttpResponse, HttpError>, Vec<RefusedKey>) {
    let Ok(response) = result else { return (result, Vec::new()) };
    if !response.status().is_success() {
        return (Ok(response), Vec::new());
    }
    let (parts, body) = response.into_parts();
    let bytes = match read_page(body).await {
        Ok(bytes) => bytes,
        Err(error) => return (Err(error), Vec::new()),
    };
    let is_result = head_of(&bytes).contains("<DeleteResult");
    match quick_xml::de::from_reader::<_, DeleteResult>(bytes.as_ref()) {
        Ok(result) if is_result => {
            let plain = |refused: RefusedKey| RefusedKey { code: plain_word(&refused.code), ..refused };
            let answer = HttpResponse::from_parts(parts, NOTHING_REFUSED.to_string().into());
            (Ok(answer), result.refused.into_iter().map(plain).collect())
        }
        _ => (Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(bytes))), Vec::new()),
    }
}

/// Refuses a page that is not a list. It would read as an empty list, because every element may be absent, and a proxy
/// in between may answer instead of the store. The second result is a key that was left out.
async fn check_list(result: Result<HttpResponse, HttpError>) -> (Result<HttpResponse, HttpError>, Option<String>) {
    let Ok(response) = result else { return (result, None) };
    if !response.status().is_success() {
        return (Ok(response), None);
    }
    let (parts, body) = response.into_parts();
    let page = match read_page(body).await {
        Ok(page) => page,
        Err(error) => return (Err(error), None),
    };
    let head = head_of(&page);
    if !head.contains("<ListBucketResult") && !head.contains("<EnumerationResults") {
        let error = std::io::Error::other("not a list of objects");
        return (Err(HttpError::new(HttpErrorKind::Decode, error)), None);
    }
    // A page that is not XML is passed on unchanged, and object_store reports the error.
    let (page, left_out) = leave_out_unusable(&page).unwrap_or_else(|_| (page, None));
    (Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(page))), left_out)
}

/// The page without entries whose keys are not valid paths, and the first such key. object_store would refuse the whole
/// page because of one of them.
fn leave_out_unusable(page: &Bytes) -> quick_xml::Result<(Bytes, Option<String>)> {
    let text = page.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(page);
    let mut reader = quick_xml::Reader::from_reader(text);
    let mut kept = BytesMut::new();
    let mut taken = 0; // bytes of `text` that were handled
    let mut left_out = None;
    let mut entry = None; // where the current entry begins, while its key is not read yet
    loop {
        let begin = reader.buffer_position() as usize;
        let tag = match reader.read_event()? {
            Event::Start(tag) => tag,
            Event::Eof => break,
            _ => continue,
        };
        match tag.local_name().as_ref() {
            b"Contents" | b"CommonPrefixes" | b"Blob" | b"BlobPrefix" => entry = Some((tag, begin)),
            b"Key" | b"Prefix" | b"Name" => {
                let Some((entry, begin)) = entry.take() else { continue };
                let raw = reader.read_text(tag.name())?.decode()?;
                let key = quick_xml::escape::unescape(&raw)?;
                if !is_usable(&key) {
                    reader.read_to_end(entry.name())?;
                    kept.extend_from_slice(&text[taken..begin]);
                    taken = reader.buffer_position() as usize;
                    left_out.get_or_insert(key.into_owned());
                }
            }
            _ => {}
        }
    }
    if left_out.is_none() {
        return Ok((page.clone(), None));
    }
    kept.extend_from_slice(&text[taken..]);
    Ok((kept.freeze(), left_out))
}

/// The rules of CheckPath in yummy/store; a slash at the end marks a folder.
fn is_usable(key: &str) -> bool {
    !key.starts_with('/') && !key.contains('\\') && Path::parse(key).is_ok()
}

async fn read_page(mut body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > LIST_BYTES_MAX {
            return Err(HttpError::new(HttpErrorKind::Decode, std::io::Error::other("a page of a list without end")));
        }
    }
    Ok(bytes.freeze())
}

/// Where the name of the XML document stands.
fn head_of(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(LIST_HEAD_BYTES)])
}

/// Returns the answer and how the attempt ended. Reads the body of an error, and passes it on unchanged.
async fn look_at(result: Result<HttpResponse, HttpError>) -> (Result<HttpResponse, HttpError>, Ending) {
    let response = match result {
        Ok(response) => response,
        Err(error) => {
            let ending = Ending::Transport { kind: error.kind(), text: text_of_sources(&error) };
            return (Err(error), ending);
        }
    };
    let status = response.status().as_u16();
    let header = |name: &str| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(plain_word).unwrap_or_default()
    };
    let mut code = header("x-ms-error-code");
    let mut region = header("x-amz-bucket-region");
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let size_bytes = range.and_then(|range| range.rsplit_once('/')).and_then(|(_, size)| size.parse().ok());
    if status < 400 {
        return (Ok(response), Ending::Answer { status, code, region, size_bytes });
    }
    let (parts, body) = response.into_parts();
    let body = read_error(body).await;
    if code.is_empty() {
        code = element(&body, "Code");
    }
    if region.is_empty() {
        region = element(&body, "Region");
    }
    let response = HttpResponse::from_parts(parts, HttpResponseBody::from(body));
    (Ok(response), Ending::Answer { status, code, region, size_bytes })
}

async fn read_error(mut body: HttpResponseBody) -> Bytes {
    let mut bytes = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data[..data.len().min(ERROR_BODY_BYTES_MAX - bytes.len())]);
        }
        if bytes.len() == ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    bytes.freeze()
}

/// The text of the first element of this name, if it is a word.
fn element(body: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let Some((_, rest)) = text.split_once(&format!("<{name}>")) else { return String::new() };
    rest.split_once('<').map(|(word, _)| plain_word(word)).unwrap_or_default()
}

/// A word of the store for messages: only letters, digits and dashes.
fn plain_word(text: &str) -> String {
    let is_word = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_word { text.to_string() } else { String::new() }
}

/// The texts of an error's causes, without repetitions.
pub fn text_of_sources(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}
