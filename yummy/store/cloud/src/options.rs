//! From a store's URL and its options to a client of object_store.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::attempts::Connector;
use crate::failure::{without_secrets, Code, Failure, Kind};

/// Over the whole of a body: a part of 64 MiB needs it on a slow line.
const TIMEOUT: Duration = Duration::from_secs(120);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES_MAX: u32 = 5;
const RETRY_SECONDS_MAX: Duration = Duration::from_secs(60);

/// The clients of one store.
pub struct Clients {
    pub kind: Kind,
    pub objects: Arc<dyn ObjectStore>,
    pub lists: Arc<dyn PaginatedListStore>,
    /// The key of the store's root, without slashes at its ends.
    pub base: String,
    pub retries_max: u32,
    /// What a person should know: options that are not known.
    pub warnings: Vec<String>,
}

fn refused(text: impl Into<String>) -> Failure {
    Failure::new(Code::InvalidArgument, text).with_reason(c"STORE_OPTIONS")
}

/// What holds for every kind of store, and the options that are for the kind alone.
struct Settings {
    client: ClientOptions,
    retry: RetryConfig,
    retries_max: u32,
    others: Vec<(String, String)>,
}

fn settings(options: &[(String, String)]) -> Result<Settings, Failure> {
    let mut settings = Settings {
        client: ClientOptions::new().with_timeout(TIMEOUT).with_read_timeout(READ_TIMEOUT),
        retry: RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                base: 2.0,
            },
            max_retries: RETRIES_MAX as usize,
            retry_timeout: RETRY_SECONDS_MAX,
        },
        retries_max: RETRIES_MAX,
        others: Vec::new(),
    };
    for (key, value) in options {
        match key.to_ascii_lowercase().as_str() {
            "max_retries" => {
                settings.retries_max = value.parse().ok().filter(|count| *count <= 100).ok_or_else(|| {
                    refused(format!("the option {key} must be a whole number from 0 to 100"))
                })?;
                settings.retry.max_retries = settings.retries_max as usize;
            }
            "ca_bundle" => {
                let unusable = |why: String| refused(format!("the option {key} must name a file of certificates: {why}"));
                let pem = std::fs::read(value).map_err(|error| unusable(error.to_string()))?;
                for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))? {
                    settings.client = settings.client.with_root_certificate(certificate);
                }
            }
            lower => settings.others.push((lower.to_string(), value.clone())),
        }
    }
    Ok(settings)
}

macro_rules! build {
    ($builder:ty, $url:expr, $connector:expr, $settings:expr, $warnings:expr) => {{
        let mut builder = <$builder>::new()
            .with_url($url.to_string())
            .with_client_options($settings.client)
            .with_retry($settings.retry)
            .with_http_connector($connector);
        for (key, value) in $settings.others {
            match key.parse() {
                Ok(known) => builder = builder.with_config(known, value),
                Err(_) => $warnings.push(format!("unknown storage option '{key}'")),
            }
        }
        Arc::new(builder.build().map_err(|error| Failure::of_options(&error))?)
    }};
}

pub fn open(url: &str, options: &[(String, String)]) -> Result<Clients, Failure> {
    let url = Url::parse(url).map_err(|error| refused(format!("the store's URL: {error}")))?;
    let (scheme, path) =
        ObjectStoreScheme::parse(&url).map_err(|error| refused(without_secrets(&error.to_string())))?;
    let settings = settings(options)?;
    let retries_max = settings.retries_max;
    let connector = Connector::default();
    let mut warnings = Vec::new();
    let (kind, objects, lists): (Kind, Arc<dyn ObjectStore>, Arc<dyn PaginatedListStore>) = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let store = build!(AmazonS3Builder, url, connector, settings, warnings);
            (Kind::S3, store.clone(), store)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let store = build!(MicrosoftAzureBuilder, url, connector, settings, warnings);
            (Kind::Azure, store.clone(), store)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let store = build!(GoogleCloudStorageBuilder, url, connector, settings, warnings);
            (Kind::Gcs, store.clone(), store)
        }
        _ => return Err(refused("the URL is of no store in the cloud")),
    };
    let base = Path::as_ref(&path).to_string();
    Ok(Clients { kind, objects, lists, base, retries_max, warnings })
}
