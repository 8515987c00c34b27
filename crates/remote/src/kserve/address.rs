//! Where a server of models is.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// `grpc://HOST:PORT`, or `grpcs://` with the same where the connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, or an address without brackets.
    pub host: String,
    /// Port of TCP.
    pub port: u16,
    /// Whether connections are made over TLS.
    pub is_secure: bool,
}

/// It is of another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be grpc://HOST:PORT or grpcs://HOST:PORT")]
pub struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError)?;
        let is_secure = match uri.scheme_str() {
            Some("grpc") => false,
            Some("grpcs") => true,
            _ => return Err(AddressError),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(authority), "" | "/", None) = (authority, uri.path(), uri.query()) else {
            return Err(AddressError);
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        match authority.port_u16() {
            Some(port @ 1..) if !host.is_empty() => Ok(Self { host, port, is_secure }),
            _ => Err(AddressError),
        }
    }
}

/// As it was written.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "grpcs" } else { "grpc" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// As the requests of HTTP/2 name it.
    pub(crate) fn origin(&self) -> Result<Uri, AddressError> {
        let text = self.to_string().replacen("grpc", "http", 1);
        text.parse().map_err(|_| AddressError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_a_port_and_nothing_else() {
        for good in ["grpc://127.0.0.1:8001", "grpcs://gpu.example:443", "grpc://[::1]:8001"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        assert_eq!("grpc://[::1]:8001".parse::<Address>().unwrap().origin().unwrap(), "http://[::1]:8001/");
        for bad in [
            "",
            "gpu:8001",
            "http://gpu:8001",
            "grpc://gpu",
            "grpc://gpu:0",
            "grpc://:8001",
            "grpc://me:geheim@gpu:8001",
            "grpc://gpu:8001/detect",
            "grpc://gpu:8001?x",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(AddressError), "{bad}");
        }
    }
}
