//! Finds the token for Google Cloud Storage's requests.

use crate::client::{check_url, fetch, is_link_local, read_bounded, Http, TokenRequest};
use crate::oauth::Token;
use crate::options::{Environment, Options};
use crate::refresh::{Lease, NoCredentials, Refreshing, Source};
use crate::refusal::{invalid, unsupported, Refusal};
use crate::secrets::Secrets;
use async_trait::async_trait;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::StaticCredentialProvider;
use std::sync::Arc;
use url::Url;

const FILE_BYTES_MAX: u64 = 1 << 20;
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const METADATA_HOST: &str = "metadata.google.internal";
const DEFAULT_FILE: &str = ".config/gcloud/application_default_credentials.json";

pub enum Account {
    Bearer(String),
    /// The whole JSON; object_store signs tokens with its key by itself.
    Service {
        json: String,
        base_url: Option<String>,
    },
    User {
        client_id: String,
        client_secret: String,
        refresh_token: String,
    },
    Metadata {
        host: String,
    },
    Anonymous,
}

impl Account {
    pub fn resolve(options: &Options, environment: &Environment, secrets: &Secrets) -> Result<Self, Refusal> {
        if options.flag("skip_signature")?.unwrap_or(false) {
            return Ok(Self::Anonymous);
        }
        if let Some(token) = options.owned("bearer_token") {
            return Ok(Self::Bearer(token));
        }
        if options.text("service_account").is_some() && options.text("service_account_key").is_some() {
            return Err(options.bad("service_account", "and 'service_account_key' exclude each other"));
        }
        if let Some(json) = options.text("service_account_key") {
            return Self::parse(json, "option 'service_account_key'", secrets);
        }
        for name in ["service_account", "application_credentials"] {
            if let Some(path) = options.text(name) {
                let bytes = read_bounded(path, FILE_BYTES_MAX);
                let bytes =
                    bytes.map_err(|why| options.bad(name, &format!("names a file that cannot be read: {why}")))?;
                return Self::parse(&String::from_utf8_lossy(&bytes), &format!("the file of option '{name}'"), secrets);
            }
        }
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let folder = match (get("CLOUDSDK_CONFIG"), get("HOME")) {
            (Some(folder), _) => Some(format!("{folder}/application_default_credentials.json")),
            (None, home) => home.map(|home| format!("{home}/{DEFAULT_FILE}")),
        };
        if let Some(path) = folder.filter(|path| std::path::Path::new(path).exists()) {
            let bytes = read_bounded(&path, FILE_BYTES_MAX).map_err(|why| invalid(format!("{path}: {why}")))?;
            return Self::parse(&String::from_utf8_lossy(&bytes), &path, secrets);
        }
        let host = get("GCE_METADATA_HOST").or(get("GCE_METADATA_ROOT")).map_or(METADATA_HOST, String::as_str);
        Ok(Self::Metadata { host: host.into() })
    }

    fn parse(json: &str, place: &str, secrets: &Secrets) -> Result<Self, Refusal> {
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|_| invalid(format!("{place} holds no JSON of credentials")))?;
        let get = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        let need =
            |key: &str| get(key).map(str::to_owned).ok_or_else(|| invalid(format!("{place} has no text '{key}'")));
        for key in ["private_key", "private_key_id", "client_secret", "refresh_token"] {
            secrets.add(get(key).unwrap_or_default());
        }
        match get("type") {
            // delta-rs takes keys without a type.
            Some("service_account") | None => {
                for key in ["client_email", "private_key", "private_key_id"] {
                    need(key)?;
                }
                Ok(Self::Service { json: json.into(), base_url: get("gcs_base_url").map(str::to_owned) })
            }
            Some("authorized_user") => Ok(Self::User {
                client_id: need("client_id")?,
                client_secret: need("client_secret")?,
                refresh_token: need("refresh_token")?,
            }),
            Some(kind @ ("external_account" | "external_account_authorized_user")) => Err(unsupported(format!(
                "{place} is of type {kind}: workload identity federation is not supported; use a service account's \
                 key, or the metadata server"
            ))),
            Some(kind @ "impersonated_service_account") => {
                Err(unsupported(format!("{place} is of type {kind}: impersonation is not supported")))
            }
            Some(_) => {
                Err(unsupported(format!("{place} is of a type that is neither service_account nor authorized_user")))
            }
        }
    }

    /// The address of the store, if the account names one.
    pub fn base_url(&self) -> Option<&str> {
        match self {
            Self::Service { base_url, .. } => base_url.as_deref(),
            _ => None,
        }
    }

    pub fn authenticate(
        self,
        builder: GoogleCloudStorageBuilder,
        options: &Options,
        http: &Http,
        secrets: &Arc<Secrets>,
    ) -> Result<GoogleCloudStorageBuilder, Refusal> {
        let fixed = |bearer: String| Arc::new(StaticCredentialProvider::new(GcpCredential { bearer }));
        let kind = match self {
            Self::Service { json, .. } => return Ok(builder.with_service_account_key(json)),
            Self::Bearer(token) => return Ok(builder.with_credentials(fixed(token))),
            Self::Anonymous => {
                let builder = builder.with_config(GoogleConfigKey::SkipSignature, "true");
                return Ok(builder.with_credentials(fixed(String::new())));
            }
            Self::User { client_id, client_secret, refresh_token } => {
                TokenKind::User { fields: [client_id, client_secret, refresh_token] }
            }
            Self::Metadata { host } => {
                let text = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
                let is_ours = host == METADATA_HOST || Url::parse(&text).is_ok_and(|url| is_link_local(&url));
                TokenKind::Metadata(check_url(options, "GCE_METADATA_HOST", &text, is_ours)?)
            }
        };
        let tokens = Tokens { kind, http: http.clone(), secrets: secrets.clone() };
        Ok(builder.with_credentials(Arc::new(Refreshing::new(tokens))))
    }
}

#[derive(Debug)]
struct Tokens {
    kind: TokenKind,
    http: Http,
    secrets: Arc<Secrets>,
}

enum TokenKind {
    User { fields: [String; 3] },
    Metadata(Url),
}

impl std::fmt::Debug for TokenKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            TokenKind::User { .. } => "user",
            TokenKind::Metadata(_) => "metadata",
        })
    }
}

#[async_trait]
impl Source for Tokens {
    type Credential = GcpCredential;

    async fn fetch(&self) -> Result<Lease<GcpCredential>, NoCredentials> {
        let (who, body) = match &self.kind {
            TokenKind::User { fields: [client_id, client_secret, refresh_token] } => {
                let who = "Google's token service";
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret),
                    ("refresh_token", refresh_token),
                ];
                let url = Url::parse(TOKEN_URL).expect("a URL of ours");
                (who, fetch(&self.http.store, who, &TokenRequest::post_form(url, &fields)).await?)
            }
            TokenKind::Metadata(url) => {
                let who = "Google's metadata server";
                let request = TokenRequest::get(url.clone()).header("metadata-flavor", "Google");
                let none = "no credentials are in storage_options, the environment or the application's default file";
                (who, fetch(&self.http.metadata, who, &request).await.map_err(|why| why.prefixed(none))?)
            }
        };
        let token = Token::parse(who, &body, &self.secrets)?;
        Ok(Lease { value: Arc::new(GcpCredential { bearer: token.text }), expires: Some(token.expires) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Vendor;

    fn resolve(json: &str) -> Result<Account, Refusal> {
        let configured = [("service_account_key".to_owned(), json.to_owned())];
        let secrets = Secrets::default();
        let options = Options::resolve(Vendor::Gcs, &configured, &Environment::new(), &secrets, &mut Vec::new())?;
        Account::resolve(&options, &Environment::new(), &secrets)
    }

    #[test]
    fn tells_accounts_apart() {
        let key = r#"{"gcs_base_url": "http://127.0.0.1:1", "disable_oauth": true, "client_email": "",
                      "private_key": "", "private_key_id": ""}"#;
        assert_eq!(resolve(key).ok().unwrap().base_url(), Some("http://127.0.0.1:1"));
        let user = r#"{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}"#;
        assert!(matches!(resolve(user), Ok(Account::User { .. })));
    }

    #[test]
    fn refuses_by_name_and_without_values() {
        for (json, kind) in [
            (r#"{"type": "external_account", "audience": "CANARY"}"#, "external_account"),
            (r#"{"type": "external_account_authorized_user"}"#, "external_account_authorized_user"),
            (r#"{"type": "impersonated_service_account"}"#, "impersonated_service_account"),
            (r#"{"type": "CANARY"}"#, "neither"),
        ] {
            let refusal = resolve(json).err().unwrap();
            assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}");
            assert!(refusal.to_string().contains(kind) && !refusal.to_string().contains("CANARY"), "{refusal}");
        }
        for json in
            ["CANARY", "{}", r#"{"client_email": 1, "private_key": "CANARY"}"#, r#"{"type": "authorized_user"}"#]
        {
            let refusal = resolve(json).err().unwrap();
            assert!(matches!(refusal, Refusal::Invalid(_)) && !refusal.to_string().contains("CANARY"), "{refusal}");
        }
    }
}
