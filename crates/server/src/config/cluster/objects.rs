//! `cluster.buckets` and `cluster.s3_*`: storage whose objects are read for others. Credentials are not part of the configuration.

use url::Url;

use super::{ClusterKeys, ConfigError, Values, is_loopback, plain_url};

/// Characters of a region, at most.
const MAX_REGION: usize = 64;

/// Where objects lie that are read for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsConfig {
    /// `s3://bucket` or `s3://bucket/folder`.
    pub buckets: Vec<String>,
    /// Without a path; `None` takes Amazon's of the region.
    pub endpoint: Option<Url>,
    /// As requests are signed.
    pub region: String,
}

impl ObjectsConfig {
    pub(super) fn of_keys(values: Values<'_>, keys: &ClusterKeys) -> Result<Self, ConfigError> {
        let buckets = keys.buckets.clone();
        if !buckets.iter().all(|bucket| bucket.starts_with("s3://")) {
            let reason = "each is written as s3://bucket, or as s3://bucket/folder for a part of one";
            return Err(values.invalid("cluster.buckets", reason));
        }
        let region = keys.s3_region.clone();
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if region.is_empty() || region.len() > MAX_REGION || !region.chars().all(is_fine) {
            let reason = "it is of letters, digits, `-` and `_`, as eu-central-1 is; storage that has none takes us-east-1";
            return Err(values.invalid("cluster.s3_region", reason));
        }
        Ok(Self { buckets, endpoint: parse_endpoint(values, keys)?, region })
    }
}

fn parse_endpoint(values: Values<'_>, keys: &ClusterKeys) -> Result<Option<Url>, ConfigError> {
    if keys.s3_endpoint.is_empty() {
        return Ok(None);
    }
    let Some(url) = plain_url(&keys.s3_endpoint) else {
        let reason = "write it as https://minio.example.org or https://10.0.0.5:9000, without name, password, path or query; buckets are \
                      named in cluster.buckets, and credentials in the environment";
        return Err(values.invalid("cluster.s3_endpoint", reason));
    };
    if url.scheme() == "http" && !is_loopback(&url) && !keys.s3_allow_http {
        let reason = "pictures would cross the network for everybody to read, and a session's token with them; write https://, or set \
                      cluster.s3_allow_http where the network is yours alone";
        return Err(values.invalid("cluster.s3_endpoint", reason));
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn of(set: &[&str]) -> Result<ObjectsConfig, String> {
        let mut layers = load::default_layers();
        for set in set {
            layers.add_flag(&format!("cluster.{set}")).map_err(|error| error.to_string())?;
        }
        let values = Values::new(&layers);
        let read = ClusterKeys::read(values).and_then(|keys| ObjectsConfig::of_keys(values, &keys));
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_read_from_storage_until_buckets_are_named() {
        let none = ObjectsConfig { buckets: vec![], endpoint: None, region: "us-east-1".into() };
        assert_eq!(of(&[]).unwrap(), none);
        let set = [
            "buckets=[\"s3://scans/2026/\", \"s3://more\"]",
            "s3_endpoint=https://minio:9000",
            "s3_region=eu-central-1",
        ];
        let objects = of(&set).unwrap();
        assert_eq!(objects.buckets, ["s3://scans/2026", "s3://more"]);
        assert_eq!(objects.endpoint.unwrap().as_str(), "https://minio:9000/");
        assert_eq!(objects.region, "eu-central-1");
    }

    #[test]
    fn mistakes_name_their_key_and_never_show_a_password() {
        for (set, key, part) in [
            ("buckets=[\"scans\"]", "cluster.buckets", "s3://bucket"),
            ("s3_region=", "cluster.s3_region", "us-east-1"),
            ("s3_region=eu central", "cluster.s3_region", "letters"),
            ("s3_endpoint=minio:9000", "cluster.s3_endpoint", "https://"),
            ("s3_endpoint=https://minio/scans", "cluster.s3_endpoint", "without name, password, path"),
            ("s3_endpoint=https://me:s3cret@minio", "cluster.s3_endpoint", "in the environment"),
            ("s3_endpoint=http://10.0.0.5:9000", "cluster.s3_endpoint", "cluster.s3_allow_http"),
        ] {
            let error = of(&[set]).unwrap_err();
            assert!(error.contains(&format!("`{key}`")) && error.contains(part), "{set}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_or_where_it_is_allowed() {
        for here in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
            assert!(of(&[&format!("s3_endpoint={here}")]).is_ok(), "{here}");
        }
        assert!(of(&["s3_endpoint=http://10.0.0.5:9000", "s3_allow_http=true"]).is_ok());
    }
}
