//! Finds the keys that sign S3's requests.

use crate::aws_profile::{AssumeRole, Plan, Profiles};
use crate::client::{check_url, element, fetch, fetch_signed, is_loopback, is_metadata, Http, TokenRequest};
use crate::oauth::read_token;
use crate::options::{Environment, Options};
use crate::process;
use crate::refresh::{Lease, NoCredentials, Refreshing, Source};
use crate::refusal::{invalid, Refusal};
use crate::secrets::Secrets;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use http::Method;
use object_store::aws::{AwsAuthorizer, AwsCredential, AwsCredentialProvider};
use std::sync::Arc;
use std::time::Instant;
use url::Url;

const INSTANCE_ENDPOINT: &str = "http://169.254.169.254";
const CONTAINER_ENDPOINT: &str = "http://169.254.170.2";
const SESSION_NAME: &str = "yummy";

/// The settings from options, environment and profile together.
pub struct Settings {
    pub region: String,
    /// From the profile; options take precedence.
    pub endpoint: Option<String>,
    plan: Plan,
}

impl Settings {
    pub fn resolve(options: &Options, environment: &Environment, url_region: Option<&str>) -> Result<Self, Refusal> {
        let profile = options.text("profile");
        let profiles =
            Profiles::load(options.text("config_file"), options.text("shared_credentials_file"), environment);
        // A broken profile file that no option names must not be an error.
        let profiles = match (profiles, profile) {
            (Err(refusal), Some(_)) => return Err(refusal),
            (profiles, _) => profiles.unwrap_or_default(),
        };
        let of_profile = |key| profiles.get(profile.unwrap_or("default"), key).map(str::to_owned);
        let region = options
            .owned("region")
            .or(url_region.map(str::to_owned))
            .or_else(|| options.owned("default_region"))
            .or_else(|| of_profile("region"))
            .unwrap_or_else(|| "us-east-1".into());
        if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(options.bad("region", "is no name of a region"));
        }
        let plan = plan(options, environment, &profiles)?;
        Ok(Self { region, endpoint: of_profile("endpoint_url"), plan })
    }

    pub fn provider(
        self,
        options: &Options,
        http: &Http,
        secrets: &Arc<Secrets>,
    ) -> Result<AwsCredentialProvider, Refusal> {
        let url = |name: &str, default: String| match options.text(name) {
            Some(text) => check_url(options, name, text, is_metadata_text(text)),
            None => Ok(Url::parse(&default).expect("a URL of ours")),
        };
        let domain = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let chain = Chain {
            sts: url("endpoint_url_sts", format!("https://sts.{}.{domain}", self.region))?,
            instance: url("metadata_endpoint", INSTANCE_ENDPOINT.into())?,
            instance_disabled: options.flag("ec2_metadata_disabled")?.unwrap_or(false),
            container: container(options)?,
            container_token: options.owned("container_authorization_token"),
            container_token_file: options.owned("container_authorization_token_file"),
            region: self.region,
            session_name: options.owned("role_session_name"),
            plan: self.plan,
            http: http.clone(),
            secrets: secrets.clone(),
        };
        if matches!(chain.plan, Plan::Container) && chain.container.is_none() {
            return Err(invalid(
                "the profile takes credentials from the container, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and \
                                AWS_CONTAINER_CREDENTIALS_FULL_URI are not set",
            ));
        }
        Ok(Arc::new(Refreshing::new(chain)))
    }
}

fn is_metadata_text(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_metadata(&url))
}

// The first of: keys, a named profile, web identity, the default profile, the container, the instance.
fn plan(options: &Options, environment: &Environment, profiles: &Profiles) -> Result<Plan, Refusal> {
    let source = source(options, profiles)?;
    let source = settle_environment(source, environment)?;
    match options.text("iam_role_arn") {
        None => Ok(source),
        Some(role_arn) => Ok(Plan::AssumeRole(Box::new(AssumeRole {
            role_arn: role_arn.into(),
            session_name: None,
            external_id: None,
            duration_seconds: None,
            source,
        }))),
    }
}

fn source(options: &Options, profiles: &Profiles) -> Result<Plan, Refusal> {
    match (options.owned("access_key_id"), options.owned("secret_access_key")) {
        (Some(key_id), Some(secret)) => {
            return Ok(Plan::Keys { key_id, secret, token: options.owned("session_token") })
        }
        (Some(_), None) => return Err(options.bad("access_key_id", "needs 'secret_access_key' beside it")),
        (None, Some(_)) => return Err(options.bad("secret_access_key", "needs 'access_key_id' beside it")),
        (None, None) => {}
    }
    if let Some(profile) = options.text("profile") {
        let plan = profiles.plan(profile)?;
        return plan.ok_or_else(|| options.bad("profile", &format!("names '{profile}', which has no credentials")));
    }
    match (options.owned("web_identity_token_file"), options.owned("role_arn")) {
        (Some(token_file), Some(role_arn)) => {
            return Ok(Plan::WebIdentity { role_arn, token_file, session_name: None })
        }
        (Some(_), None) => return Err(options.bad("web_identity_token_file", "needs 'role_arn' beside it")),
        (None, Some(_)) if options.is_configured("role_arn") => {
            return Err(options.bad(
                "role_arn",
                "needs 'web_identity_token_file' beside it; 'iam_role_arn' is a role to assume \
                                                with other credentials",
            ));
        }
        (None, _) => {}
    }
    if profiles.has("default") {
        if let Some(plan) = profiles.plan("default")? {
            return Ok(plan);
        }
    }
    let in_container = ["container_credentials_relative_uri", "container_credentials_full_uri"]
        .iter()
        .any(|name| options.text(name).is_some());
    Ok(if in_container { Plan::Container } else { Plan::Instance })
}

// credential_source = Environment, wherever it stands in a chain.
fn settle_environment(plan: Plan, environment: &Environment) -> Result<Plan, Refusal> {
    let get = |key: &str| environment.get(key).filter(|value| !value.is_empty()).cloned();
    match plan {
        Plan::Environment => match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
            (Some(key_id), Some(secret)) => Ok(Plan::Keys { key_id, secret, token: get("AWS_SESSION_TOKEN") }),
            _ => Err(invalid(
                "the profile takes credentials from the environment, and AWS_ACCESS_KEY_ID and \
                              AWS_SECRET_ACCESS_KEY are not set",
            )),
        },
        Plan::AssumeRole(role) => {
            let source = settle_environment(role.source, environment)?;
            Ok(Plan::AssumeRole(Box::new(AssumeRole { source, ..*role })))
        }
        plan => Ok(plan),
    }
}

fn container(options: &Options) -> Result<Option<Url>, Refusal> {
    if let Some(path) = options.text("container_credentials_relative_uri") {
        let url = Url::parse(&format!("{CONTAINER_ENDPOINT}{path}")).ok();
        let url = url.filter(|url| path.starts_with('/') && url.host_str() == Some("169.254.170.2"));
        return url
            .map(Some)
            .ok_or_else(|| options.bad("container_credentials_relative_uri", "must be a path as in /v2/credentials"));
    }
    let Some(text) = options.text("container_credentials_full_uri") else {
        return Ok(None);
    };
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" || is_loopback(url) || is_metadata(url));
    url.map(Some).ok_or_else(|| {
        options.bad(
            "container_credentials_full_uri",
            "must be an https URL, or one of this machine or a container's metadata service",
        )
    })
}

#[derive(Debug)]
struct Chain {
    plan: Plan,
    region: String,
    sts: Url,
    instance: Url,
    instance_disabled: bool,
    container: Option<Url>,
    container_token: Option<String>,
    container_token_file: Option<String>,
    session_name: Option<String>,
    http: Http,
    secrets: Arc<Secrets>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?} in {}", self.plan, self.region)
    }
}

type Fetched = Result<Lease<AwsCredential>, NoCredentials>;

#[async_trait]
impl Source for Chain {
    type Credential = AwsCredential;

    async fn fetch(&self) -> Fetched {
        self.fetch_plan(&self.plan).await
    }
}

impl Chain {
    fn fetch_plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Fetched> {
        Box::pin(async move {
            match plan {
                Plan::Keys { key_id, secret, token } => {
                    self.lease("the configuration", key_id, secret, token.as_deref(), None)
                }
                Plan::Process(words) => self.process(words).await.map_err(|why| why.prefixed("credential_process")),
                Plan::WebIdentity { role_arn, token_file, session_name } => {
                    let result = self.web_identity(role_arn, token_file, session_name.as_deref()).await;
                    result.map_err(|why| why.prefixed(&format!("web identity for {role_arn}")))
                }
                Plan::AssumeRole(role) => {
                    let source = self.fetch_plan(&role.source).await?;
                    let result = self.assume_role(role, source.value.as_ref()).await;
                    result.map_err(|why| why.prefixed(&format!("cannot assume {}", role.role_arn)))
                }
                Plan::Container => self.container().await,
                Plan::Instance => self.instance().await,
                Plan::Environment => unreachable!("settled when the store was opened"),
            }
        })
    }

    fn lease(&self, who: &str, key_id: &str, secret: &str, token: Option<&str>, expiration: Option<&str>) -> Fetched {
        // They become headers, which may not have other characters.
        if [key_id, secret, token.unwrap_or("x")]
            .iter()
            .any(|text| text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(NoCredentials::Denied(format!("{who} gave a key or token that is empty or has blanks")));
        }
        for text in [key_id, secret].into_iter().chain(token) {
            self.secrets.add_fetched(text);
        }
        let expires = match expiration.map(chrono::DateTime::parse_from_rfc3339) {
            None => None,
            Some(Err(_)) => {
                return Err(NoCredentials::Unavailable(format!("{who} gave an Expiration that is no time")))
            }
            Some(Ok(time)) => match (time.to_utc() - chrono::Utc::now()).to_std() {
                Ok(lifetime) if !lifetime.is_zero() => Some(Instant::now() + lifetime),
                _ => return Err(NoCredentials::Unavailable(format!("{who} gave credentials that have expired"))),
            },
        };
        let value = AwsCredential { key_id: key_id.into(), secret_key: secret.into(), token: token.map(str::to_owned) };
        Ok(Lease { value: Arc::new(value), expires })
    }

    // The form that credential_process, containers and instances use. Only the name of the token differs.
    fn lease_of_json(&self, who: &str, body: &[u8], token_key: &str) -> Fetched {
        let json: serde_json::Value = serde_json::from_slice(body)
            .map_err(|_| NoCredentials::Unavailable(format!("{who} gave something that is no JSON")))?;
        let get = |key: &str| json.get(key).and_then(serde_json::Value::as_str);
        if let Some(code) = get("Code").filter(|code| *code != "Success") {
            let word: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
            return Err(NoCredentials::Denied(format!("{who} has none: {word}")));
        }
        match (get("AccessKeyId"), get("SecretAccessKey")) {
            (Some(key_id), Some(secret)) => self.lease(who, key_id, secret, get(token_key), get("Expiration")),
            _ => Err(NoCredentials::Unavailable(format!("{who} gave no AccessKeyId and SecretAccessKey"))),
        }
    }

    async fn process(&self, words: &[String]) -> Fetched {
        let output = process::run(words.to_vec(), process::TIMEOUT).await?;
        let version =
            serde_json::from_slice::<serde_json::Value>(&output).ok().and_then(|json| json.get("Version")?.as_u64());
        if version != Some(1) {
            return Err(NoCredentials::Unavailable("the program gave no JSON of \"Version\": 1".into()));
        }
        self.lease_of_json("the program", &output, "SessionToken")
    }

    async fn web_identity(&self, role_arn: &str, token_file: &str, session_name: Option<&str>) -> Fetched {
        let token = read_token(token_file)?;
        self.secrets.add_fetched(&token);
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role_arn),
            ("RoleSessionName", self.session_name(session_name)),
            ("WebIdentityToken", &token),
        ];
        let request = TokenRequest::post_form(self.sts.clone(), &fields);
        let body = fetch(&self.http.store, "STS", &request).await?;
        self.lease_of_sts(&body)
    }

    async fn assume_role(&self, role: &AssumeRole, source: &AwsCredential) -> Fetched {
        let duration = role.duration_seconds.map(|seconds| seconds.to_string());
        let mut fields = vec![
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", role.role_arn.as_str()),
            ("RoleSessionName", self.session_name(role.session_name.as_deref())),
        ];
        fields.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        fields.extend(duration.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        let request = TokenRequest::post_form(self.sts.clone(), &fields);
        let sign = |request: &mut _| {
            let signed = AwsAuthorizer::new(source, "sts", &self.region).try_authorize(request, None);
            signed.map_err(|_| NoCredentials::Denied("the request to STS cannot be signed".into()))
        };
        let body = fetch_signed(&self.http.store, "STS", &request, sign).await?;
        self.lease_of_sts(&body)
    }

    fn session_name<'a>(&'a self, of_profile: Option<&'a str>) -> &'a str {
        of_profile.or(self.session_name.as_deref()).unwrap_or(SESSION_NAME)
    }

    fn lease_of_sts(&self, body: &[u8]) -> Fetched {
        let xml = String::from_utf8_lossy(body);
        let get = |name| element(&xml, name);
        match (get("AccessKeyId"), get("SecretAccessKey"), get("SessionToken"), get("Expiration")) {
            (Some(key_id), Some(secret), Some(token), Some(expiration)) => {
                self.lease("STS", key_id, secret, Some(token), Some(expiration))
            }
            _ => Err(NoCredentials::Unavailable("STS gave no credentials in its answer".into())),
        }
    }

    // ECS and EKS.
    async fn container(&self) -> Fetched {
        const WHO: &str = "the container's credential service";
        let url = self.container.clone().expect("checked when the store was opened");
        let client = if url.scheme() == "http" { &self.http.metadata } else { &self.http.store };
        let mut request = TokenRequest::get(url);
        let token = match &self.container_token_file {
            Some(file) => Some(read_token(file).map_err(|why| why.prefixed(WHO))?),
            None => self.container_token.clone(),
        };
        if let Some(token) = token {
            self.secrets.add_fetched(&token);
            request = request.header("authorization", token);
        }
        let body = fetch(client, WHO, &request).await?;
        self.lease_of_json(WHO, &body, "Token")
    }

    // IMDSv2.
    async fn instance(&self) -> Fetched {
        const WHO: &str = "the instance's metadata service";
        let nowhere =
            "no credentials are in storage_options, AWS_ACCESS_KEY_ID, a profile, AWS_WEB_IDENTITY_TOKEN_FILE \
                       or a container";
        if self.instance_disabled {
            return Err(NoCredentials::Denied(format!(
                "{nowhere}, and {WHO} is not asked, as ec2_metadata_disabled is true"
            )));
        }
        let url = |path: &str| {
            let text = format!("{}{path}", self.instance.as_str().trim_end_matches('/'));
            Url::parse(&text).map_err(|_| NoCredentials::Unavailable(format!("{WHO} named a role that is no name")))
        };
        let client = &self.http.metadata;
        let mut request =
            TokenRequest::get(url("/latest/api/token")?).header("x-aws-ec2-metadata-token-ttl-seconds", "300");
        request.method = Method::PUT;
        let token = match fetch(client, WHO, &request).await {
            Ok(token) => String::from_utf8_lossy(&token).trim().to_owned(),
            Err(why) => return Err(why.prefixed(nowhere)),
        };
        self.secrets.add_fetched(&token);
        let get = |path: String| {
            let token = token.clone();
            let url = url(&path);
            async move { fetch(client, WHO, &TokenRequest::get(url?).header("x-aws-ec2-metadata-token", token)).await }
        };
        let roles = "/latest/meta-data/iam/security-credentials/";
        let list = get(roles.into()).await.map_err(|why| why.prefixed("no role is attached to the instance"))?;
        let list = String::from_utf8_lossy(&list);
        let role = list.lines().next().unwrap_or_default().trim();
        if role.is_empty() || role.contains(['/', '?', '#']) {
            return Err(NoCredentials::Denied("no role is attached to the instance".into()));
        }
        let body = get(format!("{roles}{role}")).await?;
        self.lease_of_json(WHO, &body, "Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Vendor;

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "env-id"), ("AWS_SECRET_ACCESS_KEY", "env-secret")];
    const CONFIG: &str = "\
[default]
region = default-region
aws_access_key_id = default-id
aws_secret_access_key = s
[profile role]
role_arn = R
credential_source = Environment
[profile empty]
region = empty-region
[profile sso]
sso_session = x
";

    fn settings(configured: &[(&str, &str)], environment: &[(&str, &str)], config: &str) -> Result<Settings, Refusal> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("yummy-aws-{}-{number}", std::process::id()));
        std::fs::create_dir_all(home.join(".aws")).unwrap();
        std::fs::write(home.join(".aws/config"), config).unwrap();
        let owned = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        let mut environment: Environment = environment.iter().map(owned).collect();
        environment.insert("HOME".into(), home.to_str().unwrap().into());
        let configured: Vec<_> = configured.iter().map(owned).collect();
        let options = Options::resolve(Vendor::S3, &configured, &environment, &Secrets::default(), &mut Vec::new())?;
        let settings = Settings::resolve(&options, &environment, None);
        std::fs::remove_dir_all(home).unwrap();
        settings
    }

    fn plan_of(configured: &[(&str, &str)], environment: &[(&str, &str)], config: &str) -> String {
        match settings(configured, environment, config).unwrap().plan {
            Plan::Keys { key_id, .. } => format!("keys {key_id}"),
            plan => format!("{plan:?}"),
        }
    }

    #[test]
    fn takes_the_first_source_that_is_named() {
        let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "W")];
        let container = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
        let all = [KEYS[0], KEYS[1], web[0], web[1], container, ("AWS_PROFILE", "default")];
        let mine = [("access_key_id", "my-id"), ("secret_access_key", "s")];
        assert_eq!(plan_of(&mine, &all, CONFIG), "keys my-id");
        assert_eq!(plan_of(&[("profile", "default")], &all, CONFIG), "keys default-id");
        assert_eq!(plan_of(&[], &all, CONFIG), "keys env-id");
        assert_eq!(plan_of(&[], &all[2..], CONFIG), "keys default-id");
        assert_eq!(plan_of(&[], &all[2..5], CONFIG), "web identity for W");
        assert_eq!(plan_of(&[], &[container], CONFIG), "keys default-id");
        assert_eq!(plan_of(&[], &[container], ""), "container");
        assert_eq!(plan_of(&[], &[("AWS_ROLE_ARN", "W")], ""), "instance");
        assert_eq!(plan_of(&[("iam_role_arn", "I")], &KEYS, ""), "I by keys");
        assert_eq!(plan_of(&[("profile", "role")], &KEYS, CONFIG), "R by keys");
        assert_eq!(plan_of(&[("profile", "role"), ("iam_role_arn", "I")], &KEYS, CONFIG), "I by R by keys");
    }

    #[test]
    fn the_region_comes_from_options_environment_and_profile() {
        let region = |configured: &[_], environment: &[_]| settings(configured, environment, CONFIG).unwrap().region;
        assert_eq!(region(&[("region", "a")], &[("AWS_REGION", "b")]), "a");
        assert_eq!(region(&[], &[("AWS_REGION", "b"), ("AWS_DEFAULT_REGION", "c")]), "b");
        assert_eq!(region(&[], &[("AWS_DEFAULT_REGION", "c")]), "c");
        assert_eq!(region(&[], &[]), "default-region");
        assert_eq!(settings(&[], &[], "").unwrap().region, "us-east-1");
    }

    #[test]
    fn refuses_what_is_incomplete() {
        let bad: [&[(&str, &str)]; 6] = [
            &[("access_key_id", "CANARY")],
            &[("secret_access_key", "CANARY")],
            &[("web_identity_token_file", "/CANARY")],
            &[("role_arn", "CANARY")],
            &[("region", "CANARY/../x")],
            &[("profile", "empty")],
        ];
        for configured in bad {
            let refusal = settings(configured, &[], CONFIG).expect_err(configured[0].0);
            assert!(
                refusal.to_string().contains(configured[0].0) && !refusal.to_string().contains("CANARY"),
                "{refusal}"
            );
        }
        assert!(settings(&[("profile", "role")], &[], CONFIG).is_err());
        assert!(matches!(settings(&[("profile", "sso")], &[], CONFIG), Err(Refusal::Unsupported(_))));
    }

    #[test]
    fn a_broken_file_is_in_the_way_of_profiles_only() {
        assert!(settings(&[("profile", "default")], &[], "nonsense").is_err());
        assert_eq!(plan_of(&[], &KEYS, "nonsense"), "keys env-id");
    }

    #[test]
    fn container_addresses_are_near() {
        let url = |configured: &[(&str, &str)]| {
            let configured: Vec<_> = configured.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            let options =
                Options::resolve(Vendor::S3, &configured, &Environment::new(), &Secrets::default(), &mut Vec::new())
                    .unwrap();
            container(&options).map(|url| url.unwrap().to_string())
        };
        let relative = "container_credentials_relative_uri";
        assert_eq!(url(&[(relative, "/v2/x")]).unwrap(), "http://169.254.170.2/v2/x");
        for bad in ["v2/x", "@evil.example/", ".evil.example/", ":80@evil.example/"] {
            assert!(url(&[(relative, bad)]).is_err(), "{bad}");
        }
        let full = "container_credentials_full_uri";
        for good in ["http://169.254.170.23/v1/credentials", "http://127.0.0.1:1/x", "https://anywhere.example/x"] {
            assert_eq!(url(&[(full, good)]).unwrap(), good);
        }
        for bad in ["http://10.0.0.1/x", "http://evil.example/x", "x"] {
            assert!(url(&[(full, bad)]).is_err(), "{bad}");
        }
    }
}
