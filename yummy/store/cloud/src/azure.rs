//! Finds the key, SAS or token for Azure's requests.

use crate::client::{check_url, fetch, is_link_local, is_metadata, Http, TokenRequest};
use crate::oauth::{read_token, Token};
use crate::options::Options;
use crate::process;
use crate::refresh::{Lease, NoCredentials, Refreshing, Source};
use crate::refusal::{invalid, Refusal};
use crate::secrets::Secrets;
use async_trait::async_trait;
use object_store::azure::{AzureConfigKey, AzureCredential, MicrosoftAzureBuilder};
use std::sync::Arc;
use url::Url;

const AUTHORITY: &str = "https://login.microsoftonline.com";
const IDENTITY_ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const SCOPE: &str = "https://storage.azure.com/.default";
const RESOURCE: &str = "https://storage.azure.com";

/// Gives the builder what the options name, or else the machine's managed identity.
pub fn authenticate(
    builder: MicrosoftAzureBuilder,
    options: &Options,
    http: &Http,
    secrets: &Arc<Secrets>,
) -> Result<MicrosoftAzureBuilder, Refusal> {
    let has = |name| options.text(name).is_some();
    if options.flag("skip_signature")?.unwrap_or(false) {
        return Ok(builder.with_config(AzureConfigKey::SkipSignature, "true"));
    }
    let kind = match options.text("credential_type").unwrap_or("auto") {
        "auto" if has("bearer_token") => "bearer_token",
        "auto" if has("account_key") => "access_key",
        "auto" if has("client_secret") => "client_secret",
        "auto" if has("federated_token_file") => "workload_identity",
        "auto" if has("sas_token") => "sas_token",
        "auto" if options.flag("use_azure_cli")?.unwrap_or(false) => "azure_cli",
        "auto" => "managed_identity",
        kind => kind,
    };
    let need = |name: &'static str| {
        options
            .owned(name)
            .ok_or_else(|| invalid(format!("option '{name}' is missing, which the credential type {kind} needs")))
    };
    let identity = |kind| Ok(Identity { kind, http: http.clone(), secrets: secrets.clone() });
    let token_url = || -> Result<Url, Refusal> {
        let authority = options.text("authority_host").unwrap_or(AUTHORITY);
        let tenant = need("tenant_id")?;
        if !tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
            return Err(options.bad("tenant_id", "is no name of a tenant"));
        }
        let authority = check_url(options, "authority_host", authority, false)?;
        let text = format!("{}/{tenant}/oauth2/v2.0/token", authority.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|_| options.bad("tenant_id", "is no name of a tenant"))
    };
    let identity: Identity = match kind {
        "bearer_token" => return Ok(builder.with_config(AzureConfigKey::Token, need("bearer_token")?)),
        "access_key" => return Ok(builder.with_config(AzureConfigKey::AccessKey, need("account_key")?)),
        "sas_token" => return Ok(builder.with_config(AzureConfigKey::SasKey, need("sas_token")?)),
        "client_secret" => identity(IdentityKind::Client {
            token_url: token_url()?,
            client_id: need("client_id")?,
            proof: Proof::Secret(need("client_secret")?),
        }),
        "workload_identity" => identity(IdentityKind::Client {
            token_url: token_url()?,
            client_id: need("client_id")?,
            proof: Proof::TokenFile(need("federated_token_file")?),
        }),
        "azure_cli" => identity(IdentityKind::CommandLine),
        "managed_identity" => {
            let endpoint = options.text("msi_endpoint").unwrap_or(IDENTITY_ENDPOINT);
            let is_near = Url::parse(endpoint).is_ok_and(|url| is_metadata(&url) || is_link_local(&url));
            let mut url = check_url(options, "msi_endpoint", endpoint, is_near)?;
            let names = [("client_id", "client_id"), ("object_id", "object_id"), ("msi_resource_id", "msi_res_id")];
            let which = names.iter().find_map(|(name, parameter)| Some((*parameter, options.text(name)?)));
            url.query_pairs_mut()
                .extend_pairs([("api-version", "2019-08-01"), ("resource", RESOURCE)])
                .extend_pairs(which);
            identity(IdentityKind::Managed { url, header: options.owned("identity_header") })
        }
        _ => {
            return Err(options.bad(
                "credential_type",
                "is none of auto, bearer_token, access_key, client_secret, workload_identity, \
                                                       sas_token, azure_cli, managed_identity",
            ));
        }
    }?;
    Ok(builder.with_credentials(Arc::new(Refreshing::new(identity))))
}

#[derive(Debug)]
struct Identity {
    kind: IdentityKind,
    http: Http,
    secrets: Arc<Secrets>,
}

enum IdentityKind {
    Client { token_url: Url, client_id: String, proof: Proof },
    Managed { url: Url, header: Option<String> },
    CommandLine,
}

enum Proof {
    Secret(String),
    TokenFile(String),
}

impl std::fmt::Debug for IdentityKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            IdentityKind::Client { .. } => "client",
            IdentityKind::Managed { .. } => "managed identity",
            IdentityKind::CommandLine => "command line",
        })
    }
}

#[async_trait]
impl Source for Identity {
    type Credential = AzureCredential;

    async fn fetch(&self) -> Result<Lease<AzureCredential>, NoCredentials> {
        match &self.kind {
            IdentityKind::Client { token_url, client_id, proof } => {
                let mut fields =
                    vec![("client_id", client_id.as_str()), ("scope", SCOPE), ("grant_type", "client_credentials")];
                let assertion;
                match proof {
                    Proof::Secret(secret) => fields.push(("client_secret", secret)),
                    Proof::TokenFile(path) => {
                        assertion = read_token(path)?;
                        self.secrets.add_fetched(&assertion);
                        fields
                            .push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
                        fields.push(("client_assertion", &assertion));
                    }
                }
                const WHO: &str = "Microsoft Entra ID";
                let request = TokenRequest::post_form(token_url.clone(), &fields).header("accept", "application/json");
                self.lease(WHO, &fetch(&self.http.store, WHO, &request).await?)
            }
            IdentityKind::Managed { url, header } => {
                const WHO: &str = "the managed identity's service";
                let mut request = TokenRequest::get(url.clone()).header("metadata", "true");
                if let Some(header) = header {
                    request = request.header("x-identity-header", header);
                }
                let body = fetch(&self.http.metadata, WHO, &request).await;
                let none = "no credentials are in storage_options or the environment";
                self.lease(WHO, &body.map_err(|why| why.prefixed(none))?)
            }
            IdentityKind::CommandLine => {
                let words =
                    ["az", "account", "get-access-token", "--output", "json", "--scope", SCOPE].map(str::to_owned);
                let who = "the command line of Azure (az account get-access-token)";
                let output = process::run(words.into(), process::TIMEOUT).await.map_err(|why| why.prefixed(who))?;
                self.lease(who, &output)
            }
        }
    }
}

impl Identity {
    fn lease(&self, who: &str, body: &[u8]) -> Result<Lease<AzureCredential>, NoCredentials> {
        let token = Token::parse(who, body, &self.secrets)?;
        Ok(Lease { value: Arc::new(AzureCredential::BearerToken(token.text)), expires: Some(token.expires) })
    }
}
