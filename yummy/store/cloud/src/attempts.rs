//! Sees each HTTP attempt below object_store's own retries: which of them may have been applied, and what the last one
//! was answered. Only this tells "it is there, and surely not by us" from "it is there, perhaps by an earlier attempt".

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

/// What is read of an error's body: its code stands at the beginning.
const ERROR_BODY_BYTES_MAX: usize = 64 << 10;
/// A page has at most 5000 objects, whose keys have at most 1024 characters.
const LIST_BYTES_MAX: usize = 64 << 20;
/// The name of the XML document stands within this.
const LIST_HEAD_BYTES: usize = 1024;
/// An answer to a deletion of many, as object_store reads it.
const NOTHING_REFUSED: &str = "<DeleteResult><Deleted><Key></Key></Deleted></DeleteResult>";
/// A store that asks for more patience than this is tried again after it nevertheless.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// An answer: its status, the store's own code for an error ("NoSuchBucket"), the region it says to ask, and the size of
    /// the object of which it has a part.
    Answer { status: u16, code: String, region: String, size_bytes: Option<u64> },
    Transport { kind: HttpErrorKind, text: String },
}

#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Attempts that were sent to the store, and those that have ended.
    pub started: u32,
    pub ended: u32,
    /// Attempts after which the store may hold what they asked for, although they were not answered so.
    pub doubtful: u32,
    pub last: Option<Ending>,
    /// What the last answer to a deletion of many says it has not deleted.
    pub refused: Vec<RefusedKey>,
    /// The first key that was left out of a list.
    pub left_out: Option<String>,
}

/// A key that S3 has not deleted, and its code for why.
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
    /// An attempt is under way, or its answer is lost.
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

/// How the request that completes an upload in parts is made to fail when the object exists.
#[derive(Clone, Debug)]
pub enum Completion {
    /// The condition is not among the headers that S3 signs, and need not be.
    S3,
    /// It is among those that an account's key signs.
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
            return Ok(()); // a token, which signs nothing
        }
        let credential = credentials.get_credential().await?;
        request.headers_mut().remove(AUTHORIZATION);
        AzureAuthorizer::new(&credential, account).try_authorize(request)
    }
}

/// What one operation's attempts came to.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<State>);

tokio::task_local! {
    static CURRENT: Attempts;
}

impl Attempts {
    pub fn new(retries_max: u32) -> Self {
        Self(Arc::new(State { retries_max, ..State::default() }))
    }

    /// The request that completes an upload in parts shall fail when the object exists.
    pub fn with_completion(retries_max: u32, completion: Completion) -> Self {
        Self(Arc::new(State { retries_max, completion: Some(completion), ..State::default() }))
    }

    /// Runs an operation so that its attempts are seen.
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

/// The client of a store's own requests; those for credentials go another way.
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
            // Without a condition nothing can conflict but the store's own work.
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
        // object_store tries again after a pause of its own, which does not heed this.
        if let (true, Some(pause)) = (may_try_again, result.as_ref().ok().and_then(retry_after)) {
            tokio::time::sleep(pause).await;
        }
        result
    }
}

/// That the object is absent.
fn has_condition(headers: &HeaderMap) -> bool {
    headers.contains_key(IF_NONE_MATCH) || headers.contains_key("x-goog-if-generation-match")
}

/// S3 closes the connection of a put whose bytes come too slowly, and answers 400 in place of 408. It has applied nothing.
fn is_slow_put(ending: &Ending) -> bool {
    matches!(ending, Ending::Answer { status: 400, code, .. } if code == "RequestTimeout")
}

/// Every 5xx counts: a proxy in between answers so as well. Of a connection that was never made nothing arrived.
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

/// S3 begins to answer what takes long with 200, and may end with an error: its document says so, and it is told as a 500.
async fn take_late_error(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    let response = result?;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = read_page(body).await?;
    // Azure answers with many documents in one body, each behind a head of its own.
    let head = head_of(&bytes);
    let root = head.split('<').find(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()));
    if head.trim_start().starts_with('<') && root.is_some_and(|tag| tag.starts_with("Error>")) {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(bytes)))
}

/// The keys that were refused, and the answer without them: object_store keeps no code of a key, and sends the whole
/// request again for one that is to be tried again.
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

/// A page that is no list reads as an empty one, because every element may be absent: this refuses what something in between
/// answers in the place of the store. The second result is a key that was left out.
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
    // What is no XML goes on as it is: object_store says so.
    let (page, left_out) = leave_out_unusable(&page).unwrap_or_else(|_| (page, None));
    (Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(page))), left_out)
}

/// The page without the entries that no path names, and the first of their keys: for one of them object_store refuses the
/// whole page.
fn leave_out_unusable(page: &Bytes) -> quick_xml::Result<(Bytes, Option<String>)> {
    let text = page.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(page);
    let mut reader = quick_xml::Reader::from_reader(text);
    let mut kept = BytesMut::new();
    let mut taken = 0; // of `text`
    let mut left_out = None;
    let mut entry = None; // whose key is yet to come, and where it begins
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

/// As CheckPath of yummy/store has it; a slash at the end marks a folder.
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

/// What came back, and how it ended. An error's body is read here, and handed on as it was.
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

/// The text of the first element of this name, when it is a word.
fn element(body: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let Some((_, rest)) = text.split_once(&format!("<{name}>")) else { return String::new() };
    rest.split_once('<').map(|(word, _)| plain_word(word)).unwrap_or_default()
}

/// A store's own word for something, which goes into messages: nothing but letters, digits and dashes.
fn plain_word(text: &str) -> String {
    let is_word = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_word { text.to_string() } else { String::new() }
}

/// The texts of what an error was caused by, without those that repeat.
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
