//! The other processes, and the Redis over which they know of each other.

use sightwire_cluster::peer::PeerError;
use sightwire_cluster::store::StoreError;
use sightwire_cluster::visit::Neighbour;
use sightwire_server::cluster::Membership;
use sightwire_server::config::Config;
use sightwire_tls::Source;
use sightwire_tls::authority::Authority;

use super::report::Check;
use crate::cmd::check;

/// Nothing of a server that is alone.
pub(super) async fn check_cluster(config: &Config) -> Vec<Check> {
    if config.cluster.is_none() {
        return Vec::new();
    }
    if !has_authority(config) {
        let says = "not asked: the authority of tls.mode = \"self-signed\" is made when the server starts for the first time";
        return vec![Check::warn("cluster", says)];
    }
    let certificates = check::of_files(config).ok().flatten();
    let membership = match Membership::from_config(config, certificates.as_ref()) {
        Ok(Some(membership)) => membership,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let cure = "the server does not start with it; see docs/scaling.md";
            return vec![Check::fail("cluster", format!("{error:#}")).cure(cure)];
        }
    };
    let redis = membership.cluster.status().redis.unwrap_or_default();
    match membership.check_peers().await {
        Ok((version, neighbours)) => {
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            let name = &membership.cluster.own_record().name;
            let others = match neighbours.len() {
                0 => "no other process is running".to_owned(),
                1 => "1 other process is running".to_owned(),
                count => format!("{count} other processes are running"),
            };
            let says = format!("Redis{version} at {redis} answers; {others} (this one is {name})");
            [Check::ok("cluster", says)].into_iter().chain(neighbours.into_iter().map(of_process)).collect()
        }
        Err(StoreError::Refused(refusal)) => vec![Check::fail("cluster", refusal.to_string())],
        Err(why) => {
            let cure = "start Redis, or mend cluster.redis_url; while it is away, what flows goes on, and what begins is decided by \
                        cluster.when_down";
            vec![Check::fail("cluster", format!("Redis does not answer: {why}")).cure(cure)]
        }
    }
}

/// Whether there is what others are to trust, where the server makes that itself.
fn has_authority(config: &Config) -> bool {
    let source = config.tls.options.as_ref().map(|options| &options.source);
    match source {
        Some(Source::SelfSigned(folder)) => !matches!(Authority::open_kept(folder), Ok(None)),
        Some(Source::Files { .. }) | None => true,
    }
}

fn of_process(Neighbour { name, url, trouble }: Neighbour) -> Check {
    let check = match trouble {
        None => Check::ok("process", format!("{url} answers")),
        Some(PeerError::Record) => Check::fail("process", PeerError::Record.to_string())
            .cure("give all processes the same secret (cluster.secret_file), or this one a cluster.prefix of its own"),
        Some(why) => Check::fail("process", format!("{url} cannot be reached from here: {why}"))
            .cure("let the firewall between them pass that port, and see its cluster.advertise_url and certificate"),
    };
    check.about(&*name)
}
