//! Tells model files that no import reads by their first bytes and their names, before a Python is started to find out.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// What a model file is that is not Keras's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A network as the engine runs it.
    Onnx,
    /// What `torch.save` or `torch.jit.save` wrote.
    Torch,
    /// A TensorFlow Lite model, made for phones.
    TfLite,
    /// A frozen graph, or a part of a saved folder.
    TensorFlow,
    /// Weights without a network.
    Safetensors,
}

/// Bytes of a file that are looked at.
const HEAD: u64 = 64;
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP: &[u8] = b"PK\x03\x04";
/// Where the name of the first member begins in a ZIP archive, and where its length stands.
const ZIP_NAME: usize = 30;
const ZIP_NAME_LEN: usize = 26;
/// `torch.save` before it wrote ZIP archives: a pickle of this number.
const OLD_TORCH: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

impl Foreign {
    /// What the file is; `None` for Keras's own and for what is not known. Its content goes before its name.
    pub fn from_file(path: &Path) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        File::open(path)?.take(HEAD).read_to_end(&mut head)?;
        Ok(match Self::by_content(&head) {
            Content::Keras => None,
            Content::Foreign(foreign) => Some(foreign),
            Content::Unknown => Self::by_name(path),
        })
    }

    /// What the file is to be, by its name alone.
    pub fn by_name(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        match end.as_str() {
            "onnx" | "ort" => Some(Foreign::Onnx),
            "pt" | "pth" | "torchscript" | "ckpt" => Some(Foreign::Torch),
            "tflite" | "lite" => Some(Foreign::TfLite),
            "pb" => Some(Foreign::TensorFlow),
            "safetensors" => Some(Foreign::Safetensors),
            _ => None,
        }
    }

    fn by_content(head: &[u8]) -> Content {
        let is_json = |at: usize| head.get(at) == Some(&b'{');
        if head.starts_with(HDF5) {
            Content::Keras
        } else if head.starts_with(ZIP) {
            match first_member(head) {
                Some(name) if name.ends_with(b"/data.pkl") || name.ends_with(b"/version") => {
                    Content::Foreign(Foreign::Torch)
                }
                Some(b"metadata.json" | b"config.json") => Content::Keras,
                _ => Content::Unknown,
            }
        } else if head.starts_with(OLD_TORCH) {
            Content::Foreign(Foreign::Torch)
        } else if head.get(4..8) == Some(b"TFL3") {
            Content::Foreign(Foreign::TfLite)
        } else if is_json(8) && head.get(4..8) == Some(&[0; 4]) {
            Content::Foreign(Foreign::Safetensors)
        } else if is_onnx(head) {
            Content::Foreign(Foreign::Onnx)
        } else {
            Content::Unknown
        }
    }

    /// What can be done with such a file instead.
    pub fn cure(self) -> &'static str {
        match self {
            Foreign::Onnx => {
                "needs no import: it runs as it is, once a manifest says what goes in and what comes out (docs/adding-a-task.md; `sightwire models import` prints one to edit)"
            }
            Foreign::Torch => {
                "only the Python code that made it can tell what is in it: export the network to ONNX there (`torch.onnx.export`), and describe that in a manifest (docs/adding-a-task.md)"
            }
            Foreign::TfLite => {
                "is made for phones and cannot be taken apart: save the model that it was made from with `model.save(\"x.keras\")` and import that, or convert it to ONNX (`python -m tf2onnx.convert --tflite FILE --output x.onnx`)"
            }
            Foreign::TensorFlow => {
                "is not imported: load the model where it was made, save it as one file with `model.save(\"x.keras\")`, and import that, or convert it to ONNX (`python -m tf2onnx.convert`)"
            }
            Foreign::Safetensors => {
                "holds weights and no network: load them into their model where it was made, and export that to ONNX, or save it with `model.save(\"x.keras\")` where it is a Keras model"
            }
        }
    }
}

/// As in "is an ONNX file".
impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Onnx => "an ONNX file",
            Foreign::Torch => "a PyTorch file",
            Foreign::TfLite => "a TensorFlow Lite file",
            Foreign::TensorFlow => "a TensorFlow graph (.pb)",
            Foreign::Safetensors => "a safetensors file",
        })
    }
}

enum Content {
    Keras,
    Foreign(Foreign),
    Unknown,
}

fn first_member(zip: &[u8]) -> Option<&[u8]> {
    let length = zip.get(ZIP_NAME_LEN..ZIP_NAME_LEN + 2)?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    zip.get(ZIP_NAME..ZIP_NAME + length)
}

/// A protocol buffer that begins with `ir_version` (3 and newer; the first number of a saved TensorFlow graph is 1) and goes on with another
/// field of an ONNX model.
fn is_onnx(head: &[u8]) -> bool {
    // The producer, its version, the domain, the model's version, a text, the graph, the operators.
    let fields = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42];
    matches!(head, [0x08, 3..=64, next, ..] if fields.contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(member: &str) -> Vec<u8> {
        let mut head = [ZIP, &[0; 22]].concat();
        head.extend((member.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        head.extend(member.as_bytes());
        head
    }

    #[test]
    fn a_file_is_known_by_its_content_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            Foreign::from_file(&path).unwrap()
        };
        let onnx = include_bytes!("../../../models/gestures_head.onnx");
        assert_eq!(of("x.h5", onnx), Some(Foreign::Onnx));
        assert_eq!(of("x.keras", &zip("archive/data.pkl")), Some(Foreign::Torch));
        assert_eq!(of("x", OLD_TORCH), Some(Foreign::Torch));
        assert_eq!(of("x.h5", b"\x1c\0\0\0TFL3"), Some(Foreign::TfLite));
        assert_eq!(of("x.h5", b"\x40\0\0\0\0\0\0\0{\"__metadata__\""), Some(Foreign::Safetensors));
        assert_eq!(of("x.onnx", HDF5), None, "Keras's, called otherwise");
        assert_eq!(of("x.pt", &zip("metadata.json")), None, "Keras's, called otherwise");
    }

    #[test]
    fn a_content_that_says_nothing_leaves_it_to_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "anything").unwrap();
            Foreign::from_file(&path).unwrap()
        };
        assert_eq!(of("x.ONNX"), Some(Foreign::Onnx));
        assert_eq!(of("x.pth"), Some(Foreign::Torch));
        assert_eq!(of("saved_model.pb"), Some(Foreign::TensorFlow));
        assert_eq!(of("x.safetensors"), Some(Foreign::Safetensors));
        assert_eq!(of("x.h5"), None, "the import says what is wrong with it");
        assert_eq!(of("x"), None);
        let missing = Foreign::from_file(&folder.path().join("none.onnx")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
