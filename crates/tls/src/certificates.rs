//! What the server shows now.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::{self, Authority, AuthorityError};
use crate::files::{self, FileError, Validity};
use crate::names::Names;

/// How often it is looked whether files have changed.
const EVERY: Duration = Duration::from_secs(1);
/// Of those looks, how many from one at the machine's names and addresses to the next.
const NAMES_EVERY: u32 = 10;

/// Where certificates come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From an authority of our own, which is kept in this folder.
    SelfSigned(PathBuf),
    /// From files that somebody else renews.
    Files {
        /// With those that lead to its authority.
        certificate: PathBuf,
        /// The private key of that certificate.
        key: PathBuf,
    },
}

/// How connections are secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Of the certificate that is shown.
    pub source: Source,
    /// Who has no certificate of these authorities gets no connection.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Of the configured files.
    #[error(transparent)]
    File(#[from] FileError),
    /// The authority of our own cannot be used.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Clients cannot be checked.
    #[error("clients' certificates cannot be checked: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
}

/// What is shown, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the certificate is for.
    pub names: Names,
    /// From when to when the certificate counts.
    pub validity: Validity,
    /// What signed it, if that is our own.
    pub authority: Option<AuthorityFacts>,
}

impl Facts {
    /// What is wrong with the certificate's time, if something is.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        const SOON: Duration = Duration::from_secs(14 * 86_400);
        let days = |time: Duration| time.as_secs() / 86_400;
        let made_later = |validity: &Validity| now < validity.not_before;
        if self.authority.as_ref().is_some_and(|authority| made_later(&authority.validity)) {
            return Some(
                "the server's authority does not count yet, so no device believes it: check this machine's clock; if that was wrong when the authority was made, `sightwire tls renew` makes another, which devices have to trust"
                    .to_owned(),
            );
        }
        if made_later(&self.validity) {
            return Some("the certificate does not count yet: check this machine's clock".to_owned());
        }
        match self.validity.not_after.duration_since(now) {
            Err(past) => Some(format!(
                "the certificate expired {} days ago: clients refuse it; renew it",
                days(past.duration())
            )),
            Ok(left) if left < SOON => {
                Some(format!("the certificate expires in {} days; renew it", days(left)))
            }
            Ok(_) => None,
        }
    }
}

/// Our own authority, for people who are to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFacts {
    /// Its certificate as DER.
    pub der: Vec<u8>,
    /// SHA-256 of that, `AB:CD:…`.
    pub fingerprint: String,
    /// From when to when the certificate counts.
    pub validity: Validity,
}

/// The machine's names and addresses at this moment.
pub type NamesNow = Box<dyn Fn() -> Names + Send + Sync>;

/// What the server shows, and whom it asks for what; new connections take what is current when they begin.
pub struct Certificates {
    options: Options,
    names: NamesNow,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<Current>>,
    /// One takes up at a time, so that what is older never replaces what is newer. Comes before `current`.
    taking_up: Mutex<()>,
    unread: LogThrottle,
    failures: AtomicU64,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("options", &self.options).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    certified: Arc<CertifiedKey>,
    facts: Facts,
    /// Of the files as they were when they were read.
    stamps: Vec<Option<Stamp>>,
    /// As the machine had them.
    names: Names,
}

/// What changes with a file.
type Stamp = (u64, u64, i64, i64);

fn file_stamp(path: &Path) -> Option<Stamp> {
    let of = |found: Metadata| (found.ino(), found.len(), found.mtime(), found.mtime_nsec());
    std::fs::metadata(path).ok().map(of)
}

impl Options {
    fn files(&self) -> Vec<PathBuf> {
        let mut files = match &self.source {
            // What is signed is made from it, perhaps by two servers in turn.
            Source::SelfSigned(folder) => vec![authority::authority_file(folder)],
            Source::Files { certificate, key } => vec![certificate.clone(), key.clone()],
        };
        files.extend(self.client_ca.clone());
        files
    }
}

impl Certificates {
    /// Reads files, or makes a certificate where it is to be our own. An error where nothing can be shown.
    pub fn open(options: Options, names: NamesNow) -> Result<Arc<Self>, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let current = read_current(&options, names(), &provider, SystemTime::now())?;
        Ok(Arc::new(Self {
            options,
            names,
            provider,
            current: RwLock::new(Arc::new(current)),
            taking_up: Mutex::new(()),
            unread: LogThrottle::new(),
            failures: AtomicU64::new(0),
        }))
    }

    /// For a connection that begins now.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.current.read().config.clone()
    }

    /// For connections that this server makes: who asks for a certificate is shown what is current when the connection begins.
    pub fn for_clients(self: &Arc<Self>) -> Arc<dyn ResolvesClientCert> {
        Arc::new(Own(self.clone()))
    }

    /// Looks at what is there now that did not give a certificate that can be shown.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// What is shown now.
    pub fn facts(&self) -> Facts {
        self.current.read().facts.clone()
    }

    /// What clients are shown now, without the certificates of its authorities.
    pub fn end_entity(&self) -> Option<CertificateDer<'static>> {
        self.current.read().certified.cert.first().cloned()
    }

    /// Where it comes from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Takes up what has changed; whether something has. Reads files.
    pub fn take_up(&self, now: SystemTime, with_names: bool) -> Result<bool, CertificateError> {
        let _alone = self.taking_up.lock();
        let before = self.current.read().clone();
        // Before they are read: what changes meanwhile is seen the next time.
        let stamps: Vec<_> = self.options.files().iter().map(|file| file_stamp(file)).collect();
        let names = if with_names { (self.names)() } else { before.names.clone() };
        if stamps == before.stamps && names == before.names && !before.is_due(now) {
            return Ok(false);
        }
        let current = read_current(&self.options, names, &self.provider, now)?;
        tracing::info!("the certificate was taken up: {}", current.facts.names);
        *self.current.write() = Arc::new(current);
        Ok(true)
    }

    /// Looks again and again until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            looks = looks.wrapping_add(1);
            let (this, with_names) = (self.clone(), looks.is_multiple_of(NAMES_EVERY));
            // The disk may be slow.
            let taken =
                tokio::task::spawn_blocking(move || this.take_up(SystemTime::now(), with_names)).await;
            if matches!(taken, Ok(Err(_)) | Err(_)) {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            if let Ok(Err(error)) = taken
                && self.unread.admit_line(clock::now()).is_some()
            {
                let error = lines::short_sentence(&error.to_string()).to_string();
                tracing::error!("the certificate stays as it was: {error}");
            }
        }
    }
}

/// The server's own certificate, as a client's.
#[derive(Debug)]
struct Own(Arc<Certificates>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.read().certified.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl Current {
    fn is_due(&self, now: SystemTime) -> bool {
        let Some(authority) = &self.facts.authority else { return false };
        authority::is_due(&self.facts.validity, authority.validity.not_after, now)
    }
}

fn read_current(
    options: &Options,
    names: Names,
    provider: &Arc<CryptoProvider>,
    now: SystemTime,
) -> Result<Current, CertificateError> {
    let of_files = |options: &Options| options.files().iter().map(|file| file_stamp(file)).collect();
    let (certified, validity, own, stamps) = match &options.source {
        Source::Files { certificate, key } => {
            let stamps = of_files(options);
            let (certified, validity) = files::certified_key(certificate, key, provider)?;
            (certified, validity, None, stamps)
        }
        Source::SelfSigned(folder) => {
            let authority = Authority::open(folder, &names, now)?;
            let (covered, others) = authority.split_names(&names);
            if others != Names::default() {
                tracing::warn!(
                    "the certificate is not for {others}: the authority in {} was made before; `sightwire tls renew` makes one that is, which every device has to trust anew",
                    authority.path().display()
                );
            }
            let file = authority.certificate(&covered, now)?;
            // What was written now is not taken for a change.
            let stamps = of_files(options);
            let (certified, validity) = files::certified_key(&file, &file, provider)?;
            (certified, validity, Some(authority), stamps)
        }
    };
    let names_shown = certified_names(&certified);
    let certified = Arc::new(certified);
    let config = server_config(options, &certified, provider)?;
    let authority = own.map(|own| AuthorityFacts {
        der: own.der().to_vec(),
        fingerprint: own.fingerprint(),
        validity: own.validity().clone(),
    });
    let facts = Facts { names: names_shown, validity, authority };
    if let Some(warning) = facts.warning(now) {
        tracing::warn!("{warning}");
    }
    Ok(Current { config, certified, facts, stamps, names })
}

fn certified_names(certified: &CertifiedKey) -> Names {
    let first = certified.cert.first().map(AsRef::as_ref).unwrap_or_default();
    X509Certificate::from_der(first).map(|(_, parsed)| authority::of_certificate(&parsed)).unwrap_or_default()
}

fn server_config(
    options: &Options,
    certified: &Arc<CertifiedKey>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &options.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = files::read_authorities(path)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::clone(certified))));
    // What bounds slow viewers is built on one stream a connection.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    use super::*;

    /// A certificate for that name with its key, as two files.
    fn write(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let paths = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }

    fn nowhere() -> NamesNow {
        Box::new(|| Names::new([], []))
    }

    fn of_files((certificate, key): &(PathBuf, PathBuf)) -> Options {
        let source = Source::Files { certificate: certificate.clone(), key: key.clone() };
        Options { source, client_ca: None }
    }

    fn shown(certificates: &Certificates) -> String {
        certificates.facts().names.dns.into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_are_taken_up_when_they_change_and_bad_ones_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "one.example");
        let certificates = Certificates::open(of_files(&files), nowhere()).unwrap();
        let (before, now) = (certificates.config(), SystemTime::now());
        assert_eq!(shown(&certificates), "one.example");
        assert!(!certificates.take_up(now, true).unwrap());
        std::fs::write(&files.1, "none").unwrap();
        let error = certificates.take_up(now, false).unwrap_err().to_string();
        assert!(error.contains("key.pem has no private key"), "{error}");
        assert!(Arc::ptr_eq(&before, &certificates.config()));
        write(folder.path(), "two.example");
        assert!(certificates.take_up(now, false).unwrap());
        assert_eq!(shown(&certificates), "two.example");
        assert!(!Arc::ptr_eq(&before, &certificates.config()));
        std::fs::remove_file(&files.0).unwrap();
        certificates.take_up(now, false).unwrap_err();
        assert_eq!(shown(&certificates), "two.example");
    }

    #[test]
    fn each_bad_file_is_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = write(folder.path(), "one.example");
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        let (_, other_key) = write(&other, "two.example");
        let encrypted = folder.path().join("encrypted.pem");
        std::fs::write(
            &encrypted,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        )
        .unwrap();
        let missing = folder.path().join("missing.pem");
        let long = folder.path().join("long.pem");
        std::fs::write(&long, vec![b' '; 2 << 20]).unwrap();
        for (certificate, key, says) in [
            (&missing, &key, "cannot read"),
            (&long, &key, "long.pem is longer"),
            (
                &key,
                &key,
                "key.pem has no certificate in PEM form (-----BEGIN CERTIFICATE-----); it has a private key",
            ),
            (&certificate, &certificate, "cert.pem has no private key"),
            (&certificate, &encrypted, "openssl pkey"),
            (&certificate, &other_key, "does not belong to the certificate"),
        ] {
            let wrong = of_files(&(certificate.clone(), key.clone()));
            let error = Certificates::open(wrong, nowhere()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let options = of_files(&(certificate, key.clone()));
        let error = Certificates::open(Options { client_ca: Some(key), ..options }, nowhere()).unwrap_err();
        assert!(error.to_string().contains("key.pem has no certificate"), "{error}");
    }

    /// Whether a client with that certificate and key gets a connection.
    fn is_let_in(
        certificates: &Certificates,
        own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Result<(), rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificates.facts().authority.unwrap().der.into()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let client = client.unwrap().with_root_certificates(roots);
        let client = match own {
            Some((certificate, key)) => client.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => client.with_no_client_auth(),
        };
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(client.into(), name).unwrap();
        let mut server = ServerConnection::new(certificates.config()).unwrap();
        // With the alert, if there is one, on its way: more than enough.
        for _ in 0..8 {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            if !wire.is_empty() {
                server.read_tls(&mut &*wire).unwrap();
                server.process_new_packets()?;
            }
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            if !wire.is_empty() {
                client.read_tls(&mut &*wire).unwrap();
                client.process_new_packets()?;
            }
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        Ok(())
    }

    #[test]
    fn where_clients_have_to_show_a_certificate_only_those_of_its_authority_get_a_connection() {
        let folder = tempfile::tempdir().unwrap();
        let signer = |name: &str| {
            let mut params = CertificateParams::new([]).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            rcgen::CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let client = |signer: &rcgen::CertifiedIssuer<'_, KeyPair>| {
            let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::new([]).unwrap());
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
            let certificate = params.signed_by(&key, signer).unwrap();
            (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        };
        let (ours, others) = (signer("ours"), signer("others"));
        let file = folder.path().join("clients.pem");
        std::fs::write(&file, ours.pem()).unwrap();
        let source = Source::SelfSigned(folder.path().join("tls"));
        let open =
            |client_ca| Certificates::open(Options { source: source.clone(), client_ca }, nowhere()).unwrap();
        let certificates = open(Some(file));
        assert_eq!(is_let_in(&certificates, Some(client(&ours))), Ok(()));
        assert_eq!(is_let_in(&certificates, None), Err(rustls::Error::NoCertificatesPresented));
        let foreign = is_let_in(&certificates, Some(client(&others))).unwrap_err();
        assert!(matches!(foreign, rustls::Error::InvalidCertificate(_)), "{foreign}");
        assert_eq!(is_let_in(&open(None), None), Ok(()));
    }

    #[test]
    fn our_own_certificate_follows_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let address = Arc::new(Mutex::new("192.168.1.5".parse().unwrap()));
        let names: NamesNow = {
            let address = address.clone();
            Box::new(move || Names::new(["vision".to_owned()], [*address.lock()]))
        };
        let options = Options { source: Source::SelfSigned(folder.path().join("tls")), client_ca: None };
        let certificates = Certificates::open(options, names).unwrap();
        let (facts, now) = (certificates.facts(), SystemTime::now());
        let fingerprint = facts.authority.unwrap().fingerprint;
        assert_eq!(facts.names.to_string(), "localhost, vision, 127.0.0.1, 192.168.1.5, ::1");
        assert!(!certificates.take_up(now, true).unwrap());
        *address.lock() = "10.0.0.7".parse().unwrap();
        assert!(!certificates.take_up(now, false).unwrap(), "nobody has looked");
        assert!(certificates.take_up(now, true).unwrap());
        let facts = certificates.facts();
        assert_eq!(facts.names.to_string(), "localhost, vision, 10.0.0.7, 127.0.0.1, ::1");
        assert_eq!(facts.authority.unwrap().fingerprint, fingerprint, "devices trust it still");
        let in_a_year = now + Duration::from_secs(380 * 86_400);
        assert!(certificates.take_up(in_a_year, false).unwrap());
        assert!(certificates.facts().validity.not_after > in_a_year + Duration::from_secs(300 * 86_400));
        assert!(!certificates.take_up(in_a_year, false).unwrap());
        Authority::remove(&folder.path().join("tls")).unwrap();
        assert!(certificates.take_up(now, false).unwrap());
        assert!(certificates.facts().authority.unwrap().fingerprint != fingerprint, "renewed by hand");
    }

    #[test]
    fn a_certificate_whose_time_is_nearly_over_is_told() {
        let (day, now) = (Duration::from_secs(86_400), SystemTime::now());
        let of = |from: SystemTime, to: SystemTime| {
            let validity = Validity { not_before: from, not_after: to };
            Facts { names: Names::default(), validity, authority: None }.warning(now)
        };
        assert_eq!(of(now - day, now + day * 20), None);
        assert!(of(now - day, now + day * 10).unwrap().contains("expires in 10 days"));
        assert!(of(now - day * 9, now - day * 3).unwrap().contains("expired 3 days ago"));
        assert!(of(now + day, now + day * 90).unwrap().contains("clock"));
        let own = |from: SystemTime| {
            let validity = Validity { not_before: from, not_after: now + day * 90 };
            let facts = AuthorityFacts { der: Vec::new(), fingerprint: String::new(), validity };
            let validity = Validity { not_before: now - day, not_after: now + day * 90 };
            Facts { names: Names::default(), validity, authority: Some(facts) }.warning(now)
        };
        assert_eq!(own(now - day), None);
        assert!(own(now + day).unwrap().contains("`sightwire tls renew`"));
    }
}
