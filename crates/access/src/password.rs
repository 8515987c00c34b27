//! Passwords of users, of which only an Argon2id hash is kept: they can be guessed, so each guess is to cost something.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// Characters of a password, at least.
pub const MIN_CHARACTERS: usize = 10;
/// Bytes of a password, at most.
pub const MAX_BYTES: usize = 1024;

/// Why a text is not a password, or could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too easy to guess.
    #[error("a password has at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// Nobody types that.
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// No memory, or no random bytes.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
}

/// What is kept of a password. Takes tens of milliseconds and 19 MiB.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Whether a hash is one.
pub fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok()
}

/// Whether this is the password. Takes as long as [`hash`], also where there is no such user, so that nobody learns who
/// there is from how long it takes.
pub fn is_correct(password: &str, hash: Option<&str>) -> bool {
    static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| self::hash("nobody's password").ok());
    let of_somebody = hash.is_some();
    let Some(hash) = hash.or(NOBODYS.as_deref()) else { return false };
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    password.len() <= MAX_BYTES
        && Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        && of_somebody
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_no_other_is() {
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("horse") && is_hash(&kept));
        assert_ne!(kept, hash("correct horse").unwrap(), "each has its own salt");
        assert!(is_correct("correct horse", Some(&kept)) && !is_correct("correct house", Some(&kept)));
        assert!(!is_correct("nobody's password", None) && !is_correct("x", Some("$argon2id$broken")));
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        assert!(matches!(hash("ninechars"), Err(PasswordError::TooShort)));
        assert!(matches!(hash(&"x".repeat(MAX_BYTES + 1)), Err(PasswordError::TooLong)));
    }
}
