//! Which vendor, account and bucket a URL means, and the key prefix below it.

use crate::refusal::{invalid, unsupported, Refusal};
use percent_encoding::percent_decode_str;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    S3,
    Azure,
    Gcs,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Vendor::S3 => "S3",
            Vendor::Azure => "Azure",
            Vendor::Gcs => "Google Cloud Storage",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub vendor: Vendor,
    /// The bucket or the container.
    pub container: String,
    /// Decoded, without slashes at its ends; empty for the whole bucket.
    pub prefix: String,
    /// What only some forms name; options and environment fill the rest.
    pub account: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// The endpoint has the bucket in its host.
    pub virtual_hosted: bool,
}

const FORMS: &str =
    "expected s3://, s3a://, gs://, az://, adl://, abfs://, abfss:// or the https:// form of S3, Azure or \
                     Google Cloud Storage";

const AZURE_DOMAINS: [&str; 4] =
    ["core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net", "fabric.microsoft.com"];

impl Location {
    /// The text may hold a secret where none belongs, so that no message repeats it.
    pub fn parse(url: &str) -> Result<Self, Refusal> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid(format!("the path is no URL: {FORMS}")))?;
        if rest.contains(['?', '#']) {
            return Err(invalid(
                "the URL has a query or a fragment: a SAS token belongs in storage_options, as \
                 azure_storage_sas_token, and a '?' or '#' in a name is written as %3F or %23",
            ));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.split_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let is_azure = matches!(scheme, "az" | "azure" | "adl" | "abfs" | "abfss");
        if user.is_some_and(|user| !is_azure || user.contains([':', '@']) || host.contains('@')) {
            return Err(invalid("the URL holds credentials: they belong in storage_options"));
        }
        let segments = decode(path)?;
        let location = match scheme {
            "s3" | "s3a" => Self::simple(Vendor::S3, host, segments),
            "gs" => Self::simple(Vendor::Gcs, host, segments),
            _ if is_azure => match user {
                Some(container) => Self::azure(host, container, segments),
                None if AZURE_DOMAINS.iter().any(|domain| host.ends_with(domain)) => Err(invalid(
                    "the URL names an account but no container: expected abfss://CONTAINER@ACCOUNT.dfs.…/PATH",
                )),
                None => Self::simple(Vendor::Azure, host, segments),
            },
            "https" => Self::https(host, segments),
            "http" => {
                Err(invalid("the path is an http:// URL: expected s3://, gs:// or az:// and the option 'endpoint'"))
            }
            _ => Err(unsupported(format!("stores of this kind are not supported: {FORMS}"))),
        }?;
        check_container(&location.container)?;
        Ok(location)
    }

    fn simple(vendor: Vendor, container: &str, segments: Vec<String>) -> Result<Self, Refusal> {
        Ok(Self {
            vendor,
            container: container.into(),
            prefix: segments.join("/"),
            account: None,
            region: None,
            endpoint: None,
            virtual_hosted: false,
        })
    }

    // ACCOUNT.dfs.core.windows.net and its like. Only the Blob API is spoken, also to what calls itself dfs.
    fn azure(host: &str, container: &str, segments: Vec<String>) -> Result<Self, Refusal> {
        let (account, service) =
            host.split_once('.').filter(|(account, _)| !account.is_empty()).ok_or_else(unknown_host)?;
        let domain = service
            .strip_prefix("dfs.")
            .or_else(|| service.strip_prefix("blob."))
            .filter(|domain| AZURE_DOMAINS.contains(domain))
            .ok_or_else(unknown_host)?;
        let mut location = Self::simple(Vendor::Azure, container, segments)?;
        location.account = Some(account.into());
        location.endpoint = Some(format!("https://{account}.blob.{domain}"));
        Ok(location)
    }

    fn https(host: &str, mut segments: Vec<String>) -> Result<Self, Refusal> {
        let mut first_segment = || match segments.is_empty() {
            true => Err(invalid("the URL names no bucket: expected https://HOST/BUCKET/PATH")),
            false => Ok(segments.remove(0)),
        };
        if AZURE_DOMAINS.iter().any(|domain| host.ends_with(domain)) {
            let container = first_segment()?;
            return Self::azure(host, &container, segments);
        }
        if host == "storage.googleapis.com" {
            let bucket = first_segment()?;
            return Self::simple(Vendor::Gcs, &bucket, segments);
        }
        if let Some(bucket) = host.strip_suffix(".storage.googleapis.com") {
            return Self::simple(Vendor::Gcs, bucket, segments);
        }
        if host.ends_with(".r2.cloudflarestorage.com") {
            let bucket = first_segment()?;
            let mut location = Self::simple(Vendor::S3, &bucket, segments)?;
            location.region = Some("auto".into());
            location.endpoint = Some(format!("https://{host}"));
            return Ok(location);
        }
        let domain = ["amazonaws.com", "amazonaws.com.cn"]
            .into_iter()
            .find(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
            .ok_or_else(unknown_host)?;
        // [BUCKET.]s3[.dualstack][.REGION].amazonaws.com: a bucket may have dots, so that its end is the last "s3".
        let labels: Vec<&str> = host[..host.len() - domain.len() - 1].split('.').collect();
        let s3 = labels.iter().rposition(|label| *label == "s3").ok_or_else(unknown_host)?;
        let region = match labels[s3 + 1..] {
            [] => None,
            [region] | ["dualstack", region] if region != "dualstack" => Some(region.to_string()),
            _ => return Err(unknown_host()),
        };
        let bucket = if s3 == 0 { first_segment()? } else { labels[..s3].join(".") };
        let mut location = Self::simple(Vendor::S3, &bucket, segments)?;
        location.region = region;
        location.endpoint = Some(format!("https://{host}"));
        location.virtual_hosted = s3 != 0;
        Ok(location)
    }
}

fn unknown_host() -> Refusal {
    invalid(
        "the host is none of S3, Azure or Google Cloud Storage: name another store by s3://, gs:// or az:// and the \
             option 'endpoint'",
    )
}

// The vendors' rules differ and change; this only keeps out what would move the host or the path of a request.
fn check_container(container: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$');
    if container.is_empty() || !container.chars().all(valid) || container.starts_with('.') {
        return Err(invalid("the URL names no valid bucket or container: letters, digits, '.', '-' and '_'"));
    }
    Ok(())
}

fn decode(path: &str) -> Result<Vec<String>, Refusal> {
    let mut segments = Vec::new();
    for segment in path.strip_suffix('/').unwrap_or(path).split('/').filter(|_| !path.is_empty()) {
        let decoded =
            percent_decode_str(segment).decode_utf8().map_err(|_| invalid("the path of the URL is not UTF-8"))?;
        if decoded.is_empty() || decoded == "." || decoded == ".." || decoded.contains(['/', '\\']) {
            return Err(invalid("the path of the URL has an empty segment, '.', '..' or an encoded separator"));
        }
        if decoded.chars().any(char::is_control) {
            return Err(invalid("the path of the URL has a control character"));
        }
        segments.push(decoded.into_owned());
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    // vendor, container, prefix, account, region, endpoint, virtual_hosted
    type Facts<'a> = (Vendor, &'a str, &'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, bool);

    #[test]
    fn reads_every_form() {
        use Vendor::*;
        let cases: [(&str, Facts); 20] = [
            ("s3://bucket/lake", (S3, "bucket", "lake", None, None, None, false)),
            ("s3a://bucket/a/b/", (S3, "bucket", "a/b", None, None, None, false)),
            ("s3://bucket", (S3, "bucket", "", None, None, None, false)),
            ("s3://bucket/", (S3, "bucket", "", None, None, None, false)),
            ("s3://b.with.dots/a%20b/ü", (S3, "b.with.dots", "a b/ü", None, None, None, false)),
            ("gs://bucket/lake", (Gcs, "bucket", "lake", None, None, None, false)),
            ("az://container/lake", (Azure, "container", "lake", None, None, None, false)),
            ("adl://container/lake", (Azure, "container", "lake", None, None, None, false)),
            ("abfs://container/lake", (Azure, "container", "lake", None, None, None, false)),
            (
                "abfss://files@acc.dfs.core.windows.net/lake",
                (Azure, "files", "lake", Some("acc"), None, Some("https://acc.blob.core.windows.net"), false),
            ),
            (
                "az://files@acc.blob.core.usgovcloudapi.net/lake",
                (Azure, "files", "lake", Some("acc"), None, Some("https://acc.blob.core.usgovcloudapi.net"), false),
            ),
            (
                "https://acc.dfs.core.windows.net/files/lake/x",
                (Azure, "files", "lake/x", Some("acc"), None, Some("https://acc.blob.core.windows.net"), false),
            ),
            (
                "https://onelake.dfs.fabric.microsoft.com/space/item",
                (
                    Azure,
                    "space",
                    "item",
                    Some("onelake"),
                    None,
                    Some("https://onelake.blob.fabric.microsoft.com"),
                    false,
                ),
            ),
            ("https://storage.googleapis.com/bucket/lake", (Gcs, "bucket", "lake", None, None, None, false)),
            ("https://bucket.storage.googleapis.com/lake", (Gcs, "bucket", "lake", None, None, None, false)),
            (
                "https://s3.eu-west-1.amazonaws.com/bucket/lake",
                (S3, "bucket", "lake", None, Some("eu-west-1"), Some("https://s3.eu-west-1.amazonaws.com"), false),
            ),
            (
                "https://my.bucket.s3.amazonaws.com/lake",
                (S3, "my.bucket", "lake", None, None, Some("https://my.bucket.s3.amazonaws.com"), true),
            ),
            (
                "https://b.s3.dualstack.eu-west-1.amazonaws.com/lake",
                (
                    S3,
                    "b",
                    "lake",
                    None,
                    Some("eu-west-1"),
                    Some("https://b.s3.dualstack.eu-west-1.amazonaws.com"),
                    true,
                ),
            ),
            (
                "https://s3.cn-north-1.amazonaws.com.cn/b",
                (S3, "b", "", None, Some("cn-north-1"), Some("https://s3.cn-north-1.amazonaws.com.cn"), false),
            ),
            (
                "https://acc.r2.cloudflarestorage.com/b/lake",
                (S3, "b", "lake", None, Some("auto"), Some("https://acc.r2.cloudflarestorage.com"), false),
            ),
        ];
        for (url, expected) in cases {
            let found = Location::parse(url).unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
            let facts: Facts = (
                found.vendor,
                &found.container,
                &found.prefix,
                found.account.as_deref(),
                found.region.as_deref(),
                found.endpoint.as_deref(),
                found.virtual_hosted,
            );
            assert_eq!(facts, expected, "{url}");
        }
    }

    #[test]
    fn refuses_without_repeating_the_url() {
        for url in [
            "CANARY",
            "ftp://CANARY/x",
            "hdfs://CANARY/x",
            "http://CANARY/x",
            "https://CANARY.example/x",
            "https://storage.googleapis.com",
            "https://s3.eu-west-1.amazonaws.com",
            "https://a.b.c.amazonaws.com/CANARY",
            "https://evilamazonaws.com/b",
            "s3://",
            "s3:///CANARY",
            "s3://key:CANARY@bucket/x",
            "s3://CANARY@bucket/x",
            "gs://CANARY@bucket/x",
            "abfss://files:CANARY@acc.dfs.core.windows.net/x",
            "abfss://files@CANARY@acc.dfs.core.windows.net/x",
            "abfss://files@acc.CANARY.net/x",
            "abfss://acc.dfs.core.windows.net/CANARY",
            "abfss://files@.dfs.core.windows.net/x",
            "https://acc.blob.core.windows.net/c/x?sig=CANARY",
            "s3://bucket/x#CANARY",
            "s3://bucket:CANARY/x",
            "s3://bu cket/x",
            "s3://bucket/a//CANARY",
            "s3://bucket/../CANARY",
            "s3://bucket/%2e%2e/CANARY",
            "s3://bucket/a%2fCANARY",
            "s3://bucket/a\\CANARY",
            "s3://bucket/%00CANARY",
            "s3://bucket/%ffCANARY",
        ] {
            let refusal = Location::parse(url).expect_err(url);
            assert!(!refusal.to_string().contains("CANARY"), "{url}: {refusal}");
        }
    }
}
