"""import_model.py as the server runs it: a command that prints JSON lines and writes a folder.

SIGHTWIRE_IMPORT_PYTHON names the interpreter of the import's environment (requirements.txt); this file itself needs
pytest alone. Models are made by make_test_models.py in that environment, with random weights.
"""

from __future__ import annotations

import array
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest

HERE = Path(__file__).parent
PYTHON = os.environ.get("SIGHTWIRE_IMPORT_PYTHON")
LIMIT = 1e-4

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="SIGHTWIRE_IMPORT_PYTHON does not name a Python with requirements.txt installed"
)

# Kind, age, file name.
MODELS = [
    ("wlasl20", "2.3", "wlasl20.h5"),
    ("tiny", None, "tiny.h5"),
    ("tiny", "2.3", "tiny-2.3.h5"),
    ("tiny-keras", None, "tiny.keras"),
    ("tiny-functional", "2.3", "functional-2.3.h5"),
    ("tiny-branched", None, "branched.h5"),
    ("tiny-maps", None, "maps.h5"),
    ("tiny-lstm", "2.3", "lstm-2.3.h5"),
    ("tiny-old-gru", None, "old-gru.h5"),
    ("tiny-one-clip", None, "one-clip.h5"),
    ("conv3d", None, "conv3d.h5"),
    ("not-probabilities", None, "logits.h5"),
    ("sigmoid", None, "sigmoid.h5"),
    ("wrong-shape", None, "picture.h5"),
    ("custom-layer", None, "custom.h5"),
    ("custom-layer", "2.3", "custom-2.3.h5"),
    ("lambda-layer", None, "lambda.h5"),
    ("truncated", None, "truncated.h5"),
    ("not-keras", None, "weights.h5"),
    ("savedmodel", None, "saved"),
]

MAKE = """
import json, sys
from pathlib import Path
import make_test_models
for kind, age, name in json.loads(sys.argv[1]):
    make_test_models.make(kind, Path(sys.argv[2]) / name, age=age)
"""


@dataclass
class Import:
    """What one run of the command gave."""

    code: int
    lines: list[dict[str, Any]]
    errors: str
    out: Path

    @property
    def report(self) -> dict[str, Any]:
        assert self.code == 0, f"{self.lines[-1:]} {self.errors}"
        return json.loads((self.out / "report.json").read_text(encoding="utf-8"))

    @property
    def refusal(self) -> dict[str, Any]:
        assert self.code == 1, self.lines
        return self.lines[-1]

    def scores(self) -> list[list[float]]:
        values = array.array("f", (self.out / "check_output.f32").read_bytes())
        labels = self.report["labels"]
        return [list(values[start : start + labels]) for start in range(0, len(values), labels)]


Imported = Callable[[str], Import]


def in_environment(code: str, *args: str) -> str:
    """Runs code in the import's environment, beside the scripts; gives what it prints."""
    command = [str(PYTHON), "-c", code, *args]
    return subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout


def command_of(source: Path, out: Path, *options: str) -> list[str]:
    script = HERE / "import_model.py"
    return [str(PYTHON), str(script), "convert", "--source", str(source), "--out", str(out), *options]


def import_file(source: Path, out: Path, *options: str) -> Import:
    ran = subprocess.run(command_of(source, out, *options), capture_output=True, text=True, timeout=300)
    return Import(ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr, out)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    in_environment(MAKE, json.dumps(MODELS), str(folder))
    return folder


@pytest.fixture(scope="session")
def imported(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Import]]:
    """The import of each model by its file name. They run beside the tests, for they take most of the time."""
    names = [name for _, _, name in MODELS] + ["missing.h5"]
    outs = {name: tmp_path_factory.mktemp("out") for name in names}
    with ThreadPoolExecutor(max_workers=2) as pool:
        # Four clips are enough to compare on, and half the time.
        runs = {name: pool.submit(import_file, models / name, outs[name], "--clips", "4") for name in names}
        yield lambda name: runs[name].result()
        for run in runs.values():
            run.cancel()


INSPECT = """
import json, sys, numpy as np, onnx, onnxruntime
facts = {}
for path in sys.argv[1:]:
    model = onnx.load(path)
    sides = lambda value: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
    options = onnxruntime.SessionOptions()
    options.add_free_dimension_override_by_name("n", 3)
    fixed = onnxruntime.InferenceSession(path, options)
    taken = fixed.get_inputs()[0]
    given = fixed.run(None, {taken.name: np.zeros(taken.shape, np.float32)})[0]
    facts[path.rsplit("/", 1)[-1]] = {
        "inputs": {value.name: sides(value) for value in model.graph.input},
        "outputs": {value.name: sides(value) for value in model.graph.output},
        "operators": sorted({node.op_type for node in model.graph.node}),
        "opset": model.opset_import[0].version,
        "fixed": [taken.shape, fixed.get_outputs()[0].shape, list(given.shape)],
    }
print(json.dumps(facts))
"""


def networks(result: Import) -> dict[str, Any]:
    return json.loads(in_environment(INSPECT, *(str(path) for path in sorted(result.out.glob("*.onnx")))))


def test_the_prototypes_model_is_split_and_answers_as_keras_does(imported: Imported) -> None:
    result = imported("wlasl20.h5")
    report = result.report
    shape = {key: report[key] for key in ("window", "height", "width", "labels", "features", "split", "batch")}
    assert shape == {
        "window": 10,
        "height": 224,
        "width": 224,
        "labels": 20,
        "features": 1280,
        "split": True,
        "batch": "n",
    }
    assert report["difference"] <= LIMIT
    assert report["keras_version"] == "2.4.0"
    assert report["tensorflow"].startswith("2.15")
    assert report["parameters"] == 3_854_132
    assert report["layers"][:3] == ["TimeDistributed(Functional)", "TimeDistributed(GlobalAveragePooling2D)", "GRU"]
    assert (report["label_names"], report["notes"], report["loops"]) == (None, [], [])
    found = networks(result)
    assert found["backbone.onnx"]["inputs"] == {"frames": ["n", 224, 224, 3]}
    assert found["backbone.onnx"]["outputs"] == {"features": ["n", 1280]}
    assert found["head.onnx"]["inputs"] == {"features": ["n", 10, 1280]}
    assert found["head.onnx"]["outputs"] == {"scores": ["n", 20]}
    assert "GRU" in found["head.onnx"]["operators"]


@pytest.mark.parametrize(
    "name",
    [
        "tiny.h5",
        "tiny-2.3.h5",
        "tiny.keras",
        "functional-2.3.h5",
        "branched.h5",
        "lstm-2.3.h5",
        "old-gru.h5",
    ],
)
def test_a_network_over_frames_is_split_and_keeps_its_answers(imported: Imported, name: str) -> None:
    result = imported(name)
    report = result.report
    assert report["split"] and report["batch"] == "n" and report["difference"] <= LIMIT
    found = networks(result)
    assert sorted(found) == ["backbone.onnx", "head.onnx"]
    for network in found.values():
        assert network["opset"] == 13
        # Any number at once, and a fixed number reaches through to the output.
        assert [shape[0] for shape in network["fixed"]] == [3, 3, 3]
        assert [side for value in network["inputs"].values() for side in value if isinstance(side, str)] == ["n"]
        assert [side for value in network["outputs"].values() for side in value if isinstance(side, str)] == ["n"]
        assert not {"Loop", "Scan"} & set(network["operators"])
    assert found["head.onnx"]["inputs"] == {"features": ["n", report["window"], report["features"]]}


def test_a_network_over_whole_clips_stays_whole(imported: Imported) -> None:
    result = imported("conv3d.h5")
    assert (result.report["split"], result.report["features"]) == (False, None)
    found = networks(result)
    assert list(found) == ["whole.onnx"]
    assert found["whole.onnx"]["inputs"] == {"frames": ["n", 10, 64, 64, 3]}
    assert found["whole.onnx"]["outputs"] == {"scores": ["n", 6]}
    assert found["whole.onnx"]["fixed"] == [[3, 10, 64, 64, 3], [3, 6], [3, 6]]


def test_features_that_are_pictures_are_handed_over_flat(imported: Imported) -> None:
    report = imported("maps.h5").report
    assert report["split"] and report["features"] == 4 * 4 * 12
    # A ConvLSTM has no operator in ONNX; whoever runs it must know.
    assert report["loops"] == ["head.onnx"]


def test_a_model_for_one_clip_at_once_says_so(imported: Imported) -> None:
    result = imported("one-clip.h5")
    assert result.report["batch"] == 1 and result.report["split"]
    code = "import onnx, sys; print(onnx.load(sys.argv[1]).graph.input[0].type.tensor_type.shape.dim[0].dim_value)"
    assert in_environment(code, str(result.out / "head.onnx")).strip() == "1"


def test_the_age_of_a_file_changes_no_answer(imported: Imported) -> None:
    assert imported("tiny-2.3.h5").report["keras_version"] == "2.4.0"
    assert imported("tiny.h5").report["keras_version"] == "2.15.0"
    assert imported("tiny-2.3.h5").scores() == imported("tiny.keras").scores() == imported("tiny.h5").scores()


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_file_of_keras_3_answers_as_keras_3_did(suffix: str, tmp_path: Path) -> None:
    result = import_file(HERE / "fixtures" / f"keras3.{suffix}", tmp_path / "out")
    assert (result.report["format"], result.report["keras_version"]) == (suffix, "3.15.1")
    assert result.report["split"]
    expected = json.loads((HERE / "fixtures" / "keras3.json").read_text(encoding="utf-8"))["scores"]
    worst = max(abs(a - b) for one, other in zip(result.scores(), expected) for a, b in zip(one, other))
    assert worst < 1e-5


def test_check_files_hold_clips_and_probabilities_that_differ(imported: Imported) -> None:
    for name in ("wlasl20.h5", "tiny.h5", "conv3d.h5"):
        result = imported(name)
        report = result.report
        pixels = report["window"] * report["height"] * report["width"] * 3
        content = (result.out / "check_input.u8").read_bytes()
        assert len(content) == report["clips"] * pixels == 4 * pixels
        assert len({content[start : start + pixels] for start in range(0, len(content), pixels)}) == 4
        scores = result.scores()
        assert all(abs(sum(row) - 1.0) < 1e-5 and min(row) >= 0.0 for row in scores)
        # Otherwise comparing would prove nothing.
        assert max(max(column) - min(column) for column in zip(*scores)) > 0.1


def test_raw_scores_get_the_softmax_that_training_had(imported: Imported) -> None:
    result = imported("logits.h5")
    assert result.report["softmax_added"]
    assert any("softmax" in note for note in result.report["notes"])
    assert all(abs(sum(row) - 1.0) < 1e-5 for row in result.scores())
    assert not imported("tiny.h5").report["softmax_added"]


def test_two_imports_give_the_same_check_files(imported: Imported, models: Path, tmp_path: Path) -> None:
    first = imported("tiny.h5")
    second = import_file(models / "tiny.h5", tmp_path / "again", "--clips", "4")
    for file in ("check_input.u8", "check_output.f32", "report.json"):
        assert (first.out / file).read_bytes() == (second.out / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("missing.h5", "not-found", ["There is no file"]),
        ("picture.h5", "shape", ["(any, 64, 64, 3)", "single picture", "(window, height, width, 3)"]),
        ("custom.h5", "custom-layer", ["Emphasis", "Replace"]),
        ("custom-2.3.h5", "custom-layer", ["Emphasis", "Replace"]),
        ("lambda.h5", "lambda", ["Lambda", "never run", "Rescaling"]),
        ("sigmoid.h5", "output", ["sigmoid", "softmax"]),
        ("truncated.h5", "truncated", ["breaks off", "again"]),
        ("weights.h5", "not-keras", ["only weights", "model.save("]),
        ("saved", "unsupported", ["SavedModel", "model.h5"]),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(
    imported: Imported, name: str, kind: str, words: list[str]
) -> None:
    result = imported(name)
    assert result.refusal["kind"] == kind
    text = result.refusal["error"]
    assert name in text and all(word in text for word in words), text
    assert text.endswith((".", ")")) and "Traceback" not in text
    assert list(result.out.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", "truncated", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not-keras", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "not-keras", "web page"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(64), "unsupported", "TensorFlow Lite"),
        (b"PK\x03\x04" + bytes(64), "truncated", "breaks off"),
    ],
)
def test_other_files_are_told_by_what_they_are(content: bytes, kind: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(content)
    result = import_file(tmp_path / "model.h5", tmp_path / "out")
    assert result.refusal["kind"] == kind
    assert words in result.refusal["error"] and "model.h5" in result.refusal["error"]


PLANTED = [
    {"class_name": "function", "module": "os", "config": "getcwd", "registered_name": "getcwd"},
    {"class_name": "function", "module": "keras.utils", "config": "get_file", "registered_name": "get_file"},
    {"class_name": "Popen", "module": "subprocess", "config": {"args": "true"}, "registered_name": None},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "/"}, "registered_name": None},
    {"class_name": "TFOpLambda", "config": {"name": "x", "function": "io.write_file"}},
    {"class_name": "TensorFlowOpLayer", "config": {"node_def": '{"op": "WriteFile"}'}},
    {"class_name": "__lambda__", "config": {"value": ["4wEAAAAA", None, None]}},
]

PLANT = """
import json, sys, h5py, keras_file
from pathlib import Path
from refusal import Refusal
path = Path(sys.argv[1])
for planted in json.loads(sys.argv[2]):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1]["config"]["activation"] = planted
        file.attrs["model_config"] = json.dumps(config)
    try:
        keras_file.load(path, "h5")
        print("loaded")
    except Refusal as refusal:
        # Refused before Keras looks it up, not because Keras did not find it.
        print(refusal.kind if "not part of Keras" in refusal.text or "never run" in refusal.text else "late")
"""


def test_a_file_cannot_have_python_called(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "planted.h5"
    shutil.copy(models / "tiny.h5", copy)
    kinds = in_environment(PLANT, str(copy), json.dumps(PLANTED)).split()
    assert kinds == ["custom-layer"] * 6 + ["lambda"]


LINK = """
import sys, h5py
with h5py.File(sys.argv[1], "r+") as file:
    del file["model_weights/dense/dense/kernel:0"]
    file["model_weights/dense/dense/kernel:0"] = h5py.ExternalLink("/etc/hostname", "/x")
"""


def test_a_file_cannot_have_other_files_read(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "linked.h5"
    shutil.copy(models / "tiny.h5", copy)
    in_environment(LINK, str(copy))
    refusal = import_file(copy, tmp_path / "out").refusal
    assert refusal["kind"] == "unsupported" and "other files" in refusal["error"]


def test_labels_in_the_file_are_reported(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "named.h5"
    shutil.copy(models / "tiny.h5", copy)
    code = "import h5py, sys; h5py.File(sys.argv[1], 'r+').attrs['class_names'] = list('abcdef')"
    in_environment(code, str(copy))
    assert import_file(copy, tmp_path / "out", "--clips", "1").report["label_names"] == list("abcdef")


def test_progress_is_said_in_lines_that_never_go_back(imported: Imported) -> None:
    for name, steps in (
        ("tiny.h5", ["start", "load", "split", "convert-backbone", "convert-head", "compare", "write", "done"]),
        ("conv3d.h5", ["start", "load", "split", "convert", "compare", "write", "done"]),
    ):
        lines = imported(name).lines
        assert [line["step"] for line in lines] == steps
        done = [line["done"] for line in lines]
        assert done == sorted(done) and done[0] == 0.0 and done[-1] == 1.0
        assert all(line["text"] for line in lines[:-1])


def test_an_import_that_is_stopped_ends_and_leaves_no_report(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    child = subprocess.Popen(
        command_of(models / "wlasl20.h5", out), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        while json.loads(child.stdout.readline())["step"] != "load":
            pass
    child.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    assert child.wait(timeout=20) == -signal.SIGTERM
    assert time.monotonic() - asked < 5.0
    assert not (out / "report.json").exists()


def test_an_earlier_import_does_not_shine_through(imported: Imported, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(imported("tiny.h5").out, out)
    assert not import_file(models / "conv3d.h5", out, "--clips", "1").report["split"]
    names = {path.name for path in out.iterdir()}
    assert names == {"whole.onnx", "check_input.u8", "check_output.f32", "report.json"}


def test_versions_are_told() -> None:
    script = str(HERE / "import_model.py")
    told = subprocess.run([str(PYTHON), script, "versions"], check=True, capture_output=True, text=True)
    versions = json.loads(told.stdout)
    assert versions["tensorflow"] == "2.15.1" and versions["keras"].startswith("2.15")
    assert all(versions[package] for package in ("python", "tf2onnx", "onnx", "onnxruntime", "numpy", "h5py"))
