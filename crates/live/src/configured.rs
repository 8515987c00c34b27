//! `[[camera]]`: the cameras of the configuration file.

use std::path::PathBuf;

use serde::Deserialize;
use sightwire_hub::source::address::CameraUrl;
use sightwire_settings::{ConfigError, Effect, Field, Kind, Table as TableKey, Values};
use toml::Value;

use crate::source::{CameraError, CameraSource, CameraTable, MAX_FPS, MIN_FPS, check_id, frame_interval};

/// Cameras of the configuration.
pub static CAMERA: TableKey = TableKey {
    name: "camera",
    shown: "[[camera]]",
    effect: Effect::AtOnce,
    example: r#"
# A camera; as many such tables as there are cameras. The address may hold a name and a password; they are never shown.
# `password_file` names a file with the password on its first line instead, `username` who it is of.
# `mode = "capture"` asks for single pictures, `fps` times a second; `folder` instead of `url` loops a folder of pictures.
# `user` is who gets it with the header X-User-ID; `default = true` makes it the one of all others.
# [[camera]]
# id = "front-door"
# name = "Front door"
# url = "http://name:password@192.168.1.50"
"#,
    fields: &[
        Field::new("id", Kind::Text),
        Field::new("name", Kind::Text),
        Field::new("url", Kind::Text).secret(),
        Field::new("folder", Kind::Path),
        Field::new("mode", Kind::Choice(&["stream", "capture", "folder"])),
        Field::new("fps", Kind::Number { from: MIN_FPS, to: MAX_FPS }),
        Field::new("user", Kind::Text),
        Field::new("username", Kind::Text),
        Field::new("password_file", Kind::Path),
        Field::new("default", Kind::Flag),
    ],
};

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
    /// A key is missing; the parser's message. Keys that there are not, and values of another type, are found before.
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

/// Reads the tables; the first that cannot be used is the error.
pub fn read_tables(values: Values<'_>) -> Result<Vec<CameraTable>, ConfigError> {
    let mut cameras = Vec::new();
    for entry in values.tables(&CAMERA) {
        let camera = parse_camera(entry.value.clone()).and_then(|camera| check_unique(&cameras, camera));
        cameras.push(camera.map_err(|reason| Values::invalid_table(&CAMERA, entry, &reason))?);
    }
    Ok(cameras)
}

/// The camera, unless one of the others is called like it or is whose it is.
fn check_unique(others: &[CameraTable], camera: CameraTable) -> Result<CameraTable, CameraTableError> {
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

fn parse_camera(table: Value) -> Result<CameraTable, CameraTableError> {
    let table: Table = table
        .try_into()
        .map_err(|error: toml::de::Error| CameraTableError::Keys(error.message().to_owned()))?;
    check_id(&table.id)?;
    let source = match (&table.url, &table.folder, table.mode.as_deref()) {
        (Some(url), None, _) => of_url(&table, url)?,
        (None, Some(_), _) if table.password_file.is_some() => return Err(CameraTableError::Source),
        (None, Some(_), _) if table.username.is_some() => return Err(CameraTableError::Username),
        (None, Some(folder), None | Some("folder")) => {
            CameraSource::Folder(folder.clone(), frame_interval(table.fps.unwrap_or(5.0))?)
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
    if CameraSource::parse_simulated(url).map_err(CameraError::from)?.is_none() {
        return Ok(CameraSource::of_url(&camera_address(table, url)?, mode, table.fps)?);
    }
    // There is nobody to tell a password.
    if table.password_file.is_some() || table.username.is_some() {
        return Err(CameraError::Simulated.into());
    }
    Ok(CameraSource::from_address(url, mode, table.fps)?)
}

/// The address, with the password of the file if there is one.
fn camera_address(table: &Table, url: &str) -> Result<CameraUrl, CameraTableError> {
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
    use sightwire_settings::{Layers, Section, Sections};

    fn parse(text: &str) -> Result<Vec<CameraTable>, String> {
        static CAMERAS: Section = Section::new("cameras", &[]).with_tables(&[&CAMERA]);
        static SECTIONS: Sections = Sections::new(&[&CAMERAS]);
        let mut layers = Layers::defaults(SECTIONS);
        layers.add_text(text, std::path::Path::new("a.toml")).map_err(|error| error.to_string())?;
        read_tables(Values::new(&layers)).map_err(|error| error.to_string())
    }

    #[test]
    fn cameras_are_read_with_their_defaults() {
        let cameras = parse(
            "[[camera]]\nid = \"a\"\nurl = \"http://me:secret@10.0.0.5\"\n\
             [[camera]]\nid = \"b\"\nname = \"Yard\"\nurl = \"http://10.0.0.6\"\nmode = \"capture\"\nfps = 2\nuser = \"eve\"\n\
             [[camera]]\nid = \"c\"\nfolder = \"/pictures\"\ndefault = true\n",
        )
        .unwrap();
        assert_eq!(cameras[0].source.shown_address(), "http://***:***@10.0.0.5/stream");
        assert_eq!((cameras[0].name.as_str(), cameras[0].default), ("a", false));
        assert_eq!(cameras[1].source.fps(), Some(2.0));
        assert_eq!(cameras[1].source.shown_address(), "http://10.0.0.6/capture");
        assert_eq!(
            (cameras[2].source.mode(), cameras[2].default),
            (sightwire_api::camera::CameraMode::Folder, true)
        );
    }

    #[test]
    fn a_path_that_was_given_is_taken_as_it_is() {
        let shown = |url: &str, mode| CameraSource::from_address(url, mode, None).unwrap().shown_address();
        assert_eq!(shown("http://phone:8080/video", None), "http://phone:8080/video");
        assert_eq!(shown("http://cam/", None), "http://cam/stream");
        assert_eq!(shown("http://cam:81/stream", Some("capture")), "http://cam:81/capture");
        assert_eq!(shown("http://cam/shot", Some("capture")), "http://cam/shot");
        assert_eq!(
            CameraSource::of_board("http://cam/base").unwrap().shown_address(),
            "http://cam/base/stream"
        );
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
            CameraSource::from_address("http://me:s3cret%3A%20100%20%2541%20%40%20once@10.0.0.5", None, None);
        for rest in ["url = \"http://me@10.0.0.5\"", "username = \"me\"\nurl = \"http://10.0.0.5\""] {
            let cameras = camera(rest, &file).unwrap();
            assert_eq!(cameras[0].source, expected.clone().unwrap(), "{rest}");
            assert!(
                !format!("{cameras:?}").contains("s3cret")
                    && !cameras[0].source.shown_address().contains("s3cret")
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
            let reason = camera(rest, file).unwrap_err();
            assert!(reason.contains(part), "{rest}: {reason}");
            assert!(!reason.contains("s3cret") && !reason.contains("other"), "{reason}");
        }
        let reason = parse("[[camera]]\nid = \"a\"\nusername = \"me\"\nurl = \"http://a\"").unwrap_err();
        assert!(reason.contains("needs password_file"), "{reason}");
    }

    #[test]
    fn mistakes_are_named_by_table_and_never_show_a_password() {
        for (text, index, part) in [
            ("[[camera]]\nid = \"a b\"\nurl = \"http://a\"", 0, "letters"),
            ("[[camera]]\nid = \"a\"", 0, "either url or folder"),
            ("[[camera]]\nid = \"a\"\nurl = \"ftp://me:secret@a\"", 0, "http or https"),
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
            let reason = parse(text).unwrap_err();
            let line =
                text.lines().enumerate().filter(|(_, line)| *line == "[[camera]]").nth(index).unwrap().0 + 1;
            assert!(
                reason.starts_with(&format!("a.toml, line {line}: this [[camera]] ")),
                "{text}: {reason}"
            );
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    #[test]
    fn every_key_that_is_declared_is_read_and_no_other() {
        let other = Value::Table([("other".to_owned(), 1.into())].into_iter().collect());
        let read = other.try_into::<Table>().err().unwrap().message().to_owned();
        let names = CAMERA.fields.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>();
        assert_eq!(read, format!("unknown field `other`, expected one of {}", names.join(", ")));
    }

    #[test]
    fn a_key_of_a_camera_that_is_wrong_is_named_with_its_line_and_what_is_allowed() {
        for (line, part) in [
            ("fsp = 3", "there is no key `fsp`; did you mean `fps`?"),
            ("url = [\"http://me:secret@a\"]", "`url` (not shown): expected text in quotes"),
            ("fps = \"5\"", "`fps` = \"5\": expected a number from 0.01 to 60 fps"),
            ("default = \"yes\"", "`default` = \"yes\": expected true or false"),
            ("mode = 3", "`mode` = 3: expected stream, capture or folder"),
        ] {
            let reason = parse(&format!("[[camera]]\nid = \"a\"\n{line}")).unwrap_err();
            assert_eq!(reason, format!("a.toml, line 3: this [[camera]] cannot be used: {part}"));
        }
    }
}
