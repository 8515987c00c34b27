//! An authority of this server's own: it signs for this machine and for nothing else, even if its key is stolen.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::files::{self, FileError, Validity};
use crate::names::Names;

/// Its certificate and its key, which only the owner reads.
const FILE: &str = "authority.pem";
/// What it has signed last, with its key.
const LEAF: &str = "certificate.pem";

const DAY: Duration = Duration::from_secs(86_400);
/// An authority is trusted by hand on each device, so it lasts.
const AUTHORITY_LASTS: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Longer, and some systems refuse it (Apple: 825 days).
const LEAF_LASTS: Duration = Duration::from_secs(397 * 86_400);
/// How long before its end another takes its place.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 86_400);

/// Networks whose addresses nobody else has on the internet: the authority may sign for all of them, so that a machine that
/// gets another address there needs no other authority.
const PRIVATE: [([u8; 16], u8, bool); 9] = [
    (v4([10, 0, 0, 0]), 8, true),
    (v4([172, 16, 0, 0]), 12, true),
    (v4([192, 168, 0, 0]), 16, true),
    (v4([169, 254, 0, 0]), 16, true),
    // Of carriers, and of networks such as Tailscale's.
    (v4([100, 64, 0, 0]), 10, true),
    (v4([127, 0, 0, 0]), 8, true),
    ([0xfc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 7, false),
    ([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10, false),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, false),
];

const fn v4([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Where one is kept in that folder.
pub(crate) fn authority_file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// What is kept cannot be read.
    #[error("{0}; remove the file to have another authority made, which every device has to trust anew")]
    Kept(FileError),
    /// What is kept is not an authority of ours.
    #[error(
        "{} holds no authority that can sign: {reason}; remove the file to have another made, which every device has to trust anew",
        path.display()
    )]
    Broken {
        /// File.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// The folder cannot be written to.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// File.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The library refuses.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

impl From<FileError> for AuthorityError {
    fn from(error: FileError) -> Self {
        Self::Kept(error)
    }
}

/// What signs this machine's certificates.
#[derive(Debug)]
pub struct Authority {
    path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    validity: Validity,
    permitted: Vec<Permitted>,
}

/// A part of what it may sign for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Permitted {
    /// A name, and those below it.
    Dns(String),
    /// An address and the bits of its network.
    Network(IpAddr, u8),
}

impl Permitted {
    fn covers_name(&self, name: &str) -> bool {
        let Self::Dns(permitted) = self else { return false };
        let name = name.strip_prefix("*.").unwrap_or(name);
        name == permitted || name.strip_suffix(permitted.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }

    fn covers_address(&self, address: IpAddr) -> bool {
        let Self::Network(network, prefix) = self else { return false };
        match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32_u32.saturating_sub(u32::from(*prefix));
                let cut = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                cut(network.to_bits()) == cut(address.to_bits())
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128_u32.saturating_sub(u32::from(*prefix));
                let cut = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                cut(network.to_bits()) == cut(address.to_bits())
            }
            _ => false,
        }
    }

    fn subtree(&self) -> GeneralSubtree {
        match self {
            Self::Dns(name) => GeneralSubtree::DnsName(name.clone()),
            Self::Network(address, prefix) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, *prefix))
            }
        }
    }

    /// As it stands in a certificate; `None` for what never does in ours.
    fn from_general_name(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::DNSName(name) => Some(Self::Dns((*name).to_owned())),
            GeneralName::IPAddress(bytes) => {
                let ones = |mask: &[u8]| mask.iter().map(|byte| byte.count_ones() as u8).sum();
                if let Some((address, mask)) = bytes.split_first_chunk::<4>().filter(|(_, m)| m.len() == 4) {
                    Some(Self::Network(IpAddr::from(*address), ones(mask)))
                } else {
                    let (address, mask) = bytes.split_first_chunk::<16>().filter(|(_, m)| m.len() == 16)?;
                    Some(Self::Network(IpAddr::from(*address), ones(mask)))
                }
            }
            _ => None,
        }
    }
}

/// What an authority made now may sign for: the names as they are, private networks, and public addresses (of IPv6 their
/// network, in which a machine changes its address daily).
fn permitted_names(names: &Names) -> Vec<Permitted> {
    let private = PRIVATE.iter().map(|(bytes, prefix, is_v4)| {
        let [a, b, c, d, ..] = *bytes;
        let address = if *is_v4 { IpAddr::from([a, b, c, d]) } else { IpAddr::from(*bytes) };
        Permitted::Network(address, *prefix)
    });
    let mut all: Vec<Permitted> = private.collect();
    for name in &names.dns {
        if !all.iter().any(|one| one.covers_name(name)) {
            all.push(Permitted::Dns(name.strip_prefix("*.").unwrap_or(name).to_owned()));
        }
    }
    for address in &names.addresses {
        if !all.iter().any(|one| one.covers_address(*address)) {
            all.push(match address {
                IpAddr::V4(_) => Permitted::Network(*address, 32),
                IpAddr::V6(v6) => {
                    Permitted::Network(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(), 64)
                }
            });
        }
    }
    all
}

impl Authority {
    /// The one that is kept in this folder, or a new one where there is none, or whose time is over.
    pub fn open(folder: &Path, names: &Names, now: SystemTime) -> Result<Self, AuthorityError> {
        let path = authority_file(folder);
        match Self::read_file(&path) {
            Ok(kept) if now < kept.validity.not_after => return Ok(kept),
            Ok(_) => {
                // Kept, for a clock that was wrong for a moment.
                let aside = path.with_extension("expired.pem");
                tracing::warn!(
                    "the authority in {} has expired and is now {}; devices have to trust the new one",
                    path.display(),
                    aside.display()
                );
                let failed = |error| AuthorityError::Write { path: path.clone(), error };
                std::fs::rename(&path, &aside).map_err(failed)?;
            }
            Err(AuthorityError::Kept(FileError::Read { error, .. }))
                if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (key, params) = (KeyPair::generate()?, authority_params(names, now));
        let certificate = params.self_signed(&key)?;
        let kept = write_private(&path, &[&certificate.pem(), &key.serialize_pem()]);
        match kept {
            // Another server with this store was faster.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(AuthorityError::Write { path, error });
            }
            _ => {}
        }
        Self::read_file(&path)
    }

    /// The one that is kept in this folder, as it is; `None` where there is none.
    pub fn open_kept(folder: &Path) -> Result<Option<Self>, AuthorityError> {
        match Self::read_file(&authority_file(folder)) {
            Ok(kept) => Ok(Some(kept)),
            Err(AuthorityError::Kept(FileError::Read { error, .. }))
                if error.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes another the next time: every device has to trust that one. Whether there was one.
    pub fn remove(folder: &Path) -> io::Result<bool> {
        let mut found = false;
        for file in [FILE, LEAF] {
            match std::fs::remove_file(folder.join(file)) {
                Ok(()) => found = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn read_file(path: &Path) -> Result<Self, AuthorityError> {
        let pem = files::read_file(path)?;
        let der = files::parse_chain(&pem, path)?.swap_remove(0);
        let broken = |reason: String| AuthorityError::Broken { path: path.to_owned(), reason };
        let key =
            KeyPair::try_from(&files::parse_key(&pem, path)?).map_err(|error| broken(error.to_string()))?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| broken(error.to_string()))?;
        if !parsed.is_ca() {
            return Err(broken("its certificate is not one of an authority".to_owned()));
        }
        let constraints = parsed.name_constraints().map_err(|error| broken(error.to_string()))?;
        let subtrees = constraints.and_then(|constraints| constraints.value.permitted_subtrees.as_ref());
        let permitted = subtrees
            .into_iter()
            .flatten()
            .filter_map(|one| Permitted::from_general_name(&one.base))
            .collect();
        let validity = files::chain_validity(std::slice::from_ref(&der), path)?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|error| broken(error.to_string()))?;
        Ok(Self { path: path.to_owned(), issuer, der, validity, permitted })
    }

    /// Its certificate as DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Its certificate, as most programs take it.
    pub fn pem(&self) -> String {
        pem::encode_config(
            &pem::Pem::new("CERTIFICATE", self.der.to_vec()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    /// Where it is kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From when to when its certificate counts.
    pub fn validity(&self) -> &Validity {
        &self.validity
    }

    /// SHA-256 of its certificate, as systems show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        let bytes = Sha256::digest(&self.der);
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Which of these it may sign for, and which it may not.
    pub fn split_names(&self, names: &Names) -> (Names, Names) {
        let (dns, other_dns) = names
            .dns
            .iter()
            .cloned()
            .partition(|name| self.permitted.iter().any(|one| one.covers_name(name)));
        let (addresses, other_addresses) = names
            .addresses
            .iter()
            .copied()
            .partition(|address| self.permitted.iter().any(|one| one.covers_address(*address)));
        (Names { dns, addresses }, Names { dns: other_dns, addresses: other_addresses })
    }

    /// A certificate with its key for these names, as a file: the one that is kept, if it is for them and counts for a while
    /// longer, or a new one.
    pub fn certificate(&self, names: &Names, now: SystemTime) -> Result<PathBuf, AuthorityError> {
        let path = self.path.with_file_name(LEAF);
        if self.is_usable(&path, names, now) {
            return Ok(path);
        }
        let (key, params) = (KeyPair::generate()?, leaf_params(names, now, self.validity.not_after)?);
        let certificate = params.signed_by(&key, &self.issuer)?;
        let failed = |error| AuthorityError::Write { path: path.clone(), error };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        match write_private(&path, &[&certificate.pem(), &key.serialize_pem()]) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(path),
        }
    }

    fn is_usable(&self, path: &Path, names: &Names, now: SystemTime) -> bool {
        let Ok(pem) = files::read_file(path) else { return false };
        let Ok(chain) = files::parse_chain(&pem, path) else { return false };
        let [der] = &*chain else { return false };
        let Ok((_, parsed)) = X509Certificate::from_der(der) else { return false };
        let Ok(validity) = files::chain_validity(&chain, path) else { return false };
        let Ok((_, authority)) = X509Certificate::from_der(&self.der) else { return false };
        let is_ours = parsed.verify_signature(Some(authority.public_key())).is_ok();
        is_ours && of_certificate(&parsed) == *names && !is_due(&validity, self.validity.not_after, now)
    }
}

/// Whether another certificate should take the place of one with this validity.
pub(crate) fn is_due(leaf: &Validity, authority_ends: SystemTime, now: SystemTime) -> bool {
    let ends = leaf.not_after;
    // Made while the clock was wrong.
    if now < leaf.not_before {
        return true;
    }
    // One that ends with its authority cannot be had for longer.
    now >= ends || (now + RENEWED_BEFORE >= ends && ends + DAY < authority_ends)
}

/// The names in a certificate.
pub(crate) fn of_certificate(certificate: &X509Certificate<'_>) -> Names {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let mut names = Names::default();
    for name in alternative.into_iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => drop(names.dns.insert((*name).to_owned())),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                names.addresses.extend(address);
            }
            _ => {}
        }
    }
    names
}

fn common_name(text: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// What a machine is called among `localhost` and the rest.
fn of_machine(names: &Names) -> &str {
    let own = names.dns.iter().find(|name| *name != "localhost" && !name.starts_with("*."));
    own.map_or("this machine", String::as_str)
}

fn authority_params(names: &Names, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    let since: OffsetDateTime = now.into();
    let day = since.date();
    params.distinguished_name = common_name(format!("Sightwire on {} ({day})", of_machine(names)));
    params.not_before = (now - DAY).into();
    params.not_after = (now + AUTHORITY_LASTS).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted_names(names).iter().map(Permitted::subtree).collect(),
        excluded_subtrees: Vec::new(),
    });
    params
}

fn leaf_params(
    names: &Names,
    now: SystemTime,
    authority_ends: SystemTime,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(of_machine(names).chars().take(64).collect());
    // A phone's clock may be slow.
    params.not_before = (now - DAY).into();
    params.not_after = (now + LEAF_LASTS).min(authority_ends).into();
    for name in &names.dns {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    params.subject_alt_names.extend(names.addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Writes a file that only its owner reads, whole or not at all. An error where there is one.
fn write_private(path: &Path, texts: &[&str]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Such files have mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for text in texts {
        file.write_all(text.as_bytes())?;
    }
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    fn names(dns: &[&str], addresses: &[&str]) -> Names {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        Names::new(dns.iter().map(ToString::to_string), addresses)
    }

    /// What a client that trusts the authority says of its certificate.
    fn check(
        authority: &Authority,
        certificate: &CertificateDer<'_>,
        name: &str,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()).map(|_| ())
    }

    fn signed(authority: &Authority, names: &Names, now: SystemTime) -> CertificateDer<'static> {
        let path = authority.certificate(names, now).unwrap();
        files::parse_chain(&files::read_file(&path).unwrap(), &path).unwrap().swap_remove(0)
    }

    #[test]
    fn what_it_signs_is_trusted_for_this_machine_alone() {
        let home = tempfile::tempdir().unwrap();
        let machine =
            names(&["vision.local", "*.example.org"], &["192.168.1.5", "203.0.113.7", "2001:db8::1"]);
        let authority = Authority::open(home.path(), &machine, SystemTime::now()).unwrap();
        let certificate = signed(&authority, &machine, SystemTime::now());
        for name in
            ["vision.local", "localhost", "a.example.org", "192.168.1.5", "203.0.113.7", "2001:db8::1"]
        {
            assert_eq!(check(&authority, &certificate, name), Ok(()), "{name}");
        }
        assert!(check(&authority, &certificate, "192.168.1.6").is_err(), "another's");
        // Who has its key cannot be somebody else.
        for (dns, address) in
            [(&["bank.example"][..], "192.168.1.5"), (&[], "203.0.113.8"), (&["example.com"], "::1")]
        {
            let foreign = names(dns, &[address]);
            let key = KeyPair::generate().unwrap();
            let params = leaf_params(&foreign, SystemTime::now(), authority.validity().not_after).unwrap();
            let forged = params.signed_by(&key, &authority.issuer).unwrap();
            assert!(check(&authority, forged.der(), "localhost").is_err(), "{foreign}");
        }
    }

    #[test]
    fn it_is_kept_and_signs_anew_when_names_change_or_time_runs_out() {
        let home = tempfile::tempdir().unwrap();
        // One moment for all of it: a certificate counts in whole seconds, and one signed a second later is due later.
        let (machine, now) = (names(&["vision"], &["192.168.1.5"]), SystemTime::now());
        let authority = Authority::open(home.path(), &machine, now).unwrap();
        let mode = std::fs::metadata(authority.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Authority::open(home.path(), &names(&["other"], &["10.1.2.3"]), now).unwrap();
        assert_eq!(again.fingerprint(), authority.fingerprint());
        assert_eq!(authority.fingerprint().len(), 32 * 3 - 1);
        let first = signed(&authority, &machine, now);
        assert_eq!(signed(&again, &machine, now), first);
        let moved = names(&["vision"], &["10.1.2.3"]);
        assert_eq!(authority.split_names(&moved).0, moved, "private addresses change");
        let second = signed(&authority, &moved, now);
        assert!(second != first && check(&authority, &second, "10.1.2.3").is_ok());
        let later = now + LEAF_LASTS - RENEWED_BEFORE - DAY;
        assert!(authority.is_usable(&authority.certificate(&moved, later).unwrap(), &moved, later));
        assert_eq!(signed(&authority, &moved, now), second, "not yet");
        let path = authority.certificate(&moved, later + DAY).unwrap();
        let third = files::parse_chain(&files::read_file(&path).unwrap(), &path).unwrap().swap_remove(0);
        assert!(third != second);
        let after = authority.validity().not_after + DAY;
        let next = Authority::open(home.path(), &machine, after).unwrap();
        assert!(next.fingerprint() != authority.fingerprint() && next.validity().not_after > after);
        // The clock was wrong: both go on with what they had.
        std::fs::rename(home.path().join("authority.expired.pem"), authority_file(home.path())).unwrap();
        assert_eq!(signed(&authority, &moved, now), signed(&again, &moved, now));
        let kept = Authority::open(home.path(), &machine, now).unwrap();
        assert_eq!(kept.fingerprint(), authority.fingerprint());
    }

    #[test]
    fn what_was_signed_while_the_clock_was_ahead_is_signed_again() {
        let home = tempfile::tempdir().unwrap();
        let (machine, now) = (names(&["vision"], &[]), SystemTime::now());
        let authority = Authority::open(home.path(), &machine, now).unwrap();
        let ahead = authority.certificate(&machine, now + 30 * DAY).unwrap();
        assert!(!authority.is_usable(&ahead, &machine, now));
        let path = authority.certificate(&machine, now).unwrap();
        assert!(authority.is_usable(&path, &machine, now));
    }

    #[test]
    fn names_that_it_was_not_made_for_are_left_out_and_told() {
        let home = tempfile::tempdir().unwrap();
        let machine = names(&["vision"], &["203.0.113.7", "2001:db8::1"]);
        let authority = Authority::open(home.path(), &machine, SystemTime::now()).unwrap();
        let now =
            names(&["vision", "sub.vision", "camera"], &["203.0.113.8", "2001:db8::2", "2001:db8:0:1::1"]);
        let (covered, others) = authority.split_names(&now);
        assert_eq!(covered.to_string(), "localhost, sub.vision, vision, 127.0.0.1, ::1, 2001:db8::2");
        assert_eq!(others.to_string(), "camera, 203.0.113.8, 2001:db8:0:1::1");
        let certificate = signed(&authority, &covered, SystemTime::now());
        assert_eq!(check(&authority, &certificate, "2001:db8::2"), Ok(()));
    }

    #[test]
    fn a_spoilt_authority_is_named_and_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let machine = names(&[], &[]);
        let path = authority_file(home.path());
        let fails = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = Authority::open(home.path(), &machine, SystemTime::now()).unwrap_err().to_string();
            assert!(error.contains("authority.pem") && error.contains("remove the file"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        };
        fails("");
        let key = KeyPair::generate().unwrap();
        fails(&key.serialize_pem());
        let plain = leaf_params(&machine, SystemTime::now(), SystemTime::now() + DAY)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        fails(&plain.pem());
        fails(&format!("{}{}", plain.pem(), key.serialize_pem()));
        assert!(Authority::remove(home.path()).unwrap() && !Authority::remove(home.path()).unwrap());
        Authority::open(home.path(), &machine, SystemTime::now()).unwrap();
    }
}
