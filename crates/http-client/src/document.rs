//! A short document at an address: all of it or an error, within bounds.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::redirect::Policy;

use crate::cause::Cause;
use crate::trust::{self, Trust};

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// No connection, or one that is not trusted; in words.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Something else stands there.
    #[error("it answers {0}, not 200")]
    Status(u16),
    /// It is longer than allowed.
    #[error("it answers more than {0} bytes")]
    TooLong(usize),
    /// Nothing, or not all of it, in the time allowed.
    #[error("it has not answered in time")]
    Late,
}

/// What stands at an address: over https through the environment's proxy, if there is one; over http without. A redirect is
/// not followed, since where it leads was not asked for.
pub async fn fetch_document(
    address: &str,
    max_bytes: usize,
    within: Duration,
) -> Result<Vec<u8>, DocumentError> {
    let builder = if address.starts_with("https://") {
        let untrusted = |why: &trust::TrustError| DocumentError::Unreachable(why.to_string());
        crate::client_builder(Trust::System.tls().map_err(untrusted)?)
    } else {
        crate::direct_builder(trust::trust_nobody())
    };
    let client = builder.redirect(Policy::none()).timeout(within).pool_max_idle_per_host(0).build();
    let client = client.map_err(|error| in_words(&error))?;
    let mut answer = client.get(address).send().await.map_err(|error| in_words(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(DocumentError::Status(answer.status().as_u16()));
    }
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| in_words(&error))? {
        if text.len() + chunk.len() > max_bytes {
            return Err(DocumentError::TooLong(max_bytes));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn in_words(error: &(dyn Error + 'static)) -> DocumentError {
    match Cause::from_error(error) {
        Cause::Late => DocumentError::Late,
        cause => DocumentError::Unreachable(cause.in_words()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What is heard of a server that says these words, whatever it is asked.
    async fn heard(words: String, within: Duration) -> Result<Vec<u8>, DocumentError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/keys?x=1", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(words.as_bytes());
            if words.is_empty() {
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        fetch_document(&address, 100, within).await
    }

    #[tokio::test]
    async fn a_document_comes_whole_and_everything_else_is_told_apart() {
        let patient = Duration::from_secs(60);
        let hears = async |head: &str, body: &str| {
            heard(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}"), patient).await
        };
        assert_eq!(hears("200 OK", "{\"keys\":[]}").await, Ok(b"{\"keys\":[]}".to_vec()));
        assert_eq!(hears("404 Not Found", "").await, Err(DocumentError::Status(404)));
        let elsewhere = "302 Found\r\nLocation: http://127.0.0.1:9/";
        assert_eq!(hears(elsewhere, "").await, Err(DocumentError::Status(302)));
        assert_eq!(hears("200 OK", &"x".repeat(101)).await, Err(DocumentError::TooLong(100)));
        assert_eq!(hears("200 OK", &"x".repeat(100)).await.map(|text| text.len()), Ok(100));
        let cut = hears("200 OK\r\nContent-Length: 9", "half").await.unwrap_err().to_string();
        assert!(cut.contains("cannot be reached: the connection ended"), "{cut}");
        let late = heard(String::new(), Duration::from_millis(50)).await;
        assert_eq!(late, Err(DocumentError::Late));
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused =
            fetch_document(&format!("http://{nobody}/?token=hidden"), 100, patient).await.unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("nothing listens there") && !refused.contains("hidden"), "{refused}");
    }
}
