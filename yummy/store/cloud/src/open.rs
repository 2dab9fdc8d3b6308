//! From a store's URL, its options and the environment to a client of object_store.

use crate::attempts::Completion;
use crate::aws;
use crate::azure;
use crate::client::{check_url, Http};
use crate::gcs::Account;
use crate::location::{Location, Vendor};
use crate::options::{Environment, Options};
use crate::refusal::{invalid, unsupported, Refusal};
use crate::secrets::Secrets;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const RETRIES_MAX: u32 = 5;
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The clients of one store.
pub struct Clients {
    pub vendor: Vendor,
    pub objects: Arc<dyn ObjectStore>,
    pub lists: Arc<dyn PaginatedListStore>,
    /// The key of the store's root, without slashes at its ends.
    pub base: String,
    pub retries_max: u32,
    /// The service is known to heed the condition of a put; others that speak its protocol may not.
    pub heeds_conditions: bool,
    /// Keys that one request deletes.
    pub deletes_at_once: usize,
    /// How an upload in parts is completed on the condition that the object is absent; none where the store cannot.
    pub completion: Option<Completion>,
    /// What a person should know: options without effect, dangerous ones.
    pub warnings: Vec<String>,
    pub secrets: Arc<Secrets>,
}

/// `observe` wraps the HTTP client of the store's own requests; those for credentials do not pass through it.
pub fn open(
    url: &str,
    configured: &[(String, String)],
    environment: &Environment,
    observe: impl FnOnce(HttpClient) -> HttpClient,
) -> Result<Clients, Refusal> {
    let location = Location::parse(url)?;
    let secrets = Arc::new(Secrets::default());
    let mut warnings = Vec::new();
    let options = Options::resolve(location.vendor, configured, environment, &secrets, &mut warnings)?;
    let retry = retry(&options)?;
    let retries_max = u32::try_from(retry.max_retries).unwrap_or(u32::MAX);
    let parts = Parts { location: &location, options: &options, environment, secrets: &secrets, retry };
    let deletes_at_once = match location.vendor {
        Vendor::S3 if options.flag("disable_bulk_delete")?.unwrap_or(false) => 1,
        Vendor::S3 => 1000,
        Vendor::Azure => 256,
        Vendor::Gcs => 1, // no bulk request
    };
    let Opened { objects, lists, heeds_conditions, completion } = match location.vendor {
        Vendor::S3 => parts.open_s3(&mut warnings, observe),
        Vendor::Azure => parts.open_azure(&mut warnings, observe),
        Vendor::Gcs => parts.open_gcs(&mut warnings, observe),
    }?;
    let (vendor, base) = (location.vendor, location.prefix);
    Ok(Clients {
        vendor,
        objects,
        lists,
        base,
        retries_max,
        heeds_conditions,
        deletes_at_once,
        completion,
        warnings,
        secrets,
    })
}

fn retry(options: &Options) -> Result<RetryConfig, Refusal> {
    let backoff = BackoffConfig {
        init_backoff: options.duration("backoff_config.init_backoff")?.unwrap_or(RETRY_PAUSE),
        max_backoff: options.duration("backoff_config.max_backoff")?.unwrap_or(RETRY_PAUSE_MAX),
        base: options.factor("backoff_config.base")?.unwrap_or(2.0),
    };
    if backoff.init_backoff > backoff.max_backoff {
        return Err(options.bad("backoff_config.init_backoff", "is longer than 'backoff_config.max_backoff'"));
    }
    let max_retries = options.count("max_retries")?.unwrap_or(RETRIES_MAX);
    if max_retries > 100 {
        return Err(options.bad("max_retries", "must be a whole number from 0 to 100"));
    }
    let retry_timeout = options.duration("retry_timeout")?.unwrap_or(RETRY_TIMEOUT);
    Ok(RetryConfig { backoff, max_retries: max_retries as usize, retry_timeout })
}

struct Opened {
    objects: Arc<dyn ObjectStore>,
    lists: Arc<dyn PaginatedListStore>,
    heeds_conditions: bool,
    completion: Option<Completion>,
}

const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const HOSTS_THAT_HEED_CONDITIONS: [&str; 8] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".r2.cloudflarestorage.com",
    ".core.windows.net",
    ".core.chinacloudapi.cn",
    ".core.usgovcloudapi.net",
    ".fabric.microsoft.com",
    ".googleapis.com",
];

fn heeds_conditions(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    HOSTS_THAT_HEED_CONDITIONS.iter().any(|end| host.ends_with(end))
}

struct Parts<'a> {
    location: &'a Location,
    options: &'a Options,
    environment: &'a Environment,
    secrets: &'a Arc<Secrets>,
    retry: RetryConfig,
}

impl Parts<'_> {
    fn open_s3(self, warnings: &mut Vec<String>, observe: impl FnOnce(HttpClient) -> HttpClient) -> Result<Opened, Refusal> {
        let options = self.options;
        check_s3(options)?;
        let settings = aws::Settings::resolve(options, self.environment, self.location.region.as_deref())?;
        let configured = ["endpoint_url_s3", "endpoint"].into_iter().find(|name| options.text(name).is_some());
        let region = settings.region.clone();
        let (endpoint, is_ours) = match (configured, &self.location.endpoint, &settings.endpoint) {
            (Some(name), Some(_), _) if options.is_configured(name) => {
                return Err(options.bad(name, "and a path that names a host exclude each other"));
            }
            (_, Some(endpoint), _) => (self.url("endpoint", endpoint)?, false),
            (Some(name), None, _) => (self.url(name, options.text(name).expect("just found"))?, true),
            (None, None, Some(endpoint)) => (self.url("endpoint_url", endpoint)?, true),
            (None, None, None) => {
                let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                (self.url("region", &format!("https://s3.{region}.{domain}"))?, false)
            }
        };
        let is_virtual = match options.text("addressing_style") {
            Some("virtual") => true,
            Some("path" | "auto") | None => options.flag("virtual_hosted_style_request")?.unwrap_or(false),
            Some(_) => return Err(options.bad("addressing_style", "must be path or virtual")),
        };
        let mut endpoint = endpoint.as_str().trim_end_matches('/').to_owned();
        if is_virtual && !is_ours && !self.location.virtual_hosted {
            endpoint = endpoint.replacen("://", &format!("://{}.", self.location.container), 1);
        }
        let url = Url::parse(&endpoint).expect("checked");
        let http = Http::build(options, &url, warnings)?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.location.container)
            .with_region(region)
            .with_endpoint(endpoint)
            .with_virtual_hosted_style_request(is_virtual || self.location.virtual_hosted)
            .with_credentials(settings.provider(options, &http, self.secrets)?)
            .with_skip_signature(options.flag("skip_signature")?.unwrap_or(false))
            .with_retry(self.retry)
            .with_client_options(client_options(options))
            .with_http_connector(Connected(observe(http.store)));
        for (name, key) in [
            ("checksum_algorithm", "checksum_algorithm"),
            ("disable_bulk_delete", "disable_bulk_delete"),
            ("disable_tagging", "disable_tagging"),
            ("request_payer", "request_payer"),
            ("server_side_encryption", "server_side_encryption"),
            ("sse_bucket_key_enabled", "sse_bucket_key_enabled"),
            ("sse_customer_key_base64", "sse_customer_key_base64"),
            ("sse_kms_key_id", "sse_kms_key_id"),
            ("unsigned_payload", "unsigned_payload"),
        ] {
            if let Some(text) = options.text(name) {
                builder = builder.with_config(key.parse::<AmazonS3ConfigKey>().expect("a key of object_store"), text);
            }
        }
        let store = Arc::new(builder.build().map_err(|error| refused(self.secrets, &error))?);
        let (heeds_conditions, completion) = (heeds_conditions(&url), Some(Completion::S3));
        Ok(Opened { objects: store.clone(), lists: store, heeds_conditions, completion })
    }

    fn open_azure(self, warnings: &mut Vec<String>, observe: impl FnOnce(HttpClient) -> HttpClient) -> Result<Opened, Refusal> {
        let options = self.options;
        let is_emulator = options.flag("use_emulator")?.unwrap_or(false);
        let account = match (&self.location.account, options.text("account_name")) {
            (Some(of_url), Some(name)) if of_url != name && options.is_configured("account_name") => {
                return Err(options.bad("account_name", "and the path name two accounts"));
            }
            (Some(account), _) => Some(account.clone()),
            (None, account) => account.map(str::to_owned),
        };
        let domain = match options.flag("use_fabric_endpoint")?.unwrap_or(false) {
            true => "blob.fabric.microsoft.com",
            false => "blob.core.windows.net",
        };
        let endpoint = match (options.text("endpoint"), &self.location.endpoint, &account) {
            _ if is_emulator => {
                let url =
                    self.environment.get("AZURITE_BLOB_STORAGE_URL").map_or("http://127.0.0.1:10000", String::as_str);
                self.url("AZURITE_BLOB_STORAGE_URL", url)?
            }
            (Some(endpoint), _, Some(_)) => self.url("endpoint", endpoint)?,
            (None, Some(endpoint), _) => self.url("endpoint", endpoint)?,
            (None, None, Some(account)) if account.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
                self.url("account_name", &format!("https://{account}.{domain}"))?
            }
            (None, None, Some(_)) => return Err(options.bad("account_name", "is no name of an account")),
            (_, _, None) => {
                return Err(invalid(
                    "option 'account_name' is missing, and neither the path nor AZURE_STORAGE_ACCOUNT_NAME names one",
                ));
            }
        };
        let http = Http::build(options, &endpoint, warnings)?;
        let mut builder = MicrosoftAzureBuilder::new()
            .with_container_name(&self.location.container)
            .with_endpoint(endpoint.as_str().trim_end_matches('/').to_owned())
            .with_use_emulator(is_emulator)
            .with_retry(self.retry)
            .with_client_options(client_options(options));
        if let Some(account) = &account {
            builder = builder.with_account(account);
        }
        let account = account.unwrap_or_else(|| EMULATOR_ACCOUNT.into());
        for (name, key) in [
            ("disable_tagging", AzureConfigKey::DisableTagging),
            ("encryption_key", AzureConfigKey::EncryptionKey),
            ("use_fabric_endpoint", AzureConfigKey::UseFabricEndpoint),
        ] {
            if let Some(text) = options.text(name) {
                builder = builder.with_config(key, text);
            }
        }
        // The emulator has a key that everybody knows.
        let has_key = ["account_key", "sas_token", "bearer_token"].iter().any(|name| options.text(name).is_some());
        if !is_emulator || has_key {
            builder = azure::authenticate(builder, options, &http, self.secrets)?;
        }
        let builder = builder.with_http_connector(Connected(observe(http.store)));
        let store = Arc::new(builder.build().map_err(|error| refused(self.secrets, &error))?);
        let completion = Some(Completion::Azure { account, credentials: store.credentials().clone() });
        let heeds_conditions = heeds_conditions(&endpoint);
        Ok(Opened { objects: store.clone(), lists: store, heeds_conditions, completion })
    }

    fn open_gcs(self, warnings: &mut Vec<String>, observe: impl FnOnce(HttpClient) -> HttpClient) -> Result<Opened, Refusal> {
        let options = self.options;
        let account = Account::resolve(options, self.environment, self.secrets)?;
        let base_url = options.text("base_url").or(account.base_url()).unwrap_or("https://storage.googleapis.com");
        let endpoint = self.url("base_url", base_url)?;
        let http = Http::build(options, &endpoint, warnings)?;
        let builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.location.container)
            .with_base_url(endpoint.as_str().trim_end_matches('/'))
            .with_retry(self.retry)
            .with_client_options(client_options(options));
        let builder = account.authenticate(builder, options, &http, self.secrets)?;
        let builder = builder.with_http_connector(Connected(observe(http.store)));
        let store = Arc::new(builder.build().map_err(|error| refused(self.secrets, &error))?);
        // "Preconditions are not supported in the requests": https://cloud.google.com/storage/docs/multipart-uploads
        Ok(Opened { objects: store.clone(), lists: store, heeds_conditions: heeds_conditions(&endpoint), completion: None })
    }

    fn url(&self, name: &str, text: &str) -> Result<Url, Refusal> {
        check_url(self.options, name, text, self.options.flag("allow_http")?.unwrap_or(false))
    }
}

fn check_s3(options: &Options) -> Result<(), Refusal> {
    if options.text("conditional_put").is_some_and(|how| how.trim() != "etag") {
        return Err(unsupported(
            "option 'conditional_put' must be etag: without it two commits of one version could both succeed",
        ));
    }
    let encryption = options.text("server_side_encryption");
    if !matches!(encryption, None | Some("AES256" | "aws:kms" | "aws:kms:dsse" | "sse-c")) {
        return Err(options.bad("server_side_encryption", "must be AES256, aws:kms, aws:kms:dsse or sse-c"));
    }
    if !options.text("checksum_algorithm").is_none_or(|name| name.eq_ignore_ascii_case("sha256")) {
        return Err(options.bad("checksum_algorithm", "must be sha256"));
    }
    Ok(())
}

// The HTTP client is made here; of these object_store reads only what goes into requests.
fn client_options(options: &Options) -> ClientOptions {
    let client = ClientOptions::new().with_allow_http(true);
    match options.text("default_content_type") {
        Some(kind) => client.with_config(ClientConfigKey::DefaultContentType, kind),
        None => client,
    }
}

fn refused(secrets: &Secrets, error: &object_store::Error) -> Refusal {
    invalid(format!("the options of the store: {}", secrets.clean(&error.to_string())))
}

/// Hands out the one client of a store.
#[derive(Clone, Debug)]
struct Connected(HttpClient);

impl HttpConnector for Connected {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_in(url: &str, configured: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Clients, Refusal> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let owned = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        let configured: Vec<_> = configured.iter().map(owned).collect();
        open(url, &configured, &environment.iter().map(owned).collect(), |client| client)
    }

    const KEYS: [(&str, &str); 2] = [("access_key_id", "id"), ("secret_access_key", "secret")];
    const ACCOUNT: [(&str, &str); 2] = [("account_name", "acc"), ("account_key", "a2V5")];

    #[test]
    fn trusts_no_unknown_service_to_heed_conditions() {
        for endpoint in ["https://s3.example.com", "https://amazonaws.com.example.com", "https://evilamazonaws.com"] {
            let options = [KEYS.as_slice(), &[("endpoint", endpoint)]].concat();
            let clients = open_in("s3://bucket", &options, &[]).unwrap_or_else(|refusal| panic!("{endpoint}: {refusal}"));
            assert!(!clients.heeds_conditions, "{endpoint}");
        }
        let azure = [ACCOUNT.as_slice(), &[("endpoint", "https://blobs.example.com")]].concat();
        assert!(!open_in("az://files", &azure, &[]).unwrap().heeds_conditions);
        let google = [("bearer_token", "token"), ("base_url", "https://objects.example.com")];
        assert!(!open_in("gs://bucket", &google, &[]).unwrap().heeds_conditions);
    }

    #[test]
    fn opens_each_vendor() {
        for (url, configured) in [
            ("s3://bucket/a%20b/", KEYS.as_slice()),
            ("https://bucket.s3.eu-west-1.amazonaws.com/a%20b", &KEYS),
            ("az://files/a%20b", &ACCOUNT),
            ("abfss://files@acc.dfs.core.windows.net/a%20b", &ACCOUNT),
            ("gs://bucket/a%20b", &[("bearer_token", "token")]),
            ("gs://bucket/a%20b", &[("skip_signature", "true")]),
        ] {
            let clients = open_in(url, configured, &[]).unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
            assert_eq!((clients.base.as_str(), clients.retries_max), ("a b", RETRIES_MAX), "{url}");
            assert_eq!(clients.warnings, Vec::<String>::new(), "{url}");
            assert!(clients.heeds_conditions, "{url}");
        }
    }

    #[test]
    fn takes_the_variables_that_0_0_9_took() {
        let azure = [
            ("AZURE_STORAGE_ACCOUNT_NAME", "devstoreaccount1"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5"),
            ("AZURE_STORAGE_USE_EMULATOR", "false"),
            ("AZURE_STORAGE_USE_HTTP", "true"),
        ];
        open_in("az://files/x", &[], &azure).unwrap();
        let s3 = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "deltalake"),
            ("AWS_SECRET_ACCESS_KEY", "weloverust"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"),
        ];
        open_in("s3://bucket/x", &[], &s3).unwrap();
        open_in("az://files/x", &[], &[("AZURE_STORAGE_USE_EMULATOR", "true")]).unwrap();
    }

    #[test]
    fn passes_over_variables_of_other_programs() {
        open_in("s3://bucket/x", &KEYS, &[("AWS_BUCKET", "other"), ("AWS_BUCKET_NAME", "other")]).unwrap();
        open_in("az://files/x", &ACCOUNT, &[("AZURE_STORAGE_CONTAINER_NAME", "other")]).unwrap();
        assert!(open_in("s3://bucket/x", &[KEYS[0], KEYS[1], ("bucket", "other")], &[]).is_err());
    }

    #[test]
    fn a_managed_identity_is_near() {
        let open = |endpoint| {
            let environment = [("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", "a-secret")];
            open_in("az://files/x", &[("account_name", "acc")], &environment)
        };
        for good in ["http://169.254.129.4:8081/msi/token", "http://localhost:42356/msi/token", "https://anywhere.example/"] {
            open(good).unwrap_or_else(|refusal| panic!("{good}: {refusal}"));
        }
        for bad in ["http://10.0.0.1/msi/token", "http://169.254.129.4.example/msi/token"] {
            assert!(open(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_unsafe_or_does_not_fit() {
        let cases: [(&str, &[(&str, &str)], &str); 17] = [
            ("s3://bucket/x", &[("conditional_put", "disabled")], "conditional_put"),
            ("s3://bucket/x", &[("conditional_put", "dynamo:CANARY")], "conditional_put"),
            ("s3://bucket/x", &[("locking_provider", "dynamodb")], "locking_provider"),
            ("s3://bucket/x", &[("endpoint", "http://10.0.0.1:9000")], "endpoint"),
            ("s3://bucket/x", &[("endpoint", "https://user:CANARY@host")], "endpoint"),
            ("s3://bucket/x", &[("endpoint_url_sts", "http://CANARY.example")], "endpoint_url_sts"),
            ("https://s3.eu-west-1.amazonaws.com/b", &[("endpoint", "https://host")], "endpoint"),
            ("s3://bucket/x", &[("addressing_style", "CANARY")], "addressing_style"),
            ("s3://bucket/x", &[("server_side_encryption", "CANARY")], "server_side_encryption"),
            ("s3://bucket/x", &[("checksum_algorithm", "CANARY")], "checksum_algorithm"),
            ("s3://bucket/x", &[("max_retries", "101")], "max_retries"),
            ("s3://bucket/x", &[("backoff_config.init_backoff", "1h")], "init_backoff"),
            ("az://files/x", &[], "account_name"),
            ("az://files/x", &[("account_name", "CANARY/x")], "account_name"),
            ("az://files/x", &[("account_name", "acc"), ("client_secret", "CANARY")], "tenant_id"),
            ("az://files/x", &[("account_name", "acc"), ("credential_type", "CANARY")], "credential_type"),
            ("gs://bucket/x", &[("service_account", "/no/such/CANARY")], "service_account"),
        ];
        for (url, configured, says) in cases {
            let refusal = open_in(url, configured, &[]).err().unwrap_or_else(|| panic!("{url} {says}"));
            assert!(refusal.to_string().contains(says) && !refusal.to_string().contains("CANARY"), "{says}: {refusal}");
        }
        let key = [("account_name", "acc"), ("account_key", "CANARY-is-not-base64!")];
        let refusal = open_in("az://files/x", &key, &[]).err().unwrap();
        assert!(!refusal.to_string().contains("CANARY"), "{refusal}");
    }

    #[test]
    fn http_on_other_machines_must_be_allowed() {
        let there = [KEYS[0], KEYS[1], ("endpoint", "http://minio.example:9000")];
        assert!(open_in("s3://bucket/x", &there, &[]).is_err());
        assert!(open_in("s3://bucket/x", &there, &[("AWS_ALLOW_HTTP", "true")]).is_ok());
    }
}
