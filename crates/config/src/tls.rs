//! `tls.*`: how connections are encrypted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightwire_tls::Source;

use super::{ConfigError, Values, is_among};

/// Keys that mean nothing without TLS.
const FILES: [&str; 3] = ["tls.certificate_file", "tls.key_file", "tls.client_ca_file"];

/// How connections are encrypted.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// `None`: they are not.
    pub options: Option<sightwire_tls::Options>,
    /// So long browsers ask this server over HTTPS alone.
    pub hsts: Option<Duration>,
    /// Addresses where plain HTTP is answered with the one to open instead.
    pub redirect_listen: Vec<SocketAddr>,
}

pub(super) fn read(r: &Values<'_>, home: &Path) -> Result<Tls, ConfigError> {
    let file = |name| Some(r.text(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
    let [certificate, key, client_ca] = FILES.map(file);
    let redirect_listen = r.addresses("tls.redirect_listen")?;
    let hsts = Some(r.seconds("tls.hsts_s", 0.0, 1e9)?).filter(|time| !time.is_zero());
    let source = match r.text("tls.mode").as_str() {
        "off" => {
            let files = FILES.into_iter().zip([&certificate, &key, &client_ca]);
            let unused = files.filter(|(_, file)| file.is_some()).map(|(name, _)| name);
            let others =
                [("tls.redirect_listen", redirect_listen.is_empty()), ("tls.hsts_s", hsts.is_none())];
            let others = others.into_iter().filter(|(_, is_unset)| !is_unset).map(|(name, _)| name);
            return match unused.chain(others).next() {
                None => Ok(Tls::default()),
                Some(name) => Err(r.invalid(
                    name,
                    "nothing is encrypted while tls.mode is off; set that to files or self-signed, or take this away",
                )),
            };
        }
        "self-signed" => {
            let files = FILES.into_iter().zip([&certificate, &key]);
            if let Some((name, _)) = files.into_iter().find(|(_, file)| file.is_some()) {
                let reason = "with tls.mode = \"self-signed\" the server makes its own; set tls.mode to files, or take this away";
                return Err(r.invalid(name, reason));
            }
            if hsts.is_some() {
                let reason = "with tls.mode = \"self-signed\" it would lock out every browser that does not trust the certificate; set it to 0";
                return Err(r.invalid("tls.hsts_s", reason));
            }
            Source::SelfSigned(folder(home))
        }
        "files" => {
            let needed = |name, file: Option<PathBuf>| {
                let reason = "tls.mode = \"files\" needs it: the path of a PEM file";
                file.ok_or_else(|| r.invalid(name, reason))
            };
            Source::Files {
                certificate: needed("tls.certificate_file", certificate)?,
                key: needed("tls.key_file", key)?,
            }
        }
        _ => return Err(r.invalid("tls.mode", "it must be off, self-signed or files")),
    };
    let listen = r.addresses("server.listen")?;
    if let Some(both) = redirect_listen.iter().find(|address| is_among(address, &listen)) {
        let reason = format!("{both} is one of server.listen, which speaks HTTPS and redirects by itself");
        return Err(r.invalid("tls.redirect_listen", &reason));
    }
    Ok(Tls { options: Some(sightwire_tls::Options { source, client_ca }), hsts, redirect_listen })
}

/// Where the server's own authority is kept.
pub fn folder(home: &Path) -> PathBuf {
    home.join("tls")
}
