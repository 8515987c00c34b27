//! `[[camera]]`: the cameras of the configuration file.

use std::path::PathBuf;

use serde::Deserialize;
use sightwire_hub::source::address::CameraUrl;
use sightwire_live::source::{CameraError, CameraSource, CameraTable, check_id, every};
use toml::Value;

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
    username: Option<String>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    default: bool,
}

/// Why the tables cannot be used. None of the messages holds an address, which may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum CameraTableError {
    /// A table that is not one of a list.
    #[error("write [[camera]] with two brackets: it is a list")]
    NoList,
    /// The parser's message of a wrong type would show the value.
    #[error("a value has the wrong type")]
    Type,
    /// A key is missing, or nothing is called so; the parser's message.
    #[error("{0}")]
    Keys(String),
    /// A value that no camera can have.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A file that cannot be read, or has no first line.
    #[error("the password cannot be read from {}: {reason}", file.display())]
    PasswordFile {
        /// As it is written.
        file: PathBuf,
        /// What the system says, or what is missing.
        reason: String,
    },
    /// Two passwords, two names, or no name.
    #[error(
        "with password_file, the url must have no password, and the name must be in either username or the url"
    )]
    Password,
    /// A name without a password of its own.
    #[error("username needs password_file; a name and a password may also stand in the url")]
    Username,
    /// Files come one after the other, at `fps`.
    #[error("a folder has no mode")]
    FolderMode,
    /// Nothing to read, or two things.
    #[error("it needs either url or folder")]
    Source,
    /// The id of another table.
    #[error("there is another camera with the id {0:?}")]
    Id(String),
    /// The user of another table.
    #[error("the user {0:?} has another camera already")]
    User(String),
    /// A second `default = true`.
    #[error("another camera is the default already")]
    Default,
}

/// Reads the tables; those that cannot be used come with their number, from 0, and why.
pub fn read(value: Value) -> (Vec<CameraTable>, Vec<(usize, CameraTableError)>) {
    let Value::Array(tables) = value else { return (Vec::new(), vec![(0, CameraTableError::NoList)]) };
    let (mut cameras, mut mistakes) = (Vec::new(), Vec::new());
    for (index, table) in tables.into_iter().enumerate() {
        match one(table).and_then(|camera| beside(&cameras, camera)) {
            Ok(camera) => cameras.push(camera),
            Err(reason) => mistakes.push((index, reason)),
        }
    }
    (cameras, mistakes)
}

/// The camera, unless one of the others is called like it or is whose it is.
fn beside(others: &[CameraTable], camera: CameraTable) -> Result<CameraTable, CameraTableError> {
    if others.iter().any(|other| other.id == camera.id) {
        return Err(CameraTableError::Id(camera.id));
    }
    if let Some(user) = &camera.user
        && others.iter().any(|other| other.user.as_ref() == Some(user))
    {
        return Err(CameraTableError::User(user.clone()));
    }
    if camera.default && others.iter().any(|other| other.default) {
        return Err(CameraTableError::Default);
    }
    Ok(camera)
}

fn one(table: Value) -> Result<CameraTable, CameraTableError> {
    let table: Table = table.try_into().map_err(|error: toml::de::Error| match error.message() {
        message if message.contains("invalid type") => CameraTableError::Type,
        message => CameraTableError::Keys(message.to_owned()),
    })?;
    check_id(&table.id)?;
    let source = match (&table.url, &table.folder, table.mode.as_deref()) {
        (Some(url), None, _) => of_url(&table, url)?,
        (None, Some(_), _) if table.password_file.is_some() => return Err(CameraTableError::Source),
        (None, Some(_), _) if table.username.is_some() => return Err(CameraTableError::Username),
        (None, Some(folder), None | Some("folder")) => {
            CameraSource::Folder(folder.clone(), every(table.fps.unwrap_or(5.0))?)
        }
        (None, Some(_), Some(_)) => return Err(CameraTableError::FolderMode),
        _ => return Err(CameraTableError::Source),
    };
    Ok(CameraTable {
        name: table.name.unwrap_or_else(|| table.id.clone()),
        id: table.id,
        source,
        user: table.user,
        default: table.default,
    })
}

/// What the table's address is the source of.
fn of_url(table: &Table, url: &str) -> Result<CameraSource, CameraTableError> {
    let mode = table.mode.as_deref();
    if CameraSource::simulated(url).map_err(CameraError::from)?.is_none() {
        return Ok(CameraSource::of_url(&address(table, url)?, mode, table.fps)?);
    }
    // There is nobody to tell a password.
    if table.password_file.is_some() || table.username.is_some() {
        return Err(CameraError::Simulated.into());
    }
    Ok(CameraSource::of(url, mode, table.fps)?)
}

/// The address, with the password of the file if there is one.
fn address(table: &Table, url: &str) -> Result<CameraUrl, CameraTableError> {
    let url = CameraUrl::parse(url).map_err(CameraError::from)?;
    let Some(file) = &table.password_file else {
        return if table.username.is_none() { Ok(url) } else { Err(CameraTableError::Username) };
    };
    let unread = |reason: String| CameraTableError::PasswordFile { file: file.clone(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| unread(error.to_string()))?;
    let password = text.lines().next().filter(|line| !line.is_empty());
    let password = password.ok_or_else(|| unread("its first line is empty".to_owned()))?;
    url.with_password(table.username.as_deref(), password).ok_or(CameraTableError::Password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<CameraTable>, (usize, CameraTableError)> {
        let table: toml::Table = toml::from_str(text).unwrap();
        let (cameras, mistakes) = read(table["camera"].clone());
        mistakes.into_iter().next().map_or(Ok(cameras), Err)
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
        assert_eq!(
            (cameras[2].source.mode(), cameras[2].default),
            (sightwire_api::camera::CameraMode::Folder, true)
        );
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
    fn a_password_may_stand_in_a_file_and_is_shown_no_more_than_another() {
        let folder = tempfile::tempdir().unwrap();
        let (file, empty) = (folder.path().join("password"), folder.path().join("empty"));
        std::fs::write(&file, "s3cret: 100 %41 @ once\nanother line\n").unwrap();
        std::fs::write(&empty, "\n").unwrap();
        let camera = |rest: &str, file: &std::path::Path| {
            parse(&format!("[[camera]]\nid = \"a\"\npassword_file = {file:?}\n{rest}"))
        };
        let expected =
            CameraSource::of("http://me:s3cret%3A%20100%20%2541%20%40%20once@10.0.0.5", None, None);
        for rest in ["url = \"http://me@10.0.0.5\"", "username = \"me\"\nurl = \"http://10.0.0.5\""] {
            let cameras = camera(rest, &file).unwrap();
            assert_eq!(cameras[0].source, expected.clone().unwrap(), "{rest}");
            assert!(
                !format!("{cameras:?}").contains("s3cret") && !cameras[0].source.shown().contains("s3cret")
            );
        }
        for (rest, file, part) in [
            ("url = \"http://me:other@10.0.0.5\"", &file, "no password"),
            ("username = \"me\"\nurl = \"http://you@10.0.0.5\"", &file, "either username or the url"),
            ("url = \"http://10.0.0.5\"", &file, "either username or the url"),
            ("folder = \"/pictures\"", &file, "either url or folder"),
            ("url = \"http://me@10.0.0.5\"", &empty, "first line is empty"),
            ("url = \"http://me@10.0.0.5\"", &folder.path().join("missing"), "missing"),
        ] {
            let (_, reason) = camera(rest, file).unwrap_err();
            assert!(reason.to_string().contains(part), "{rest}: {reason}");
            assert!(
                !reason.to_string().contains("s3cret") && !reason.to_string().contains("other"),
                "{reason}"
            );
        }
        let (_, reason) = parse("[[camera]]\nid = \"a\"\nusername = \"me\"\nurl = \"http://a\"").unwrap_err();
        assert!(reason.to_string().contains("needs password_file"), "{reason}");
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
            ("[[camera]]\nid = \"a\"\nurl = \"simulated:street\"\nfps = 5", 0, "no mode, fps or password"),
            (
                "[[camera]]\nid = \"a\"\nurl = \"simulated:street\"\nusername = \"me\"",
                0,
                "no mode, fps or password",
            ),
            ("[[camera]]\nid = \"a\"\nurl = \"simulated:alley\"", 0, "alley"),
            (
                "[[camera]]\nid = \"a\"\nurl = \"simulated:street\"\nfolder = \"/pictures\"",
                0,
                "either url or folder",
            ),
            ("[[camera]]\nid = \"a\"\nfolder = \"/pictures\"\nusername = \"me\"", 0, "needs password_file"),
            ("[[camera]]\nid = \"test\"\nurl = \"http://a\"", 0, "taken by the API"),
            ("[[camera]]\nid = \"url-1\"\nurl = \"http://a\"", 0, "url-"),
        ] {
            let (at, reason) = parse(text).unwrap_err();
            let reason = reason.to_string();
            assert_eq!(at, index, "{text}");
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
