//! Masks secrets. Every text that leaves the crate passes through here, because a store or a server may repeat in its
//! answer what was sent to it.

use percent_encoding::{utf8_percent_encode, NON_ALPHANUMERIC};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

const MASK: &str = "***";
/// Shorter texts are not secrets, and masking them would garble words.
const BYTES_MIN: usize = 6;
/// Fetched secrets are replaced all the time, so the oldest are dropped.
const FETCHED_MAX: usize = 256;

/// The text after these words, up to a delimiter, is masked even if it is not a known secret.
const MARKERS: [&str; 10] = [
    "sig=",
    "signature=",
    "credential=",
    "x-amz-security-token=",
    "x-amz-security-token:",
    "access_token\":\"",
    "access_token\": \"",
    "bearer ",
    "sharedkey ",
    "authorization: ",
];

/// The secrets of one store: those in its options, and those that were fetched.
#[derive(Default)]
pub struct Secrets(Mutex<Known>);

#[derive(Default)]
struct Known {
    configured: Vec<String>,
    fetched: VecDeque<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(MASK)
    }
}

impl Secrets {
    pub fn add(&self, text: &str) {
        let mut known = self.lock();
        for part in parts(text) {
            if !known.configured.contains(&part) {
                known.configured.push(part);
            }
        }
    }

    pub fn add_fetched(&self, text: &str) {
        let mut known = self.lock();
        for part in parts(text) {
            if known.fetched.contains(&part) {
                continue;
            }
            if known.fetched.len() == FETCHED_MAX {
                known.fetched.pop_front();
            }
            known.fetched.push_back(part);
        }
    }

    pub fn clean(&self, text: &str) -> String {
        let mut clean = Cow::Borrowed(text);
        let known = self.lock();
        for secret in known.configured.iter().chain(&known.fetched) {
            if clean.contains(secret) {
                clean = clean.replace(secret, MASK).into();
            }
        }
        drop(known);
        for marker in MARKERS {
            clean = mask_after(clean, marker);
        }
        clean.into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

// The forms of a secret: unchanged and URL-encoded. For a secret of several lines, such as a private key, also each
// line.
fn parts(text: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(text.trim(), NON_ALPHANUMERIC).to_string();
    let lines = text.lines().map(str::trim).chain([encoded.as_str()]);
    lines.filter(|line| line.len() >= BYTES_MIN).map(str::to_owned).collect()
}

fn mask_after<'a>(text: Cow<'a, str>, marker: &str) -> Cow<'a, str> {
    let lower = text.to_ascii_lowercase(); // of the same length
    if !lower.contains(marker) {
        return text;
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower[from..].find(marker) {
        let start = from + found + marker.len();
        let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '<' | '>' | ',' | ';' | ')');
        let end = text[start..].find(ends).map_or(text.len(), |length| start + length);
        masked.push_str(&text[from..start]);
        if end > start {
            masked.push_str(MASK);
        }
        from = end;
    }
    masked.push_str(&text[from..]);
    masked.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_is_known_in_every_encoding() {
        let secrets = Secrets::default();
        secrets.add("a+secret/value==");
        secrets.add("line-one-of-a-key\nline-two-of-a-key\n");
        secrets.add("tiny");
        assert_eq!(
            secrets.clean("a+secret/value== a%2Bsecret%2Fvalue%3D%3D line-two-of-a-key tiny"),
            "*** *** *** tiny"
        );
        assert!(!format!("{secrets:?}").contains("secret/value"));
    }

    #[test]
    fn masks_what_looks_like_a_secret() {
        let secrets = Secrets::default();
        for (text, clean) in [
            ("https://a/b?sv=1&sig=abc%2Bd&se=2", "https://a/b?sv=1&sig=***&se=2"),
            ("X-Amz-Signature=0123&x", "X-Amz-Signature=***&x"),
            ("Authorization: Bearer eyJ.abc.def\"", "Authorization: *** ***\""),
            ("<h>x-amz-security-token:abc</h>", "<h>x-amz-security-token:***</h>"),
            ("{\"access_token\":\"abc\"}", "{\"access_token\":\"***\"}"),
            ("Credential=AKIA/2/eu/s3, Signature=ab", "Credential=***, Signature=***"),
            ("no secret: sig= &", "no secret: sig= &"),
            ("İ Bearer abc İ", "İ Bearer *** İ"),
        ] {
            assert_eq!(secrets.clean(text), clean);
        }
    }

    #[test]
    fn forgets_the_oldest_first() {
        let secrets = Secrets::default();
        secrets.add("configured");
        for i in 0..FETCHED_MAX + 2 {
            secrets.add_fetched(&format!("secret{i:06}"));
        }
        assert_eq!(secrets.clean("configured secret000000 secret000257"), "*** secret000000 ***");
    }
}
