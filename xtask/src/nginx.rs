//! An nginx before processes of this machine, with the configuration of deploy/cluster: on a free port, and ended with the process that
//! started it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use crate::process;
use crate::project::{Project, on_path};
use crate::redis::free_port;

const PROGRAM: &str = "nginx";
const CONFIGURATION: &str = "deploy/cluster/nginx.conf";
const START: Duration = Duration::from_secs(10);

pub(crate) struct Nginx {
    child: Child,
    port: u16,
}

impl Nginx {
    /// Starts it before as many processes as the configuration has, and returns when it takes connections. Their addresses are
    /// host and port; one may be named more than once.
    pub(crate) fn start(project: &Project, processes: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let folder = project.own_path("bench/nginx");
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let path = project.join_root(CONFIGURATION);
        let site = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        fs::write(folder.join("nginx.conf"), wrap_site(&configure_site(&site, port, processes)?))?;
        let mut command = Command::new(find_program(project)?);
        command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(&folder);
        let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let child =
            process::start_process(PROGRAM, &mut command, &project.log_path(PROGRAM), START, is_ready)?;
        Ok(Self { child, port })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = process::stop_process(&mut self.child, Signal::SIGTERM);
    }
}

/// With addresses of this machine.
fn configure_site(site: &str, port: u16, processes: &[&str]) -> Result<String> {
    let mut site = site.to_owned();
    let listen = ["listen 80;".to_owned(), format!("listen 127.0.0.1:{port};")];
    let addresses =
        processes.iter().zip(8001..).map(|(to, from)| [format!("127.0.0.1:{from}"), (*to).to_owned()]);
    // Not one after the other: a new address may look like one that is still to come.
    let (mut marked, mut changes) = (Vec::new(), vec![listen]);
    for (index, [from, to]) in addresses.enumerate() {
        let mark = format!("<process {index}>");
        changes.push([from, mark.clone()]);
        marked.push([mark, to]);
    }
    for [from, to] in changes.into_iter().chain(marked) {
        ensure!(site.contains(&from), "{CONFIGURATION} has no {from:?}");
        site = site.replace(&from, &to);
    }
    Ok(site)
}

/// What nginx needs around it: it runs in a folder of its own, as the user who starts it.
fn wrap_site(site: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {name};\n")).concat();
    format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr notice;\n\
         events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n"
    )
}

/// `setup::unpacked` says where it may be.
fn find_program(project: &Project) -> Result<PathBuf> {
    let installed = on_path(PROGRAM).into_iter().chain([Path::new("/usr/sbin").join(PROGRAM)]);
    let mut all = installed.chain([project.own_path("nginx/usr/sbin").join(PROGRAM)]);
    all.find(|file| file.is_file()).context("no nginx: `cargo xtask setup --for test` unpacks it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_becomes_another_once() {
        let site = "listen 80;\n127.0.0.1:8001 127.0.0.1:8002\n127.0.0.1:8001";
        let made = configure_site(site, 9000, &["127.0.0.1:8002", "127.0.0.1:7000"]).unwrap();
        assert_eq!(made, "listen 127.0.0.1:9000;\n127.0.0.1:8002 127.0.0.1:7000\n127.0.0.1:8002");
        assert!(
            configure_site("listen 80;", 9000, &["127.0.0.1:1"])
                .is_err_and(|error| error.to_string().contains("8001"))
        );
    }
}
