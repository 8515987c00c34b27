//! `tls.*`: how connections are encrypted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightwire_settings::kind::is_among;
use sightwire_settings::{ConfigError, Section, Values, section};

use crate::{Options, Source};

/// Keys that mean nothing without TLS.
const FILES: [&str; 3] = ["tls.certificate_file", "tls.key_file", "tls.client_ca_file"];

/// How connections are encrypted.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// `None`: they are not.
    pub options: Option<Options>,
    /// How long browsers ask this server over HTTPS alone.
    pub hsts: Option<Duration>,
    /// Addresses where plain HTTP is answered with the one to open instead.
    pub redirect_listen: Vec<SocketAddr>,
}

section! {
    /// As it is configured.
    struct TlsKeys: "tls" {
        /// How connections are encrypted: off, self-signed (with a certificate from an authority that the server makes
        /// and keeps in `store.home`) or files. The same as `--tls`. All addresses of `server.listen` then speak HTTPS;
        /// a plain request there is answered with 308 and the address to open instead.
        mode: &'static str = key("mode", Choice(&["off", "self-signed", "files"]), "off");
        /// With `tls.mode = "files"`, a PEM file with the certificate, followed by those that lead to its authority. It
        /// is read again when it or the key changes, and on SIGHUP; open connections go on.
        certificate_file: Option<PathBuf> = key("certificate_file", Path, "");
        /// With `tls.mode = "files"`, a PEM file with the certificate's private key, not encrypted.
        key_file: Option<PathBuf> = key("key_file", Path, "");
        /// A PEM file with certificate authorities: whoever shows no certificate of theirs gets no connection. Keys and
        /// passwords are needed all the same.
        client_ca_file: Option<PathBuf> = key("client_ca_file", Path, "");
        /// Seconds for which browsers that were here ask for this host over HTTPS alone (HSTS), for example 31536000.
        /// 0: not said. Not with self-signed.
        hsts: Option<Duration> = key("hsts_s", Seconds(0.0, 1e9), 0.0) => |time| Some(time).filter(|time| !time.is_zero());
        /// Addresses, such as `0.0.0.0:80`, where plain HTTP is answered with 308 and the same address over HTTPS.
        redirect_listen: Vec<SocketAddr> = key("redirect_listen", Addresses, []);
    }
}

/// The keys of encryption.
pub static TLS: Section = Section::new("tls", TlsKeys::KEYS);

impl Tls {
    /// As these values say; the server's own authority is kept in `home`, and `listen` is where HTTPS would be spoken.
    pub fn read(values: Values<'_>, home: &Path, listen: &[SocketAddr]) -> Result<Self, ConfigError> {
        let TlsKeys { mode, certificate_file, key_file, client_ca_file, hsts, redirect_listen } =
            TlsKeys::read(values)?;
        let source = match mode {
            "self-signed" => {
                let files = FILES.into_iter().zip([&certificate_file, &key_file]);
                if let Some((name, _)) = files.into_iter().find(|(_, file)| file.is_some()) {
                    let reason = "with tls.mode = \"self-signed\" the server makes its own; set tls.mode to files, or take this away";
                    return Err(values.invalid(name, reason));
                }
                if hsts.is_some() {
                    let reason = "with tls.mode = \"self-signed\" it would lock out every browser that does not trust the certificate; set it to 0";
                    return Err(values.invalid("tls.hsts_s", reason));
                }
                Source::SelfSigned(authority_folder(home))
            }
            "files" => {
                let needed = |name, file: Option<PathBuf>| {
                    let reason = "tls.mode = \"files\" needs it: the path of a PEM file";
                    file.ok_or_else(|| values.invalid(name, reason))
                };
                Source::Files {
                    certificate: needed("tls.certificate_file", certificate_file)?,
                    key: needed("tls.key_file", key_file)?,
                }
            }
            _ => {
                let files = FILES.into_iter().zip([&certificate_file, &key_file, &client_ca_file]);
                let unused = files.filter(|(_, file)| file.is_some()).map(|(name, _)| name);
                let others =
                    [("tls.redirect_listen", redirect_listen.is_empty()), ("tls.hsts_s", hsts.is_none())];
                let others = others.into_iter().filter(|(_, is_unset)| !is_unset).map(|(name, _)| name);
                return match unused.chain(others).next() {
                    None => Ok(Self::default()),
                    Some(name) => Err(values.invalid(
                        name,
                        "nothing is encrypted while tls.mode is off; set that to files or self-signed, or take this away",
                    )),
                };
            }
        };
        if let Some(both) = redirect_listen.iter().find(|address| is_among(address, listen)) {
            let reason =
                format!("{both} is one of server.listen, which speaks HTTPS and redirects by itself");
            return Err(values.invalid("tls.redirect_listen", &reason));
        }
        let options = Some(Options { source, client_ca: client_ca_file });
        Ok(Self { options, hsts, redirect_listen })
    }
}

/// Where the server's own authority is kept.
pub fn authority_folder(home: &Path) -> PathBuf {
    home.join("tls")
}
