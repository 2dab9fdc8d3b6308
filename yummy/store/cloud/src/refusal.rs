//! Why a configuration is not taken. Messages name options and files, never values: a value may be a secret.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What the configuration says is wrong or incomplete.
    Invalid(String),
    /// It is understood, and not done here.
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
