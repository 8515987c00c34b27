"""Users' own Keras models: imported by the command, at the server's start, and from an https address."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import socketio

from harness import BIN, FPS, HOME, ROOT, START_S, STOP_S, Server, clip, environment, wait_until

TOOLS = ROOT / "tools/import"
# Of the models that are not of the recogniser's own architecture.
OUTPUTS = 6
WORDS_20 = [
    *("book", "chair", "clothes", "computer", "drink", "drum", "family", "football", "go", "hat"),
    *("hello", "kiss", "like", "play", "school", "street", "table", "university", "violin", "wall"),
]


def importer() -> Path | None:
    """The Python that `sightwire models pull importer` made."""
    ready = sorted((HOME / "tools").glob("import-*/ready"), key=lambda path: path.stat().st_mtime)
    return ready[-1].parent / "bin/python" if ready else None


# TensorFlow takes its time.
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(importer() is None, reason="no importer in the store (`models pull importer`)"),
]


@cache
def model_file(kind: str, *arguments: str) -> bytes:
    """A Keras model with random weights."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"sightwire-models-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    out = folder / f"{kind}{'.keras' if kind == 'tiny-keras' else '.h5'}"
    try:
        subprocess.run(
            [importer(), TOOLS / "make_test_models.py", "--kind", kind, "--out", out, *arguments],
            check=True,
            capture_output=True,
        )
        return out.read_bytes()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of its own, with the library and the importer of the shared one."""
    store = tmp_path / "home"
    store.mkdir()
    for name in ("runtime", "tools"):
        (store / name).symlink_to(HOME / name)
    return store


def write(folder: Path, name: str, kind: str, *arguments: str) -> Path:
    path = folder / name
    path.write_bytes(model_file(kind, *arguments))
    return path


def run(home: Path, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN, *arguments],
        env={**environment({"HOME": str(home)}), "SIGHTWIRE_HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=300,
    )


def manifest(home: Path, name: str) -> str:
    return (home / f"models/{name}.toml").read_text()


def difference(home: Path, name: str) -> float:
    found = re.search(r"^difference = (\S+)$", manifest(home, name), re.MULTILINE)
    assert found
    return float(found[1])


def predictions(url: str, frames: list[str], extras: bool = True) -> list[dict]:
    client = socketio.Client()
    answers: list[dict] = []
    client.on("prediction", answers.append)
    client.connect(url, auth={"extras": extras}, transports=["websocket"])

    def play() -> None:
        count = len(answers) + len(frames)
        for frame in frames:
            client.emit("frame", {"image": frame})
            client.sleep(1 / FPS)
        wait_until(lambda: len(answers) >= count, 20, f"{len(frames)} replies")

    # A prediction comes with the reply to a later frame, perhaps to one of the next clip.
    for _ in range(5):
        play()
        if len({answer["score"] for answer in answers}) > 2:
            break
    client.disconnect()
    return answers


def test_the_recogniser_s_own_architecture_is_split_and_serves(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "WLASL20c_model.h5", "wlasl20", "--age", "2.3")
    done = run(home, "models", "import", source)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "WLASL20c_model is ready\n"
    assert "split into a backbone" in done.stderr and "20 labels (book to wall)" in done.stderr
    text = manifest(home, "WLASL20c_model")
    assert "features = 1280" in text and 'role = "head"' in text
    assert 0 < difference(home, "WLASL20c_model") < 1e-4
    checked = run(home, "models", "check", "WLASL20c_model")
    assert checked.returncode == 0 and "ms a prediction" in checked.stdout, checked.stderr

    server = Server(SIGHTWIRE_HOME=str(home), SIGHTWIRE_RECOGNIZER_MODEL="WLASL20c_model")
    try:
        labels = json.load(urllib.request.urlopen(f"{server.url}/labels"))
        assert list(labels.values()) == WORDS_20
        answers = predictions(server.url, clip("wave"))
        scores = [answer["scores"] for answer in answers if answer["scores"]]
        assert scores and all(len(row) == 20 and abs(sum(row) - 1) < 1e-3 for row in scores)
        plain = predictions(server.url, clip("wave"), extras=False)
        assert all(set(answer) == {"label", "score"} for answer in plain)
        assert {answer["label"] for answer in plain} <= {*WORDS_20, "none"}
    finally:
        server.stop()


@pytest.mark.parametrize("kind", ["tiny", "tiny-keras", "tiny-functional", "tiny-one-clip", "conv3d"])
def test_other_architectures_are_imported(home: Path, tmp_path: Path, kind: str) -> None:
    source = write(tmp_path, "my signs.keras" if kind == "tiny-keras" else "my signs.h5", kind)
    (tmp_path / "my signs.labels.txt").write_text("".join(f"word {i}\n" for i in range(OUTPUTS)))
    done = run(home, "models", "import", source, "--threshold", "0")
    assert done.returncode == 0, done.stderr
    assert ("whole: every prediction" if kind == "conv3d" else "split into") in done.stderr
    assert f"{OUTPUTS} labels (word 0 to word {OUTPUTS - 1})" in done.stderr
    assert difference(home, "my-signs") < 1e-4

    server = Server(SIGHTWIRE_HOME=str(home), SIGHTWIRE_RECOGNIZER_MODEL="my-signs")
    try:
        answers = predictions(server.url, clip("push"))
        assert {answer["label"] for answer in answers if answer["scores"]} <= {f"word {i}" for i in range(OUTPUTS)}
        different = {tuple(answer["scores"]) for answer in answers if answer["scores"]}
        assert len(different) > 1, "the prediction goes with the frames"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("wrong-shape", "picture.h5", "picture.h5"),
        ("custom-layer", "custom.h5", "custom.h5"),
        ("lambda-layer", "lambda.h5", "lambda.h5"),
        ("truncated", "cut.h5", "cut.h5"),
        ("not-keras", "data.h5", "data.h5"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(
    home: Path, tmp_path: Path, kind: str, name: str, words: str
) -> None:
    source = write(tmp_path, name, kind)
    done = run(home, "models", "import", source)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and words in last and len(last) > 60, last
    assert "Traceback" not in done.stderr
    assert not list((home / "models").glob("*")), "nothing is left in the store"


def test_a_file_that_is_not_there_and_labels_that_do_not_fit(home: Path, tmp_path: Path) -> None:
    done = run(home, "models", "import", tmp_path / "none.h5")
    assert done.returncode == 1 and "none.h5" in done.stderr
    source = write(tmp_path, "tiny.h5", "tiny")
    done = run(home, "models", "import", source)
    assert done.returncode == 1 and "tiny.labels.txt" in done.stderr, done.stderr
    labels = tmp_path / "words.json"
    labels.write_text('["one"]')
    done = run(home, "models", "import", source, "--labels", labels)
    assert done.returncode == 1 and "words.json has 1 labels" in done.stderr, done.stderr


def test_another_file_does_not_take_a_model_s_name(home: Path, tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.h5", "tiny"), write(tmp_path, "b.h5", "conv3d")
    (tmp_path / "labels.txt").write_text("\n".join("abcdef"))
    assert run(home, "models", "import", first, "--name", "signs").returncode == 0
    again = run(home, "models", "import", first, "--name", "signs")
    assert again.returncode == 0 and "Converting" not in again.stderr, "the same file is not converted again"
    for name, source in (("gestures", first), ("signs", second)):
        done = run(home, "models", "import", source, "--name", name)
        assert done.returncode == 1 and f"a model called {name} already" in done.stderr, done.stderr


def test_what_is_asked_for_is_not_taken_from_an_earlier_import(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "tiny.h5", "tiny")
    (tmp_path / "labels.txt").write_text("\n".join("abcdef"))
    assert run(home, "models", "import", source, "--whole").returncode == 0
    assert 'role = "whole"' in manifest(home, "tiny")
    assert run(home, "models", "import", source, "--threshold", "0.25").returncode == 0
    assert 'role = "head"' in manifest(home, "tiny") and "threshold = 0.25" in manifest(home, "tiny")
    # A file of the store that is damaged is made anew, not believed.
    (home / "models/tiny/head.onnx").write_bytes(b"damaged")
    assert run(home, "models", "import", source).returncode == 0
    assert run(home, "models", "check", "tiny").returncode == 0
    (home / "models/.import-killed").mkdir()
    assert run(home, "models", "import", source, "--threshold", "0.3").returncode == 0
    assert not list((home / "models").glob(".import-*"))


def test_models_can_be_brought_while_the_configured_one_is_not_there(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "tiny.h5", "tiny")
    (tmp_path / "labels.txt").write_text("\n".join("abcdef"))
    assert run(home, "check", SIGHTWIRE_RECOGNIZER_MODEL="signs").returncode == 2
    for env in ({"SIGHTWIRE_RECOGNIZER_MODEL": "signs"}, {"MODEL_PATH": "/nowhere/x.h5"}):
        assert run(home, "models", "list", **env).returncode == 0
        done = run(home, "models", "import", source, "--name", "signs", **env)
        assert done.returncode == 0, done.stderr
    assert run(home, "check", SIGHTWIRE_RECOGNIZER_MODEL="signs").returncode == 0


def test_a_file_that_was_replaced_is_imported_beside_the_old_one(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "model.h5", "tiny")
    (tmp_path / "labels.txt").write_text("\n".join("abcdef"))
    assert run(home, "models", "import", source).returncode == 0
    source.write_bytes(model_file("tiny", "--seed", "8"))
    server = Server(SIGHTWIRE_HOME=str(home), MODEL_PATH=str(source))
    try:
        health = json.load(urllib.request.urlopen(f"{server.url}/healthz"))
        assert re.fullmatch(r"model-[0-9a-f]{8}", health["model"])
    finally:
        server.stop()


def test_a_saved_model_and_another_s_file_are_refused_in_words(home: Path, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    done = run(home, "models", "import", tmp_path / "saved")
    assert done.returncode == 1 and "SavedModel" in done.stderr
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "WLASL20c_model.h5").write_bytes(model_file("tiny"))
    port = free_port()
    process = serve(home, port, Path("wlasl20"), SIGHTWIRE_MODEL_MIRROR=str(mirror))
    seen: list[dict] = []
    try:
        wait_until(
            lambda: collect(port, seen) and "its hash begins with" in seen[-1].get("reason", ""), START_S, "a reason"
        )
    finally:
        process.terminate()
        process.wait(STOP_S)


def test_model_path_is_all_that_an_old_deployment_needs(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "tiny.h5", "tiny")
    (tmp_path / "tiny.labels.txt").write_text("\n".join("abcdef"))
    seen: list[dict] = []
    port = free_port()
    process = serve(home, port, source)
    try:
        wait_until(lambda: collect(port, seen) == 200, START_S, "the server is ready")
        during = [answer for answer in seen if not answer["ready"]]
        assert during, "it listens while it imports"
        assert all("tiny" in answer["reason"] or "loaded" in answer["reason"] for answer in during)
        steps = [answer["progress"] for answer in during if answer["progress"] is not None]
        assert steps and steps == sorted(steps) and all(0 <= step <= 1 for step in steps), steps
        health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"))
        assert health == {"status": "ok", "model": "tiny"}
        answers = predictions(f"http://127.0.0.1:{port}", clip("left"))
        assert any(answer["scores"] for answer in answers)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0

    # The second start finds what the first has made, and needs no Python at all.
    again: list[dict] = []
    process = serve(home, port, source, PATH="/nowhere")
    try:
        wait_until(lambda: collect(port, again) == 200, START_S, "the second start is ready")
        assert not any("importing" in answer.get("reason", "") for answer in again)
    finally:
        process.terminate()
        process.wait(STOP_S)


def test_a_server_that_imports_stops_at_once_and_leaves_no_process(home: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "cut-short.h5", "tiny")
    port = free_port()
    process = serve(home, port, source)
    seen: list[dict] = []
    wait_until(lambda: collect(port, seen) and "importing" in seen[-1].get("reason", ""), START_S, "the import")
    wait_until(lambda: str(source) in commands(), START_S, "the child process")
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0
    wait_until(lambda: str(source) not in commands(), 20, "the child process is gone")
    assert not list((home / "models").glob("*")), "nothing half-made is left"


def test_where_there_is_no_python_it_says_to_import_beforehand(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "runtime").symlink_to(HOME / "runtime")
    source = write(tmp_path, "tiny.h5", "tiny")
    port = free_port()
    process = serve(home, port, source, PATH="/nowhere")
    seen: list[dict] = []
    try:
        wait_until(lambda: collect(port, seen) and "Python" in seen[-1].get("reason", ""), START_S, "a reason")
        assert "sightwire models import" in seen[-1]["reason"]
        assert json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"))["status"] == "ok"
    finally:
        process.terminate()
        process.wait(STOP_S)


def test_the_recogniser_s_model_is_pulled_verified_and_imported(home: Path, tmp_path: Path) -> None:
    content = model_file("wlasl20", "--age", "2.3")
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    with https_server(tmp_path, content) as server:
        text = (ROOT / "models/wlasl20.toml").read_text()
        text = re.sub(r'git_blob = "\w+"', f'git_blob = "{blob}"', text)
        text = re.sub(r'url = ".*"', f'url = "{server.url}/WLASL20c_model.h5"', text)
        (home / "models").mkdir()
        (home / "models/wlasl20.toml").write_text(text)

        untrusted = run(home, "models", "pull", "wlasl20")
        assert untrusted.returncode == 1 and "ertificate" in untrusted.stderr, untrusted.stderr

        server.drops = 1
        done = run(home, "models", "pull", "wlasl20", SSL_CERT_FILE=str(server.certificate))
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("wlasl20 is ready\n")
        assert server.sent < len(content) * 1.2, "what had come before the drop was not sent again"
        assert "features = 1280" in manifest(home, "wlasl20")
        listed = run(home, "models", "list", "--format", "json").stdout.splitlines()
        assert any(json.loads(line)["name"] == "wlasl20" and json.loads(line)["available"] for line in listed)

        (home / "models/other.toml").write_text(text.replace('"wlasl20"', '"other"').replace(blob, "0" * 40))
        wrong = run(home, "models", "pull", "other", SSL_CERT_FILE=str(server.certificate))
        assert wrong.returncode == 1 and "0" * 40 in wrong.stderr and "not kept" in wrong.stderr, wrong.stderr
        assert not list((home / "models/other").glob("*.h5"))


class https_server:  # noqa: N801
    """A file behind TLS with a self-made certificate; understands `Range`, and can drop connections half-way."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.sent, self.drops = 0, 0
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
            + ["-keyout", str(key), "-out", str(self.certificate)],
            check=True,
            capture_output=True,
        )
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
                start = int(found[1]) if found else 0
                body = content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", '"one"')
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.end_headers()
                if outer.drops:
                    outer.drops -= 1
                    body = body[: len(body) // 2]
                    self.close_connection = True
                self.wfile.write(body)
                outer.sent += len(body)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"

    def __enter__(self) -> https_server:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(home: Path, port: int, source: Path, **env: str) -> subprocess.Popen[bytes]:
    """The server as an old deployment starts it; does not wait until it is ready."""
    variables = {"HOME": str(home), "MODEL_PATH": str(source), **environment({}), "SIGHTWIRE_HOME": str(home), **env}
    return subprocess.Popen(
        [BIN, "serve", "--listen", f"127.0.0.1:{port}"],
        cwd=home,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def collect(port: int, seen: list[dict]) -> int:
    """Adds what /readyz says to `seen`; its status, or 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
            seen.append(json.load(answer))
            return answer.status
    except urllib.error.HTTPError as error:
        seen.append(json.load(error))
        return error.code
    except OSError:
        return 0


def commands() -> str:
    """Command lines of all processes but the server's."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "import_model.py" in line:
            lines.append(line)
    return "\n".join(lines)
