//! HTTP for one store: a client with the store's TLS, proxy and time-out options, and a direct client for the metadata
//! services of the platforms. These are near and quick, use plain HTTP, and are never behind a proxy.

use crate::options::Options;
use crate::refresh::NoCredentials;
use crate::refusal::{invalid, Refusal};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{Method, StatusCode};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequest, HttpRequestBody};
use std::net::IpAddr;
use std::time::Duration;
use url::{Host, Url};

const TIMEOUT: Duration = Duration::from_secs(120);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
/// The time limit for one answer of a service that issues credentials.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(15);
const TOKEN_BYTES_MAX: usize = 1 << 20;
const TOKEN_TRIES: u32 = 3;
const CA_BYTES_MAX: u64 = 4 << 20;

/// Link-local addresses of the platforms' metadata services; the last are of containers.
const METADATA_HOSTS: [&str; 6] = [
    "169.254.169.254",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
];

#[derive(Clone, Debug)]
pub struct Http {
    pub store: HttpClient,
    pub metadata: HttpClient,
}

impl Http {
    /// `endpoint` is where the store's requests go. Adds dangerous options to `warnings`.
    pub fn build(options: &Options, endpoint: &Url, warnings: &mut Vec<String>) -> Result<Self, Refusal> {
        let mut builder = reqwest::Client::builder()
            // A redirect could send credentials to a host that is not in the configuration.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(endpoint.scheme() == "https" && !options.flag("allow_http")?.unwrap_or(false))
            .user_agent(options.text("user_agent").unwrap_or("yummy"))
            .timeout(options.duration("timeout")?.unwrap_or(TIMEOUT))
            .read_timeout(options.duration("read_timeout")?.unwrap_or(READ_TIMEOUT))
            .connect_timeout(options.duration("connect_timeout")?.unwrap_or(CONNECT_TIMEOUT));
        if let Some(timeout) = options.duration("pool_idle_timeout")? {
            builder = builder.pool_idle_timeout(timeout);
        }
        if let Some(count) = options.count("pool_max_idle_per_host")? {
            builder = builder.pool_max_idle_per_host(count as usize);
        }
        builder = http_version(builder, options)?;
        builder = trust(builder, options, warnings)?;
        builder = proxy(builder, options, endpoint)?;
        let metadata_timeout = options
            .count("ec2_metadata_timeout")?
            .map_or(METADATA_TIMEOUT, |ms| Duration::from_millis(ms.max(1).into()));
        let metadata = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([]) // it speaks no TLS
            .timeout(metadata_timeout)
            .connect_timeout(metadata_timeout.min(Duration::from_secs(1)));
        let build = |builder: reqwest::ClientBuilder| {
            // The text of the error may hold the value of an option.
            builder
                .build()
                .map(HttpClient::new)
                .map_err(|_| invalid("the options of TLS and HTTP fit no client together"))
        };
        Ok(Self { store: build(builder)?, metadata: build(metadata)? })
    }
}

fn http_version(mut builder: reqwest::ClientBuilder, options: &Options) -> Result<reqwest::ClientBuilder, Refusal> {
    let http2 = options.flag("http2_only")?.unwrap_or(false);
    let http1 = options.flag("http1_only")?;
    if http2 && http1 == Some(true) {
        return Err(invalid("options 'http1_only' and 'http2_only' exclude each other"));
    }
    // One connection per request is faster for large objects.
    if !http2 && http1.unwrap_or(true) {
        builder = builder.http1_only();
    }
    if http2 {
        builder = builder.http2_prior_knowledge();
    }
    if let Some(interval) = options.duration("http2_keep_alive_interval")? {
        builder = builder.http2_keep_alive_interval(interval);
    }
    if let Some(timeout) = options.duration("http2_keep_alive_timeout")? {
        builder = builder.http2_keep_alive_timeout(timeout);
    }
    if let Some(size) = options.count("http2_max_frame_size")? {
        if !(16_384..16_777_216).contains(&size) {
            return Err(options.bad("http2_max_frame_size", "must be from 16384 to 16777215"));
        }
        builder = builder.http2_max_frame_size(size);
    }
    Ok(builder.http2_keep_alive_while_idle(options.flag("http2_keep_alive_while_idle")?.unwrap_or(false)))
}

fn trust(
    mut builder: reqwest::ClientBuilder,
    options: &Options,
    warnings: &mut Vec<String>,
) -> Result<reqwest::ClientBuilder, Refusal> {
    let mut certificates = Vec::new();
    if let Some(path) = options.text("ca_bundle") {
        let read = read_bounded(path, CA_BYTES_MAX)
            .map_err(|error| options.bad("ca_bundle", &format!("names a file: {error}")))?;
        certificates = parse_certificates(&read)
            .ok_or_else(|| options.bad("ca_bundle", "names a file without PEM certificates"))?;
    }
    if let Some(pem) = options.text("proxy_ca_certificate") {
        let parsed = parse_certificates(pem.as_bytes());
        certificates.extend(parsed.ok_or_else(|| options.bad("proxy_ca_certificate", "holds no PEM certificate"))?);
    }
    builder = match options.flag("disable_system_certificates")?.unwrap_or(false) {
        true => builder.tls_certs_only(certificates),
        false => builder.tls_certs_merge(certificates),
    };
    if options.flag("allow_invalid_certificates")?.unwrap_or(false) {
        warnings.push(
            "certificates are not checked, as 'allow_invalid_certificates' is true: anybody on the way can read and \
                       change everything"
                .into(),
        );
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

fn parse_certificates(pem: &[u8]) -> Option<Vec<reqwest::Certificate>> {
    reqwest::Certificate::from_pem_bundle(pem).ok().filter(|certificates| !certificates.is_empty())
}

fn proxy(
    builder: reqwest::ClientBuilder,
    options: &Options,
    endpoint: &Url,
) -> Result<reqwest::ClientBuilder, Refusal> {
    let Some(url) = options.text("proxy_url") else {
        // Proxies in the environment are not meant for this machine itself.
        return Ok(if is_loopback(endpoint) { builder.no_proxy() } else { builder });
    };
    let valid = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let proxy = valid.and_then(|url| reqwest::Proxy::all(url).ok());
    let proxy = proxy.ok_or_else(|| options.bad("proxy_url", "must be a URL as in http://proxy.example:3128"))?;
    Ok(builder.proxy(proxy.no_proxy(options.text("proxy_excludes").and_then(reqwest::NoProxy::from_string))))
}

/// The file's bytes; the error says why not, without the path.
pub fn read_bounded(path: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(error.kind().to_string()),
        Ok(_) if bytes.len() as u64 > bytes_max => Err(format!("larger than {bytes_max} bytes")),
        Ok(_) => Ok(bytes),
    }
}

pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

pub fn is_metadata(url: &Url) -> bool {
    METADATA_HOSTS.iter().any(|host| url.host_str() == Some(*host))
}

/// App Service has the service of its managed identity at some address of these.
pub fn is_link_local(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(address)) if address.is_link_local())
}

/// The URL of an option: https, or http on this machine, or http anywhere when that is allowed.
pub fn check_url(options: &Options, name: &str, text: &str, allow_http: bool) -> Result<Url, Refusal> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| options.bad(name, "must be a URL as in https://host:port"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(options.bad(name, "must be a URL without user, query and fragment"));
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return Err(options.bad(name, "is plain http to another machine: use https, or set 'allow_http' to true"));
    }
    Ok(url)
}

/// A request to a service that issues credentials.
pub struct TokenRequest {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl TokenRequest {
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: String::new() }
    }

    pub fn post_form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = vec![("content-type", "application/x-www-form-urlencoded".into())];
        Self { method: Method::POST, url, headers, body }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn build(&self) -> Result<HttpRequest, NoCredentials> {
        let mut builder = http::Request::builder().method(self.method.clone()).uri(self.url.as_str());
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        let bad = |_| NoCredentials::Denied("a credential has characters that no header may have".into());
        builder.body(HttpRequestBody::from(self.body.clone())).map_err(bad)
    }
}

/// The body of a success. `who` names the service in failures.
pub async fn fetch(client: &HttpClient, who: &str, request: &TokenRequest) -> Result<Bytes, NoCredentials> {
    fetch_signed(client, who, request, |_| Ok(())).await
}

/// The same; `sign` is called for each try.
pub async fn fetch_signed(
    client: &HttpClient,
    who: &str,
    request: &TokenRequest,
    sign: impl Fn(&mut HttpRequest) -> Result<(), NoCredentials>,
) -> Result<Bytes, NoCredentials> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut attempt = request.build()?;
        sign(&mut attempt)?;
        let answer = tokio::time::timeout(TOKEN_TIMEOUT, exchange(client, attempt)).await;
        let (failure, retry) = match answer {
            Ok(Ok((status, body))) if status.is_success() => return Ok(body),
            Ok(Ok((status, body))) => {
                let text = format!("{who} answered {}{}", status.as_u16(), reason(&body));
                match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                    true => (NoCredentials::Unavailable(text), true),
                    false => (NoCredentials::Denied(text), false),
                }
            }
            Ok(Err((kind, text))) => {
                (NoCredentials::Unavailable(format!("{who} {text}")), kind != HttpErrorKind::Connect)
            }
            Err(_) => (
                NoCredentials::Unavailable(format!("{who} did not answer within {} s", TOKEN_TIMEOUT.as_secs())),
                false,
            ),
        };
        if !retry || tries == TOKEN_TRIES {
            return Err(failure);
        }
        tokio::time::sleep(Duration::from_millis(25 << (2 * tries))).await;
    }
}

async fn exchange(client: &HttpClient, request: HttpRequest) -> Result<(StatusCode, Bytes), (HttpErrorKind, String)> {
    let failed = |error: object_store::client::HttpError| {
        let what = match error.kind() {
            HttpErrorKind::Connect => "cannot be reached",
            HttpErrorKind::Timeout => "did not answer in time",
            _ => "broke off the connection",
        };
        (error.kind(), format!("{what}{}", tls_reason(&error)))
    };
    let response = client.execute(request).await.map_err(failed)?;
    let status = response.status();
    let mut stream = response.into_body().bytes_stream();
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(failed)?);
        if body.len() > TOKEN_BYTES_MAX {
            return Err((HttpErrorKind::Unknown, "answered with more than 1 MiB".into()));
        }
    }
    Ok((status, body.freeze()))
}

// The reason why a certificate was refused, which an administrator must learn.
fn tls_reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).or(error.downcast_ref()) {
            return format!(": {tls}");
        }
        cause = error.source();
    }
    String::new()
}

// The code that a service gives: a word, as in <Code>AccessDenied</Code>, {"error": "invalid_client"} or
// {"error": {"code": …}}. The rest of a body may repeat the request.
fn reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let word = element(&text, "Code").map(str::to_owned).or_else(|| {
        let json = json?;
        let error = json.get("error").or(json.get("code")).or(json.get("Code"))?;
        error.as_str().or_else(|| error.get("code")?.as_str()).map(str::to_owned)
    });
    let is_word =
        |word: &String| word.len() <= 64 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    word.filter(is_word).map_or(String::new(), |word| format!(": {word}"))
}

/// The text of the first element of this name; of what services answer, it needs no unescaping.
pub fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Vendor;
    use crate::options::Environment;
    use crate::secrets::Secrets;

    fn build(configured: &[(&str, &str)], endpoint: &str) -> Result<Vec<String>, Refusal> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let configured: Vec<_> = configured.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let mut warnings = Vec::new();
        let options =
            Options::resolve(Vendor::S3, &configured, &Environment::new(), &Secrets::default(), &mut warnings)?;
        Http::build(&options, &Url::parse(endpoint).unwrap(), &mut warnings)?;
        Ok(warnings)
    }

    #[test]
    fn refuses_what_fits_no_client() {
        for (key, value) in [
            ("ca_bundle", "/no/such/CANARY.pem"),
            ("ca_bundle", "/dev/null"),
            ("proxy_ca_certificate", "CANARY"),
            ("proxy_url", "CANARY"),
            ("proxy_url", "ftp://u:CANARY@h"),
            ("http2_max_frame_size", "1"),
            ("user_agent", "CANARY\nx"),
        ] {
            let refusal = build(&[(key, value)], "https://s3.example").expect_err(key);
            assert!(!refusal.to_string().contains("CANARY"), "{refusal}");
        }
        assert!(build(&[("http1_only", "true"), ("http2_only", "true")], "https://s3.example").is_err());
    }

    #[test]
    fn warns_of_unchecked_certificates() {
        assert_eq!(build(&[], "https://s3.example").unwrap(), Vec::<String>::new());
        assert_eq!(build(&[("allow_invalid_certificates", "true")], "https://s3.example").unwrap().len(), 1);
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_allowed() {
        let options =
            Options::resolve(Vendor::S3, &[], &Environment::new(), &Secrets::default(), &mut Vec::new()).unwrap();
        let check = |text, allow| check_url(&options, "endpoint", text, allow).is_ok();
        for url in [
            "http://127.0.0.1:9000",
            "http://localhost:1",
            "http://[::1]:1",
            "http://a.localhost",
            "https://s3.example",
        ] {
            assert!(check(url, false), "{url}");
        }
        for url in ["http://127.0.0.1.example", "http://10.0.0.1", "http://localhost.example", "http://169.254.169.254"]
        {
            assert!(!check(url, false), "{url}");
            assert!(check(url, true), "{url}");
        }
        for url in ["ftp://127.0.0.1", "127.0.0.1:9000", "https://u:p@h", "https://h/?q", "https://h/#f", "https://"] {
            assert!(!check(url, true), "{url}");
        }
    }

    #[test]
    fn names_the_code_of_a_refusal_and_nothing_else() {
        for (body, expected) in [
            (
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>CANARY</Message></Error></ErrorResponse>",
                ": AccessDenied",
            ),
            (r#"{"error": "invalid_client", "error_description": "CANARY"}"#, ": invalid_client"),
            (r#"{"code": "AccessDenied", "message": "CANARY"}"#, ": AccessDenied"),
            (r#"{"error": {"code": "x.y", "message": "CANARY"}}"#, ": x.y"),
            (r#"{"error": "a sentence with CANARY"}"#, ""),
            ("<Code>CANARY!</Code>", ""),
            ("CANARY", ""),
            ("", ""),
        ] {
            assert_eq!(reason(body.as_bytes()), expected, "{body}");
        }
    }
}
