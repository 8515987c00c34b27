//! An https server with a certificate of its own, which misbehaves as told and remembers what it was asked.

use std::fmt::{Display, Write as _};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sightwire_http_client::trust::Trust;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub path: String,
    /// First byte of the `Range`, where there is one.
    pub from: Option<u64>,
    /// `If-Range`.
    pub if_range: Option<String>,
    /// How many came before.
    pub number: usize,
    /// Bytes of the body that were sent.
    pub sent: u64,
}

pub struct Reply {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    end: End,
}

/// How an answer ends.
enum End {
    Whole,
    /// The connection is cut after this many bytes of the body.
    Cut(usize),
    /// Nothing more comes after this many bytes, and the connection stays open.
    Stall(usize),
    /// After this many bytes the rest waits for the gate to open.
    Wait(usize, Gate),
}

/// Holds up answers until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.0.lock().unwrap();
        let limit = Duration::from_secs(60);
        drop(self.0.1.wait_timeout_while(closed, limit, |open| !*open).unwrap());
    }
}

impl Reply {
    /// Status and no body.
    pub fn status(status: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), end: End::Whole }.header("Content-Length", "0")
    }

    /// All of a content, whatever was asked for.
    pub fn whole(content: &[u8]) -> Self {
        Self { body: content.to_vec(), ..Self::status("200 OK") }.header("Content-Length", content.len())
    }

    /// As a good server answers: from the byte that was asked for.
    pub fn ranged(content: &[u8], request: &Request) -> Self {
        let (from, size) = (request.from.unwrap_or(0) as usize, content.len());
        match request.from {
            None => Self::whole(content),
            Some(_) if from >= size => {
                Self::status("416 Range Not Satisfiable").header("Content-Range", format!("bytes */{size}"))
            }
            Some(_) => Self { status: "206 Partial Content", ..Self::whole(&content[from..]) }
                .header("Content-Range", format!("bytes {from}-{}/{size}", size - 1)),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Display) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self
    }

    /// Cuts the connection after this many bytes of the body.
    pub fn cut(self, after: usize) -> Self {
        Self { end: End::Cut(after), ..self }
    }

    /// Sends nothing more after this many bytes of the body.
    pub fn stall(self, after: usize) -> Self {
        Self { end: End::Stall(after), ..self }
    }

    /// Sends the rest after this many bytes of the body when the gate opens.
    pub fn wait(self, after: usize, gate: &Gate) -> Self {
        Self { end: End::Wait(after, gate.clone()), ..self }
    }
}

/// The server; it ends with the test.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    /// PEM file with the authority that signed its certificate.
    pub authority: PathBuf,
    /// Trust in the authority that signed its certificate, and in no other.
    pub trust: Trust,
}

impl Server {
    /// Starts one that answers so; its authority's certificate is put into `folder`.
    pub fn start(folder: &Path, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let (config, pem, trust) = certificate();
        let authority = folder.join("authority.pem");
        std::fs::write(&authority, pem).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), requests: Arc::default(), authority, trust };
        let (requests, answer) = (server.requests.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, requests, answer) = (config.clone(), requests.clone(), answer.clone());
                thread::spawn(move || serve(stream, config, &requests, &*answer));
            }
        });
        server
    }

    /// Address of a file there.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Bytes of bodies that it sent so far.
    pub fn sent(&self) -> u64 {
        self.requests().iter().map(|request| request.sent).sum()
    }
}

fn certificate() -> (Arc<ServerConfig>, String, Trust) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    (Arc::new(config), authority.pem(), Trust::Only(Arc::new(roots)))
}

/// One request a connection. Errors end it: a client that goes away is part of the tests.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    requests: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Reply,
) -> Option<()> {
    let mut tls = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
    let mut request = read(&mut tls)?;
    let index = {
        let mut requests = requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
        request.number
    };
    let reply = answer(&request);
    let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    tls.write_all(head.as_bytes()).ok()?;
    tls.write_all(b"\r\n").ok()?;
    let first = match reply.end {
        End::Whole => reply.body.len(),
        End::Cut(after) | End::Stall(after) | End::Wait(after, _) => after.min(reply.body.len()),
    };
    let send = |tls: &mut StreamOwned<_, _>, bytes: &[u8]| {
        for piece in bytes.chunks(1 << 14) {
            tls.write_all(piece).ok()?;
            requests.lock().unwrap()[index].sent += piece.len() as u64;
        }
        tls.flush().ok()
    };
    send(&mut tls, &reply.body[..first])?;
    match reply.end {
        // Without the goodbye of TLS: as a line that breaks.
        End::Cut(_) => return Some(()),
        End::Stall(_) => {
            tls.sock.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
            let _ = tls.sock.read(&mut [0; 64]);
        }
        End::Wait(_, gate) => {
            gate.pass();
            send(&mut tls, &reply.body[first..])?;
        }
        End::Whole => {}
    }
    tls.conn.send_close_notify();
    tls.flush().ok()
}

fn read(tls: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<Request> {
    let mut lines = BufReader::new(tls).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut request = Request { path, ..Request::default() };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            return Some(request);
        }
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                request.from = Some(value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?);
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    None
}

/// A proxy that passes on everything; returns its address and what it was asked to connect to.
pub fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let seen = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = seen.clone();
            thread::spawn(move || connect(stream, &seen));
        }
    });
    (address, asked)
}

fn connect(mut client: TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?).lines();
    let target = lines.next()?.ok()?.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    // The client says nothing of its own before the answer, so the buffer holds no more than the head.
    while !lines.next()?.ok()?.is_empty() {}
    let mut server = TcpStream::connect(&target).ok()?;
    seen.lock().unwrap().push(target);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut up, mut down) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut up, &mut down));
    std::io::copy(&mut server, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Both).ok()
}
