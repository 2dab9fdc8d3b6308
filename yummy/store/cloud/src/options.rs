//! The meaning of option names: delta-rs's names in any case, with or without the vendor's prefix, from the store's
//! configuration and from the environment. The configuration takes precedence. If it names a way to authenticate, all
//! other ways in the environment are ignored, so that the two never mix.

use crate::location::Vendor;
use crate::refusal::{invalid, unsupported, Refusal};
use crate::secrets::Secrets;
use std::collections::BTreeMap;
use std::time::Duration;

pub type Environment = BTreeMap<String, String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Duration,
    Count,
    Factor,
    /// A text that no message may hold.
    Secret,
    /// One way to authenticate, or a part of one.
    Credential,
    SecretCredential,
    CredentialFlag,
    /// Harmless, but without effect here; a warning says why.
    Ignored(&'static str),
    /// Known but not supported; refused unless it is "false", "none" or empty.
    Refused(&'static str),
}
use Kind::*;

struct Known {
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
}

const fn known(name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Known {
    Known { name, aliases, kind }
}

const DYNAMODB: &str = "there is no lock table here: commits need none, as they are conditional puts";
const NO_RENAME: &str = "commits are conditional puts, and nothing is renamed";

const COMMON: &[Known] = &[
    known("allow_http", &["use_http"], Flag),
    known("allow_invalid_certificates", &[], Flag),
    known("backoff_config.base", &["backoff.base"], Factor),
    known("backoff_config.init_backoff", &["backoff.init_backoff", "init_backoff"], Duration),
    known("backoff_config.max_backoff", &["backoff.max_backoff", "max_backoff"], Duration),
    known("ca_bundle", &["ssl_cert_file"], Text),
    known("connect_timeout", &[], Duration),
    known("default_content_type", &[], Text),
    known("disable_system_certificates", &[], Flag),
    known("http1_only", &[], Flag),
    known("http2_keep_alive_interval", &[], Duration),
    known("http2_keep_alive_timeout", &[], Duration),
    known("http2_keep_alive_while_idle", &[], Flag),
    known("http2_max_frame_size", &[], Count),
    known("http2_only", &[], Flag),
    known("max_retries", &[], Count),
    known("mount_allow_unsafe_rename", &[], Ignored("it is for mounted file systems")),
    known(
        "object_store_concurrency_limit",
        &["concurrency_limit"],
        Ignored("requests in flight are limited for each host by the program"),
    ),
    known("pool_idle_timeout", &[], Duration),
    known("pool_max_idle_per_host", &[], Count),
    known("proxy_ca_certificate", &[], Text),
    known("proxy_excludes", &[], Text),
    known("proxy_url", &[], Secret),
    known("randomize_addresses", &[], Ignored("addresses are used in the resolver's order")),
    known("read_timeout", &[], Duration),
    known("retry_timeout", &[], Duration),
    known("timeout", &[], Duration),
    known("user_agent", &[], Text),
];

const S3: &[Known] = &[
    known("access_key_id", &[], SecretCredential),
    known("access_key_id_dynamodb", &[], Ignored(DYNAMODB)),
    known("addressing_style", &["s3_addressing_style"], Text),
    known("allow_unsafe_rename", &["s3_allow_unsafe_rename"], Ignored(NO_RENAME)),
    known("bucket", &["bucket_name"], Refused("the URL names the bucket")),
    known("checksum_algorithm", &[], Text),
    known("conditional_put", &[], Text),
    known("config_file", &[], Text),
    known("container_authorization_token", &[], SecretCredential),
    known("container_authorization_token_file", &[], Credential),
    known("container_credentials_full_uri", &[], Credential),
    known("container_credentials_relative_uri", &[], Credential),
    known("copy_if_not_exists", &[], Ignored(NO_RENAME)),
    known("delta_dynamo_billing_mode", &[], Ignored(DYNAMODB)),
    known("delta_dynamo_max_elapsed_request_time", &[], Ignored(DYNAMODB)),
    known("delta_dynamo_table_name", &[], Ignored(DYNAMODB)),
    known("disable_bulk_delete", &[], Flag),
    known("disable_tagging", &[], Flag),
    known("ec2_metadata_disabled", &[], Flag),
    known("ec2_metadata_timeout", &[], Count),
    known("endpoint", &["endpoint_url"], Text),
    known("endpoint_url_dynamodb", &[], Ignored(DYNAMODB)),
    known("endpoint_url_s3", &[], Text),
    known("endpoint_url_sts", &[], Text),
    known("force_credential_load", &[], Ignored("credentials are always looked for")),
    known("get_internal_server_error_retries", &["s3_get_internal_server_error_retries"], Ignored("use max_retries")),
    known("iam_role_arn", &["assume_role_arn", "s3_assume_role_arn"], Credential),
    known("imdsv1_fallback", &[], Refused("only the second version of the metadata service (IMDSv2) is asked")),
    known("locking_provider", &["s3_locking_provider"], Refused(DYNAMODB)),
    known("metadata_endpoint", &["ec2_metadata_service_endpoint"], Text),
    known("profile", &["default_profile"], Credential),
    known("region", &[], Text),
    known("region_dynamodb", &[], Ignored(DYNAMODB)),
    known("request_payer", &[], Flag),
    known("role_arn", &[], Credential),
    known("role_session_name", &["iam_role_session_name", "s3_role_session_name"], Text),
    known("s3_express", &[], Refused("directory buckets list without an order, which the log needs")),
    known("s3_pool_idle_timeout_seconds", &["pool_idle_timeout_seconds"], Ignored("use pool_idle_timeout")),
    known("secret_access_key", &[], SecretCredential),
    known("secret_access_key_dynamodb", &[], Ignored(DYNAMODB)),
    known("server_side_encryption", &[], Text),
    known("session_token", &["token"], SecretCredential),
    known("session_token_dynamodb", &[], Ignored(DYNAMODB)),
    known("shared_credentials_file", &[], Text),
    known("skip_signature", &[], CredentialFlag),
    known("sse_bucket_key_enabled", &[], Flag),
    known("sse_customer_key_base64", &[], Secret),
    known("sse_kms_key_id", &[], Text),
    known("sts_pool_idle_timeout_seconds", &[], Ignored("use pool_idle_timeout")),
    known("unsigned_payload", &[], Flag),
    known("use_dualstack_endpoint", &[], Refused("name the endpoint by the option 'endpoint'")),
    known("use_fips_endpoint", &[], Refused("name the endpoint by the option 'endpoint'")),
    known("virtual_hosted_style_request", &[], Flag),
    known("web_identity_token_file", &[], Credential),
    // After `region`: only used without it.
    known("default_region", &[], Text),
];

const FABRIC: &str = "tokens of the Fabric token service are not supported: use a client secret or a managed identity";

const AZURE: &[Known] = &[
    known("account_key", &["access_key", "master_key"], SecretCredential),
    known("account_name", &[], Text),
    known("authority_host", &[], Text),
    known("bearer_token", &["token"], SecretCredential),
    known("client_id", &[], Credential),
    known("client_secret", &[], SecretCredential),
    known("connection_string", &[], Ignored("connection strings are not read: give account_name and account_key")),
    known("container_name", &[], Refused("the URL names the container")),
    known("credential_type", &[], Credential),
    known("disable_tagging", &[], Flag),
    known("encryption_key", &[], Secret),
    known("endpoint", &[], Text),
    known("fabric_cluster_identifier", &[], Refused(FABRIC)),
    known("fabric_session_token", &[], Refused(FABRIC)),
    known("fabric_token_service_url", &[], Refused(FABRIC)),
    known("fabric_workload_host", &[], Refused(FABRIC)),
    known("federated_token_file", &[], Credential),
    known("identity_header", &[], Secret),
    known("msi_endpoint", &["identity_endpoint"], Text),
    known("msi_resource_id", &[], Credential),
    known("object_id", &[], Credential),
    known("sas_token", &["sas_key"], SecretCredential),
    known("skip_signature", &[], CredentialFlag),
    known("tenant_id", &["authority_id"], Text),
    known("use_azure_cli", &[], CredentialFlag),
    known("use_emulator", &[], Flag),
    known("use_fabric_endpoint", &[], Flag),
];

const GCS: &[Known] = &[
    known("application_credentials", &[], Credential),
    known("base_url", &["endpoint"], Text),
    known("bearer_token", &["token"], SecretCredential),
    known("bucket", &["bucket_name"], Refused("the URL names the bucket")),
    known("external_account", &[], Refused("workload identity federation is not supported")),
    known("impersonate_service_account", &[], Refused("impersonation of service accounts is not supported")),
    known("service_account", &["service_account_path"], Credential),
    known("service_account_key", &[], SecretCredential),
    known("skip_signature", &[], CredentialFlag),
];

// Variables of the platforms that have no prefix of their vendor, or another one.
const UNPREFIXED: &[(Vendor, &str, &str)] =
    &[(Vendor::Azure, "IDENTITY_ENDPOINT", "msi_endpoint"), (Vendor::Azure, "IDENTITY_HEADER", "identity_header")];

fn prefixes(vendor: Vendor) -> &'static [&'static str] {
    match vendor {
        Vendor::S3 => &["aws_s3_", "aws_"],
        Vendor::Azure => &["azure_storage_", "azure_"],
        Vendor::Gcs => &["google_"],
    }
}

fn table(vendor: Vendor) -> &'static [Known] {
    match vendor {
        Vendor::S3 => S3,
        Vendor::Azure => AZURE,
        Vendor::Gcs => GCS,
    }
}

// `name` is in lower case.
fn find(vendor: Vendor, name: &str) -> Option<&'static Known> {
    let find_plain = |plain: &str| {
        let matches = |known: &&Known| known.name == plain || known.aliases.contains(&plain);
        COMMON.iter().chain(table(vendor)).find(matches)
    };
    let unprefixed = prefixes(vendor).iter().filter_map(|prefix| name.strip_prefix(prefix));
    std::iter::once(name).chain(unprefixed).find_map(find_plain)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    Configuration,
    Environment,
}

struct Value {
    text: String,
    // As the user wrote it; messages name this.
    key: String,
    origin: Origin,
}

/// The options of one store by their canonical names.
pub struct Options {
    vendor: Vendor,
    values: BTreeMap<&'static str, Value>,
}

impl Options {
    /// Pushes a line on `warnings` for each key that has no effect.
    pub fn resolve(
        vendor: Vendor,
        configured: &[(String, String)],
        environment: &Environment,
        secrets: &Secrets,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Refusal> {
        let mut options = Self { vendor, values: BTreeMap::new() };
        for (key, text) in configured {
            match find(vendor, &key.to_ascii_lowercase()) {
                Some(Known { kind: Ignored(reason), .. }) => {
                    warnings.push(format!("option '{key}' has no effect: {reason}"));
                }
                Some(known) => options.add(known, key, text, Origin::Configuration)?,
                None => warnings.push(unknown_key(vendor, key)),
            }
        }
        let chosen = options.has_credentials();
        for (key, text) in environment {
            let lower = key.to_ascii_lowercase();
            let known = match UNPREFIXED.iter().find(|(of, name, _)| *of == vendor && name == key) {
                Some((_, _, name)) => find(vendor, name),
                None if prefixes(vendor).iter().any(|prefix| lower.starts_with(prefix)) => find(vendor, &lower),
                None => None,
            };
            match known {
                Some(Known { kind: Ignored(_), .. }) | None => {}
                // Variables of this name are meant for other programs, and many users have one.
                Some(Known { name: "bucket" | "container_name", .. }) => {}
                Some(known) if chosen && matches!(known.kind, Credential | SecretCredential | CredentialFlag) => {}
                Some(known) => options.add(known, key, text, Origin::Environment)?,
            }
        }
        options.check(secrets)?;
        Ok(options)
    }

    fn add(&mut self, known: &Known, key: &str, text: &str, origin: Origin) -> Result<(), Refusal> {
        let text = text.trim(); // a value that comes from a file often ends in a newline
        if text.is_empty() {
            return Ok(()); // counts as absent: `${TOKEN}` of an empty variable
        }
        if let Some(other) = self.values.get(known.name) {
            if other.origin == origin && other.text != text {
                return Err(invalid(format!("options '{}' and '{key}' mean the same and differ", other.key)));
            }
            return Ok(()); // the configuration was added first
        }
        let value = Value { text: text.into(), key: key.into(), origin };
        self.values.insert(known.name, value);
        Ok(())
    }

    fn check(&self, secrets: &Secrets) -> Result<(), Refusal> {
        for (name, value) in &self.values {
            match find(self.vendor, name).expect("a canonical name").kind {
                Secret | SecretCredential => secrets.add(&value.text),
                Flag | CredentialFlag => drop(self.flag(name)?),
                Duration => drop(self.duration(name)?),
                Count => drop(self.count(name)?),
                Factor => drop(self.factor(name)?),
                Refused(reason)
                    if !matches!(value.text.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "none") =>
                {
                    return Err(unsupported(format!("option '{}' is not supported: {reason}", value.key)));
                }
                Text | Credential | Ignored(_) | Refused(_) => {}
            }
            // Most of them become headers.
            let has_lines = matches!(*name, "service_account_key" | "proxy_ca_certificate");
            let is_token = find(self.vendor, name).is_some_and(|known| known.kind == SecretCredential);
            let fits = |c: char| if is_token { c.is_ascii_graphic() } else { !c.is_control() };
            if !has_lines && !value.text.chars().all(fits) {
                return Err(self.bad(name, "has a character that does not belong there"));
            }
        }
        Ok(())
    }

    /// True if the store's configuration itself says how to authenticate.
    fn has_credentials(&self) -> bool {
        self.values.iter().filter(|(_, value)| value.origin == Origin::Configuration).any(|(name, value)| {
            match find(self.vendor, name).expect("a canonical name").kind {
                // A role is assumed with other credentials, which may come from the environment.
                Credential | SecretCredential => *name != "iam_role_arn",
                CredentialFlag => parse_flag(&value.text) == Some(true),
                _ => false,
            }
        })
    }

    pub fn is_configured(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| value.origin == Origin::Configuration)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        debug_assert!([Vendor::S3, Vendor::Azure, Vendor::Gcs]
            .iter()
            .any(|of| find(*of, name).is_some_and(|known| known.name == name)));
        self.values.get(name).map(|value| value.text.as_str())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.text(name).map(|text| parse_flag(text).ok_or_else(|| self.bad(name, "must be true or false"))).transpose()
    }

    pub fn duration(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let parse = |text: &str| {
            humantime::parse_duration(text)
                .ok()
                .filter(|duration| !duration.is_zero() && *duration <= DAY)
                .ok_or_else(|| self.bad(name, "must be a time with a unit, up to a day, as in 30s or 500ms"))
        };
        self.text(name).map(parse).transpose()
    }

    pub fn count(&self, name: &str) -> Result<Option<u32>, Refusal> {
        let parse = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|count| *count <= 1 << 24)
                .ok_or_else(|| self.bad(name, "must be a whole number"))
        };
        self.text(name).map(parse).transpose()
    }

    pub fn factor(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let parse = |text: &str| {
            text.parse::<f64>()
                .ok()
                .filter(|factor| (1.0..=100.0).contains(factor))
                .ok_or_else(|| self.bad(name, "must be a number from 1 to 100"))
        };
        self.text(name).map(parse).transpose()
    }

    /// An error about the value of an option, without the value.
    pub fn bad(&self, name: &str, what: &str) -> Refusal {
        match self.values.get(name) {
            Some(Value { key, origin: Origin::Environment, .. }) => {
                invalid(format!("environment variable {key} {what}"))
            }
            Some(Value { key, .. }) => invalid(format!("option '{key}' {what}")),
            None => invalid(format!("option '{name}' {what}")),
        }
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" | "y" => Some(true),
        "0" | "false" | "off" | "no" | "n" => Some(false),
        _ => None,
    }
}

fn unknown_key(vendor: Vendor, key: &str) -> String {
    // If somebody writes a value where a key belongs, the log must not show it.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if key.is_empty() || key.len() > 64 || !key.chars().all(plain) {
        return "an option whose name is no word has no effect".into();
    }
    let lower = key.to_ascii_lowercase();
    for other in [Vendor::S3, Vendor::Azure, Vendor::Gcs] {
        if other != vendor && find(other, &lower).is_some() {
            return format!("option '{key}' is for {} and has no effect on {}", other.name(), vendor.name());
        }
    }
    let plain_key = prefixes(vendor).iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let names = COMMON.iter().chain(table(vendor)).flat_map(|known| known.aliases.iter().chain([&known.name]));
    let nearest = names
        .map(|name| (distance(plain_key, name), *name))
        .filter(|(distance, _)| *distance < plain_key.len() / 3 + 2) // a name further away is not a typing error
        .min();
    match nearest {
        Some((_, name)) => format!("option '{key}' is unknown and has no effect: did you mean '{name}'?"),
        None => format!("option '{key}' is unknown and has no effect"),
    }
}

fn distance(from: &str, to: &str) -> usize {
    let to = to.as_bytes();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn resolve_in(
        vendor: Vendor,
        configured: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> (Result<Options, Refusal>, Vec<String>) {
        let mut warnings = Vec::new();
        let environment = pairs(environment).into_iter().collect();
        let options = Options::resolve(vendor, &pairs(configured), &environment, &Secrets::default(), &mut warnings);
        (options, warnings)
    }

    fn resolve(vendor: Vendor, configured: &[(&str, &str)]) -> Result<Options, Refusal> {
        resolve_in(vendor, configured, &[]).0
    }

    #[test]
    fn takes_every_spelling() {
        use Vendor::*;
        let cases = [
            (S3, "region", ["AWS_REGION", "aws_region", "region", "Region"].as_slice()),
            (S3, "endpoint", &["AWS_ENDPOINT_URL", "aws_endpoint", "endpoint", "endpoint_url"]),
            (S3, "endpoint_url_s3", &["AWS_ENDPOINT_URL_S3"]),
            (S3, "session_token", &["AWS_SESSION_TOKEN", "aws_token", "token", "session_token"]),
            (S3, "allow_unsafe_rename", &["AWS_S3_ALLOW_UNSAFE_RENAME", "allow_unsafe_rename"]),
            (S3, "iam_role_arn", &["AWS_IAM_ROLE_ARN", "AWS_S3_ASSUME_ROLE_ARN"]),
            (S3, "role_session_name", &["AWS_ROLE_SESSION_NAME", "AWS_IAM_ROLE_SESSION_NAME"]),
            (S3, "addressing_style", &["AWS_S3_ADDRESSING_STYLE"]),
            (S3, "allow_http", &["AWS_ALLOW_HTTP", "allow_http"]),
            (S3, "ca_bundle", &["AWS_CA_BUNDLE", "ca_bundle"]),
            (S3, "metadata_endpoint", &["AWS_METADATA_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]),
            (S3, "timeout", &["timeout", "aws_timeout"]),
            (Azure, "account_name", &["AZURE_STORAGE_ACCOUNT_NAME", "azure_account_name", "account_name"]),
            (Azure, "account_key", &["AZURE_STORAGE_ACCOUNT_KEY", "azure_storage_access_key", "master_key"]),
            (Azure, "allow_http", &["AZURE_STORAGE_USE_HTTP", "azure_allow_http"]),
            (Azure, "use_emulator", &["AZURE_STORAGE_USE_EMULATOR"]),
            (Azure, "sas_token", &["AZURE_STORAGE_SAS_TOKEN", "azure_storage_sas_key", "sas_token"]),
            (Azure, "tenant_id", &["AZURE_TENANT_ID", "azure_storage_authority_id", "authority_id"]),
            (Azure, "msi_endpoint", &["AZURE_MSI_ENDPOINT", "azure_identity_endpoint"]),
            (Gcs, "service_account", &["GOOGLE_SERVICE_ACCOUNT", "google_service_account_path"]),
            (Gcs, "application_credentials", &["GOOGLE_APPLICATION_CREDENTIALS"]),
        ];
        for (vendor, canonical, keys) in cases {
            for key in keys {
                let known = find(vendor, &key.to_ascii_lowercase());
                assert_eq!(known.map(|known| known.name), Some(canonical), "{key}");
            }
        }
    }

    #[test]
    fn names_are_documented() {
        let document = include_str!("../../../../docs/stores.md");
        for known in COMMON.iter().chain(S3).chain(AZURE).chain(GCS) {
            assert!(document.contains(&format!("`{}`", known.name)), "{}", known.name);
        }
    }

    #[test]
    fn names_are_unique() {
        for vendor in [Vendor::S3, Vendor::Azure, Vendor::Gcs] {
            let mut seen = std::collections::BTreeSet::new();
            for known in COMMON.iter().chain(table(vendor)) {
                for name in known.aliases.iter().chain([&known.name]) {
                    assert!(seen.insert(name), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_configuration_beats_the_environment() {
        let (options, _) = resolve_in(
            Vendor::S3,
            &[("region", "eu-west-1")],
            &[
                ("AWS_REGION", "us-east-1"),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("REGION", "x"),
                ("AWS_PAGER", "x"),
            ],
        );
        let options = options.unwrap();
        assert_eq!(options.text("region"), Some("eu-west-1"));
        assert_eq!(options.text("endpoint"), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn configured_credentials_hide_those_of_the_environment() {
        let environment =
            [("AWS_SESSION_TOKEN", "t"), ("AWS_ACCESS_KEY_ID", "e"), ("AWS_PROFILE", "p"), ("AWS_IAM_ROLE_ARN", "r")];
        let (options, _) = resolve_in(Vendor::S3, &[("access_key_id", "c"), ("secret_access_key", "s")], &environment);
        let options = options.unwrap();
        assert_eq!(options.text("access_key_id"), Some("c"));
        for name in ["session_token", "profile", "iam_role_arn"] {
            assert_eq!(options.text(name), None, "{name}");
        }
        let (options, _) = resolve_in(Vendor::S3, &[("iam_role_arn", "mine")], &environment);
        let options = options.unwrap();
        assert_eq!(options.text("iam_role_arn"), Some("mine"));
        assert_eq!(options.text("access_key_id"), Some("e"));
        let (options, _) = resolve_in(Vendor::S3, &[("skip_signature", "false")], &environment);
        assert_eq!(options.unwrap().text("access_key_id"), Some("e"));
    }

    #[test]
    fn blanks_around_a_value_do_not_count() {
        let options = resolve(Vendor::S3, &[("secret_access_key", " secret\n"), ("region", "\n")]).unwrap();
        assert_eq!((options.text("secret_access_key"), options.text("region")), (Some("secret"), None));
    }

    #[test]
    fn spellings_that_differ_are_refused() {
        let refusal = resolve(Vendor::S3, &[("AWS_REGION", "CANARY-1"), ("region", "CANARY-2")]).err().unwrap();
        assert!(refusal.to_string().contains("'AWS_REGION' and 'region'"), "{refusal}");
        assert!(!refusal.to_string().contains("CANARY"), "{refusal}");
        assert!(resolve(Vendor::S3, &[("AWS_REGION", "same"), ("region", "same")]).is_ok());
    }

    #[test]
    fn unknown_keys_are_warned_of_without_their_values() {
        let (options, warnings) = resolve_in(
            Vendor::S3,
            &[
                ("aws_regoin", "CANARY"),
                ("secret_acess_key", "CANARY"),
                ("entirely_else", "CANARY"),
                ("azure_storage_account_key", "CANARY"),
                ("object_store_concurrency_limit", "CANARY"),
                ("CANARY/as+a+key", "x"),
            ],
            &[("AWS_UNKNOWN", "CANARY")],
        );
        assert!(options.is_ok());
        let text = warnings.join("\n");
        assert_eq!(warnings.len(), 6, "{text}");
        assert!(!text.contains("CANARY"), "{text}");
        for part in
            ["'aws_regoin' is unknown and has no effect: did you mean 'region'?", "'secret_access_key'?", "for Azure"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_not_done_is_refused() {
        use Vendor::*;
        for (vendor, key, value) in [
            (S3, "AWS_S3_LOCKING_PROVIDER", "dynamodb"),
            (S3, "aws_s3_express", "true"),
            (S3, "imdsv1_fallback", "true"),
            (S3, "bucket", "x"),
            (Azure, "azure_fabric_session_token", "CANARY"),
            (Azure, "container_name", "x"),
            (Gcs, "impersonate_service_account", "x"),
        ] {
            let refusal = resolve(vendor, &[(key, value)]).err().unwrap();
            assert!(matches!(refusal, Refusal::Unsupported(_)), "{key}");
            assert!(refusal.to_string().contains(key) && !refusal.to_string().contains("CANARY"), "{refusal}");
        }
        assert!(resolve(S3, &[("AWS_S3_LOCKING_PROVIDER", "none"), ("s3_express", "false")]).is_ok());
        let (options, _) = resolve_in(S3, &[], &[("AWS_S3_LOCKING_PROVIDER", "dynamodb")]);
        assert!(matches!(options, Err(Refusal::Unsupported(_))));
    }

    #[test]
    fn values_of_another_kind_are_refused_without_being_shown() {
        for (key, value) in [
            ("timeout", "CANARY"),
            ("timeout", "30"),
            ("timeout", "0s"),
            ("read_timeout", "9999999999999d"),
            ("max_retries", "-1"),
            ("max_retries", "CANARY"),
            ("allow_http", "CANARY"),
            ("backoff_config.base", "nan"),
            ("backoff_config.base", "0.5"),
            ("region", "a\0b"),
            ("user_agent", "a\nCANARY"),
            ("session_token", "CANARY with blanks"),
            ("session_token", "CANARYß"),
            ("skip_signature", "CANARY"),
        ] {
            let refusal = resolve(Vendor::S3, &[(key, value)]).err().unwrap_or_else(|| panic!("{key}={value}"));
            assert!(refusal.to_string().contains(key) && !refusal.to_string().contains("CANARY"), "{refusal}");
        }
        let options = resolve(Vendor::S3, &[("timeout", "2m"), ("max_retries", "0"), ("allow_http", "True")]).unwrap();
        assert_eq!(options.duration("timeout").unwrap(), Some(std::time::Duration::from_secs(120)));
        assert_eq!(options.count("max_retries").unwrap(), Some(0));
        assert_eq!(options.flag("allow_http").unwrap(), Some(true));
    }

    #[test]
    fn secrets_become_known() {
        let secrets = Secrets::default();
        let configured = pairs(&[("secret_access_key", "CANARY-SECRET"), ("region", "eu-west-1")]);
        Options::resolve(Vendor::S3, &configured, &Environment::new(), &secrets, &mut Vec::new()).unwrap();
        assert_eq!(secrets.clean("x CANARY-SECRET eu-west-1"), "x *** eu-west-1");
    }
}
