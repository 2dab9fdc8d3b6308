//! Tokens as services, command lines and files of platforms give them.

use crate::client::read_bounded;
use crate::refresh::NoCredentials;
use crate::secrets::Secrets;
use std::time::{Duration, Instant, SystemTime};

const FILE_BYTES_MAX: u64 = 64 << 10;

pub struct Token {
    pub text: String,
    pub expires: Instant,
}

impl Token {
    pub fn parse(who: &str, body: &[u8], secrets: &Secrets) -> Result<Self, NoCredentials> {
        let bad = |what: &str| NoCredentials::Unavailable(format!("{who} gave {what}"));
        let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| bad("something that is no JSON"))?;
        let text = json.get("access_token").or(json.get("accessToken")).and_then(serde_json::Value::as_str);
        let text = text.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()));
        let text = text.ok_or_else(|| bad("no access token"))?.to_owned();
        secrets.add_fetched(&text);
        // Numbers come as numbers and as texts.
        let seconds = |key: &str| {
            let value = json.get(key)?;
            value
                .as_f64()
                .or_else(|| value.as_str()?.parse().ok())
                .filter(|seconds| (0.0..1e11).contains(seconds))
                .map(|s| s as u64)
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let local = || {
            // What an older command line says, in the zone of its machine.
            let text = json.get("expiresOn")?.as_str()?;
            let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
            u64::try_from(time.and_local_timezone(chrono::Local).earliest()?.timestamp()).ok()
        };
        let lifetime =
            seconds("expires_in").or_else(|| Some(seconds("expires_on").or_else(local)?.saturating_sub(now)));
        match lifetime {
            None => Err(bad("a token that does not say when it expires")),
            Some(0) => Err(bad("a token that has expired")),
            Some(lifetime) => {
                Ok(Self { text, expires: Instant::now() + Duration::from_secs(lifetime.min(7 * 24 * 3600)) })
            }
        }
    }
}

/// Files of tokens are replaced by their platform, so that each fetch reads them.
pub fn read_token(path: &str) -> Result<String, NoCredentials> {
    let bytes = read_bounded(path, FILE_BYTES_MAX)
        .map_err(|why| NoCredentials::Unavailable(format!("token file {path}: {why}")))?;
    let token = String::from_utf8_lossy(&bytes).trim().to_owned();
    match token.is_empty() {
        true => Err(NoCredentials::Unavailable(format!("token file {path} is empty"))),
        false => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens_of_every_form() {
        let later = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 1000;
        let local = chrono::DateTime::from_timestamp(later as i64, 0).unwrap().with_timezone(&chrono::Local);
        for body in [
            r#"{"access_token": "abcdefgh", "expires_in": 1000}"#.to_owned(),
            r#"{"access_token": "abcdefgh", "expires_in": "1000"}"#.to_owned(),
            format!(r#"{{"access_token": "abcdefgh", "expires_on": "{later}"}}"#),
            format!(r#"{{"accessToken": "abcdefgh", "expires_on": {later}, "expiresOn": "x"}}"#),
            format!(r#"{{"accessToken": "abcdefgh", "expiresOn": "{}.000000"}}"#, local.format("%Y-%m-%d %H:%M:%S")),
        ] {
            let secrets = Secrets::default();
            let token = Token::parse("x", body.as_bytes(), &secrets).unwrap_or_else(|why| panic!("{body}: {why}"));
            let lifetime = token.expires.duration_since(Instant::now()).as_secs();
            assert!((990..=1000).contains(&lifetime), "{body}: {lifetime}");
            assert_eq!(secrets.clean("abcdefgh"), "***");
        }
        for body in [
            "CANARY",
            "{}",
            r#"{"access_token": "CANARY"}"#,
            r#"{"access_token": "CANARY", "expires_in": 0}"#,
            r#"{"access_token": "CANARY", "expires_in": -5}"#,
            r#"{"access_token": "CANARY", "expires_on": "1000"}"#,
            r#"{"access_token": "CAN ARY", "expires_in": 10}"#,
            r#"{"access_token": 1, "expires_in": 10}"#,
        ] {
            let why = Token::parse("x", body.as_bytes(), &Secrets::default()).err().unwrap_or_else(|| panic!("{body}"));
            assert!(!why.to_string().contains("CAN"), "{why}");
        }
    }
}
