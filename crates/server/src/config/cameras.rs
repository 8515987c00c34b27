//! `[[camera]]`: the cameras of the configuration file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sightwire_hub::source::address::CameraUrl;
use toml::Value;

/// Where pictures come from. What is equal is read once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CameraSource {
    /// An endless answer.
    Stream(CameraUrl),
    /// Single pictures, one every so often.
    Capture(CameraUrl, Duration),
    /// The pictures of a folder, one every so often.
    Folder(PathBuf, Duration),
    /// What somebody sends to `/ws/stream/…` under that name. Never configured.
    Relay(Arc<str>),
}

impl CameraSource {
    /// `mode` is `stream` or `capture`.
    pub fn of(address: &str, mode: Option<&str>, fps: Option<f64>) -> Result<Self, String> {
        let url = CameraUrl::parse(address).map_err(|error| error.to_string())?;
        match mode {
            None | Some("stream") if fps.is_some() => {
                Err("fps is for mode = \"capture\"; a stream comes as fast as the camera sends it".into())
            }
            None | Some("stream") => Ok(Self::Stream(url.stream_if_bare())),
            Some("capture") => Ok(Self::Capture(url.capture_if_bare(), every(fps.unwrap_or(1.0))?)),
            Some(_) => Err("mode must be stream or capture".into()),
        }
    }

    /// As old clients mean an address: that of the board, whose stream is below it.
    pub fn of_board(address: &str) -> Result<Self, String> {
        let url = CameraUrl::parse(address).map_err(|error| error.to_string())?;
        Ok(Self::Stream(url.stream()))
    }

    /// Its address, where it has one.
    pub fn url(&self) -> Option<&CameraUrl> {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => Some(url),
            Self::Folder(..) | Self::Relay(_) => None,
        }
    }

    /// `stream`, `capture`, `folder`, `relay`.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Stream(_) => "stream",
            Self::Capture(..) => "capture",
            Self::Folder(..) => "folder",
            Self::Relay(_) => "relay",
        }
    }

    /// Pictures a second, where the server decides that.
    pub fn fps(&self) -> Option<f64> {
        match self {
            Self::Stream(_) | Self::Relay(_) => None,
            Self::Capture(_, every) | Self::Folder(_, every) => Some(1.0 / every.as_secs_f64()),
        }
    }

    /// For people: without name and password.
    pub fn shown(&self) -> String {
        match self {
            Self::Stream(url) | Self::Capture(url, _) => url.masked(),
            // Where it lies concerns nobody.
            Self::Folder(path, _) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Relay(name) => name.to_string(),
        }
    }
}

fn every(fps: f64) -> Result<Duration, String> {
    if (0.01..=60.0).contains(&fps) {
        // In whole milliseconds, so that it is the same when it was kept in a file as a rate.
        Ok(Duration::from_millis((1000.0 / fps).round() as u64))
    } else {
        Err("fps must be from 0.01 to 60".into())
    }
}

/// One camera.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraTable {
    /// Letters, digits, `-`, `_`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where its pictures come from.
    pub source: CameraSource,
    /// Who gets it with `X-User-ID`.
    pub user: Option<String>,
    /// Whether it is the one of all others.
    pub default: bool,
}

impl CameraTable {
    /// `cameras.default_url`.
    pub fn default_camera(address: &str) -> Result<Self, String> {
        let source = CameraSource::of(address, None, None)?;
        Ok(Self { id: "default".into(), name: "Default camera".into(), source, user: None, default: true })
    }
}

/// Whether this can be a camera's id.
pub fn check_id(id: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err("its id must be 1 to 64 letters, digits, - or _".into());
    }
    if id == "test" {
        return Err("the id test is taken by the API; choose another".into());
    }
    if id.starts_with("url-") {
        return Err("ids that begin with url- are given to cameras that nobody configured".into());
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    id: String,
    name: Option<String>,
    url: Option<String>,
    folder: Option<PathBuf>,
    mode: Option<String>,
    fps: Option<f64>,
    user: Option<String>,
    #[serde(default)]
    default: bool,
}

/// Reads the tables; an error comes with the number of its table, from 0.
pub fn read(value: Value) -> Result<Vec<CameraTable>, (usize, String)> {
    let Value::Array(tables) = value else {
        return Err((0, "write [[camera]] with two brackets: it is a list".into()));
    };
    let (mut ids, mut users, mut has_default) = (BTreeSet::new(), BTreeSet::new(), false);
    let mut cameras = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let camera = one(table).map_err(|reason| (index, reason))?;
        if !ids.insert(camera.id.clone()) {
            return Err((index, format!("there is another camera with the id {:?}", camera.id)));
        }
        if let Some(user) = &camera.user
            && !users.insert(user.clone())
        {
            return Err((index, format!("the user {user:?} has another camera already")));
        }
        if camera.default && std::mem::replace(&mut has_default, true) {
            return Err((index, "another camera is the default already".into()));
        }
        cameras.push(camera);
    }
    Ok(cameras)
}

fn one(table: Value) -> Result<CameraTable, String> {
    // The message of a wrong type would show the value, which may hold a password.
    let table: Table = table.try_into().map_err(|error: toml::de::Error| match error.message() {
        message if message.contains("invalid type") => "a value has the wrong type".to_owned(),
        message => message.to_owned(),
    })?;
    check_id(&table.id)?;
    let source = match (&table.url, &table.folder, table.mode.as_deref()) {
        (Some(url), None, mode) => CameraSource::of(url, mode, table.fps)?,
        (None, Some(folder), None | Some("folder")) => {
            CameraSource::Folder(folder.clone(), every(table.fps.unwrap_or(5.0))?)
        }
        (None, Some(_), Some(_)) => return Err("a folder has no mode".into()),
        _ => return Err("it needs either url or folder".into()),
    };
    Ok(CameraTable {
        name: table.name.unwrap_or_else(|| table.id.clone()),
        id: table.id,
        source,
        user: table.user,
        default: table.default,
    })
}

/// The line of the `index`-th `[[camera]]`, from 1; 0 if it is not found.
pub fn line_of(text: &str, index: usize) -> usize {
    let is_table = |line: &str| line.trim_start().starts_with("[[camera]]");
    text.lines().enumerate().filter(|(_, line)| is_table(line)).nth(index).map_or(0, |(line, _)| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<CameraTable>, (usize, String)> {
        let table: toml::Table = toml::from_str(text).unwrap();
        read(table["camera"].clone())
    }

    #[test]
    fn cameras_are_read_with_their_defaults() {
        let cameras = parse(
            "[[camera]]\nid = \"a\"\nurl = \"http://me:secret@10.0.0.5\"\n\
             [[camera]]\nid = \"b\"\nname = \"Yard\"\nurl = \"http://10.0.0.6\"\nmode = \"capture\"\nfps = 2\nuser = \"eve\"\n\
             [[camera]]\nid = \"c\"\nfolder = \"/pictures\"\ndefault = true\n",
        )
        .unwrap();
        assert_eq!(cameras[0].source.shown(), "http://***:***@10.0.0.5/stream");
        assert_eq!((cameras[0].name.as_str(), cameras[0].default), ("a", false));
        assert_eq!(cameras[1].source.fps(), Some(2.0));
        assert_eq!(cameras[1].source.shown(), "http://10.0.0.6/capture");
        assert_eq!((cameras[2].source.mode(), cameras[2].default), ("folder", true));
    }

    #[test]
    fn a_path_that_was_given_is_taken_as_it_is() {
        let shown = |url: &str, mode| CameraSource::of(url, mode, None).unwrap().shown();
        assert_eq!(shown("http://phone:8080/video", None), "http://phone:8080/video");
        assert_eq!(shown("http://cam/", None), "http://cam/stream");
        assert_eq!(shown("http://cam:81/stream", Some("capture")), "http://cam:81/capture");
        assert_eq!(shown("http://cam/shot", Some("capture")), "http://cam/shot");
        assert_eq!(CameraSource::of_board("http://cam/base").unwrap().shown(), "http://cam/base/stream");
    }

    #[test]
    fn mistakes_are_named_by_table_and_never_show_a_password() {
        for (text, index, part) in [
            ("[[camera]]\nid = \"a b\"\nurl = \"http://a\"", 0, "letters"),
            ("[[camera]]\nid = \"a\"", 0, "either url or folder"),
            ("[[camera]]\nid = \"a\"\nurl = \"ftp://me:secret@a\"", 0, "http or https"),
            ("[[camera]]\nid = \"a\"\nurl = \"http://a\"\nfsp = 3", 0, "fsp"),
            ("[[camera]]\nid = \"a\"\nurl = [\"http://me:secret@a\"]", 0, "wrong type"),
            (
                "[[camera]]\nid = \"a\"\nurl = \"http://a\"\n[[camera]]\nid = \"a\"\nurl = \"http://b\"",
                1,
                "another",
            ),
            ("[[camera]]\nid = \"a\"\nurl = \"http://a\"\nfps = 5", 0, "capture"),
            ("[[camera]]\nid = \"a\"\nurl = \"http://a\"\nmode = \"capture\"\nfps = 0", 0, "0.01"),
            ("[[camera]]\nid = \"test\"\nurl = \"http://a\"", 0, "taken by the API"),
            ("[[camera]]\nid = \"url-1\"\nurl = \"http://a\"", 0, "url-"),
        ] {
            let (at, reason) = parse(text).unwrap_err();
            assert_eq!(at, index, "{text}");
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
