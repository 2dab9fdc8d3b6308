//! Why a configuration is refused. Messages name options and files, but never values, because a value may be a secret.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The configuration is wrong or incomplete.
    Invalid(String),
    /// The configuration is understood, but not supported here.
    Unsupported(String),
}

pub fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::Invalid(text.into())
}

pub fn unsupported(text: impl Into<String>) -> Refusal {
    Refusal::Unsupported(text.into())
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Invalid(text) | Refusal::Unsupported(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for Refusal {}
