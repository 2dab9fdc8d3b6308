//! Reads the profiles of ~/.aws/config and ~/.aws/credentials, and finds where the credentials of each come from.

use crate::client::read_bounded;
use crate::options::Environment;
use crate::process;
use crate::refusal::{invalid, unsupported, Refusal};
use std::collections::BTreeMap;

const FILE_BYTES_MAX: u64 = 1 << 20;
const CHAIN_MAX: usize = 16;

type Section = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub struct Profiles {
    sections: BTreeMap<String, Section>,
    files: String,
}

/// Where credentials come from. No value is shown by Debug.
#[derive(PartialEq, Eq)]
pub enum Plan {
    Keys { key_id: String, secret: String, token: Option<String> },
    Process(Vec<String>),
    WebIdentity { role_arn: String, token_file: String, session_name: Option<String> },
    Environment,
    Instance,
    Container,
    AssumeRole(Box<AssumeRole>),
}

#[derive(PartialEq, Eq)]
pub struct AssumeRole {
    pub role_arn: String,
    pub session_name: Option<String>,
    pub external_id: Option<String>,
    pub duration_seconds: Option<u32>,
    pub source: Plan,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Plan::Keys { .. } => out.write_str("keys"),
            Plan::Process(_) => out.write_str("process"),
            Plan::WebIdentity { role_arn, .. } => write!(out, "web identity for {role_arn}"),
            Plan::Environment => out.write_str("environment"),
            Plan::Instance => out.write_str("instance"),
            Plan::Container => out.write_str("container"),
            Plan::AssumeRole(role) => write!(out, "{} by {:?}", role.role_arn, role.source),
        }
    }
}

impl Profiles {
    /// `config` and `credentials` are paths from options. A missing file counts as empty.
    pub fn load(config: Option<&str>, credentials: Option<&str>, environment: &Environment) -> Result<Self, Refusal> {
        let home = environment.get("HOME").map(String::as_str).unwrap_or_default();
        let path = |named: Option<&str>, name: &str| match named.map(|path| (path, path.strip_prefix("~/"))) {
            Some((_, Some(below_home))) => format!("{home}/{below_home}"),
            Some((path, None)) => path.to_owned(),
            None => format!("{home}/.aws/{name}"),
        };
        let (config, credentials) = (path(config, "config"), path(credentials, "credentials"));
        let mut profiles = Self { sections: BTreeMap::new(), files: format!("{config} and {credentials}") };
        profiles.read(&config, true)?;
        profiles.read(&credentials, false)?; // takes precedence, key by key
        Ok(profiles)
    }

    fn read(&mut self, path: &str, is_config: bool) -> Result<(), Refusal> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(invalid(format!("{path}: {}", error.kind()))),
            Ok(_) => {}
        }
        let bytes = read_bounded(path, FILE_BYTES_MAX).map_err(|error| invalid(format!("{path}: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid(format!("{path}: not a text in UTF-8")))?;
        self.parse(&text, is_config).map_err(|(line, what)| invalid(format!("{path}:{line}: {what}")))
    }

    // An error names a line only by its number, because the line may hold a secret.
    fn parse(&mut self, text: &str, is_config: bool) -> Result<(), (usize, &'static str)> {
        let mut section: Option<&mut Section> = None; // the section of a profile; others are skipped
        let mut in_section = false;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let refuse = |what| (index + 1, what);
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) && in_section {
                continue; // a nested value or one of several lines, which none of our keys has
            }
            if let Some(header) = content.strip_prefix('[') {
                let (name, _) = header.split_once(']').ok_or_else(|| refuse("the name of a section has no ']'"))?;
                in_section = true;
                section = profile_name(name.trim(), is_config).map(|name| self.sections.entry(name).or_default());
                continue;
            }
            let (key, value) =
                content.split_once('=').ok_or_else(|| refuse("neither '[section]' nor 'key = value'"))?;
            if !in_section {
                return Err(refuse("a key before the first '[section]'"));
            }
            if let Some(section) = section.as_deref_mut() {
                section.insert(key.trim().to_ascii_lowercase(), without_comment(value).to_owned());
            }
        }
        Ok(())
    }

    pub fn has(&self, profile: &str) -> bool {
        self.sections.contains_key(profile)
    }

    pub fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.sections.get(profile)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// None if the profile says nothing about credentials.
    pub fn plan(&self, profile: &str) -> Result<Option<Plan>, Refusal> {
        self.plan_within(profile, &mut Vec::new())
    }

    fn plan_within(&self, profile: &str, visited: &mut Vec<String>) -> Result<Option<Plan>, Refusal> {
        if !self.has(profile) {
            return Err(invalid(format!(
                "profile '{profile}' is neither in {}",
                self.files.replace(" and ", " nor in ")
            )));
        }
        if visited.iter().any(|name| name == profile) || visited.len() == CHAIN_MAX {
            return Err(invalid(format!("the profiles form a circle: {} -> {profile}", visited.join(" -> "))));
        }
        visited.push(profile.into());
        let get = |key| self.get(profile, key);
        let bad = |what: &str| invalid(format!("profile '{profile}' {what}"));
        if let Some(key) = ["sso_session", "sso_start_url", "sso_account_id", "login_session"]
            .into_iter()
            .find(|key| get(key).is_some())
        {
            return Err(unsupported(format!(
                "profile '{profile}' signs in by a browser ({key}), which a server cannot: use a role, keys or \
                 credential_process, as with 'aws configure export-credentials --format process'"
            )));
        }
        let Some(role_arn) = get("role_arn") else {
            return self.plain(profile);
        };
        if get("mfa_serial").is_some() {
            return Err(unsupported(format!(
                "profile '{profile}' asks for a code of a device (mfa_serial), which a server cannot"
            )));
        }
        let session_name = get("role_session_name").map(str::to_owned);
        if let Some(token_file) = get("web_identity_token_file") {
            return Ok(Some(Plan::WebIdentity {
                role_arn: role_arn.into(),
                token_file: token_file.into(),
                session_name,
            }));
        }
        let source = match (get("source_profile"), get("credential_source")) {
            (Some(_), Some(_)) => return Err(bad("has both source_profile and credential_source")),
            (None, None) => return Err(bad("has role_arn and neither source_profile nor credential_source")),
            // The profile names itself as its source, which means its own keys.
            (Some(source), None) if source == profile => self.plain(profile)?,
            (Some(source), None) => self.plan_within(source, visited)?,
            (None, Some("Environment")) => Some(Plan::Environment),
            (None, Some("Ec2InstanceMetadata")) => Some(Plan::Instance),
            (None, Some("EcsContainer")) => Some(Plan::Container),
            (None, Some(_)) => {
                return Err(bad(
                    "has a credential_source that is none of Environment, Ec2InstanceMetadata, EcsContainer",
                ))
            }
        };
        let source = source.ok_or_else(|| bad("has a source_profile without credentials"))?;
        let duration_seconds = match get("duration_seconds").map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) if (900..=43_200).contains(&seconds) => Some(seconds),
            Some(_) => return Err(bad("has a duration_seconds that is no number from 900 to 43200")),
        };
        let external_id = get("external_id").map(str::to_owned);
        let role = AssumeRole { role_arn: role_arn.into(), session_name, external_id, duration_seconds, source };
        Ok(Some(Plan::AssumeRole(Box::new(role))))
    }

    // Keys or a program.
    fn plain(&self, profile: &str) -> Result<Option<Plan>, Refusal> {
        let get = |key| self.get(profile, key);
        match (get("aws_access_key_id"), get("aws_secret_access_key")) {
            (Some(key_id), Some(secret)) => {
                let token = get("aws_session_token").map(str::to_owned);
                return Ok(Some(Plan::Keys { key_id: key_id.into(), secret: secret.into(), token }));
            }
            (None, None) => {}
            _ => {
                return Err(invalid(format!(
                    "profile '{profile}' has only one of aws_access_key_id and aws_secret_access_key"
                )))
            }
        }
        let Some(command) = get("credential_process") else {
            return Ok(None);
        };
        match process::split(command) {
            Some(words) => Ok(Some(Plan::Process(words))),
            None => Err(invalid(format!("profile '{profile}' has a credential_process with an open quote"))),
        }
    }
}

// "[profile name]" in the config file and "[name]" in the credentials file; "[default]" in both.
fn profile_name(header: &str, is_config: bool) -> Option<String> {
    let name = match header.split_once([' ', '\t']) {
        Some(("profile", name)) if is_config => name.trim(),
        None if !is_config || header == "default" => header,
        _ => return None,
    };
    let unquoted = name.strip_prefix(['"', '\'']).and_then(|name| name.strip_suffix(['"', '\'']));
    Some(unquoted.unwrap_or(name).to_owned())
}

// A comment at the end of a line needs a blank before it: a secret may have a '#'.
fn without_comment(value: &str) -> &str {
    let comment = value
        .char_indices()
        .zip(value.chars().skip(1))
        .find(|((_, before), c)| before.is_whitespace() && matches!(c, '#' | ';'));
    comment.map_or(value, |((start, _), _)| &value[..start]).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(config: &str, credentials: &str) -> Profiles {
        let mut profiles = Profiles::default();
        profiles.parse(config, true).unwrap();
        profiles.parse(credentials, false).unwrap();
        profiles
    }

    fn plan(config: &str, profile: &str) -> Result<Option<Plan>, Refusal> {
        profiles(config, "").plan(profile)
    }

    #[test]
    fn reads_sections_keys_and_comments() {
        let profiles = profiles(
            "\u{feff}# first\n[default]\nregion = eu-west-1 ; here\n\n[profile  two words]\nRegion=a#b\ns3 =\n  \
             addressing_style = virtual\noutput = json\n[profile \"q\"]\nregion = q\n[sso-session x]\nregion = no\n[preview]\nx = y\n",
            "[default]\naws_access_key_id = id\naws_secret_access_key = a/b+c=#d\n; done\n[x]\nregion = x\n",
        );
        assert_eq!(profiles.get("default", "region"), Some("eu-west-1"));
        assert_eq!(profiles.get("default", "aws_secret_access_key"), Some("a/b+c=#d"));
        assert_eq!(profiles.get("two words", "region"), Some("a#b"));
        assert_eq!(profiles.get("two words", "output"), Some("json"));
        assert_eq!(profiles.get("two words", "addressing_style"), None);
        assert_eq!(profiles.get("q", "region"), Some("q"));
        assert_eq!(profiles.get("x", "region"), Some("x"));
        assert!(!profiles.has("preview"));
    }

    #[test]
    fn the_credentials_file_wins() {
        let profiles = profiles(
            "[profile a]\naws_access_key_id = c\naws_secret_access_key = c\nregion = r",
            "[a]\naws_access_key_id = k\naws_secret_access_key = s",
        );
        let expected = Plan::Keys { key_id: "k".into(), secret: "s".into(), token: None };
        assert_eq!(profiles.plan("a").unwrap(), Some(expected));
        assert_eq!(profiles.get("a", "region"), Some("r"));
    }

    #[test]
    fn refuses_malformed_files_by_line() {
        for (text, line) in [("[a\n", 1), ("[a]\n\nCANARY\n", 3), ("CANARY = x\n", 1)] {
            let (at, what) = Profiles::default().parse(text, false).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(!what.contains("CANARY"));
        }
    }

    #[test]
    fn follows_chains() {
        let config = "[profile c]\nrole_arn = C\nsource_profile = b\nexternal_id = e\nduration_seconds = 900\n\
                      role_session_name = s\n[profile b]\nrole_arn = B\nsource_profile = a\n\
                      [profile a]\naws_access_key_id = k\naws_secret_access_key = s";
        let Some(Plan::AssumeRole(c)) = plan(config, "c").unwrap() else { panic!() };
        assert_eq!((c.role_arn.as_str(), c.external_id.as_deref(), c.duration_seconds), ("C", Some("e"), Some(900)));
        assert_eq!(c.session_name.as_deref(), Some("s"));
        assert_eq!(format!("{:?}", c.source), "B by keys");
        let own = "[profile a]\nrole_arn = A\nsource_profile = a\naws_access_key_id = k\naws_secret_access_key = s";
        assert_eq!(format!("{:?}", plan(own, "a").unwrap().unwrap()), "A by keys");
        for (source, expected) in [
            ("Environment", "A by environment"),
            ("Ec2InstanceMetadata", "A by instance"),
            ("EcsContainer", "A by container"),
        ] {
            let config = format!("[default]\nrole_arn = A\ncredential_source = {source}");
            assert_eq!(format!("{:?}", plan(&config, "default").unwrap().unwrap()), expected);
        }
        let web = "[default]\nrole_arn = W\nweb_identity_token_file = /f";
        assert_eq!(format!("{:?}", plan(web, "default").unwrap().unwrap()), "web identity for W");
        let process = "[default]\ncredential_process = '/a b' --c";
        assert_eq!(plan(process, "default").unwrap(), Some(Plan::Process(vec!["/a b".into(), "--c".into()])));
        assert_eq!(plan("[default]\nregion = x", "default").unwrap(), None);
    }

    #[test]
    fn refuses_what_leads_nowhere() {
        let role = "[profile a]\nrole_arn = A\n";
        for (config, says) in [
            ("", "neither in"),
            ("[profile a]\naws_access_key_id = CANARY", "only one of"),
            (role, "neither source_profile"),
            (&format!("{role}source_profile = b"), "'b' is neither in"),
            (&format!("{role}source_profile = a"), "without credentials"),
            (
                &format!("{role}source_profile = b\n[profile b]\nrole_arn = B\nsource_profile = a"),
                "circle: a -> b -> a",
            ),
            (&format!("{role}source_profile = b\n[profile b]\nregion = x"), "without credentials"),
            (&format!("{role}source_profile = b\ncredential_source = Environment"), "both"),
            (&format!("{role}credential_source = CANARY"), "none of"),
            (&format!("{role}credential_source = Environment\nduration_seconds = CANARY"), "duration_seconds"),
            ("[profile a]\ncredential_process = 'CANARY", "open quote"),
        ] {
            let refusal = plan(config, "a").expect_err(config);
            assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal}");
            assert!(refusal.to_string().contains(says) && !refusal.to_string().contains("CANARY"), "{refusal}");
        }
        for config in [
            "[profile a]\nsso_session = x\nsso_account_id = 1",
            "[profile a]\nsso_start_url = x",
            "[profile a]\nlogin_session = x",
            "[profile a]\nrole_arn = A\nsource_profile = b\nmfa_serial = x",
        ] {
            assert!(matches!(plan(config, "a"), Err(Refusal::Unsupported(_))), "{config}");
        }
    }
}
