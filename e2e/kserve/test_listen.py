"""Objects are found for others (`engine.listen`): for the official client of Triton, and for another Sightwire."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient import grpc as triton
from tritonclient.utils import InferenceServerException

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import tiny  # noqa: E402
from test_remote import free_ports, watching, works_elsewhere  # noqa: E402

from harness import BIN, Camera, Program, Server, clip, environment, wait_until  # noqa: E402

pytestmark = pytest.mark.skipif(not tiny.RUNTIME.exists(), reason="no ONNX Runtime in the store")

READY_S = 60.0
PNG = tiny.png(64, 48)


class Worker(Server):
    """A server that finds objects for others with a detector whose answers are known."""

    def __init__(self, folder: Path, listen: str = "127.0.0.1:0", **settings: str) -> None:
        if not (folder / "models").exists():
            tiny.store(folder)
        self.home = folder
        wanted = {"engine.listen": listen, "detector.model": tiny.NAME, **settings}
        args = [word for key, value in wanted.items() for word in ("--set", f"{key}={value}")]
        super().__init__(args=args, SIGHTWIRE_HOME=str(folder), USE_DUMMY_MODEL="1")
        wait_until(lambda: self._models() is not None, READY_S, "it says where models are")
        found = self._models()
        assert found
        self.models = found[1]

    def _models(self) -> re.Match[str] | None:
        return re.search(r"models are served at grpcs?://([\w.:]+)", self.log.read_text())

    def command(self, *words: str) -> str:
        """What a command prints that works on the same store."""
        env = environment({"HOME": str(self.home), "SIGHTWIRE_HOME": str(self.home)})
        return subprocess.run([BIN, *words], env=env, check=True, capture_output=True, text=True).stdout

    def key(self, name: str, role: str) -> str:
        made = self.command("keys", "add", name, "--role", role)
        return re.findall(r"sw_\S+", made)[0]


@contextmanager
def stopping(server: Program) -> Iterator[Any]:
    try:
        yield server
        assert "panicked" not in server.log.read_text(), server.log.read_text()
    finally:
        code = server.stop()
    assert code == 0


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with stopping(Worker(tmp_path_factory.mktemp("worker"))) as server:
        client = triton.InferenceServerClient(server.models)
        wait_until(client.is_server_ready, READY_S, "the detector is ready")
        yield server


@pytest.fixture(scope="module")
def client(worker: Worker) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(worker.models)


def file_input(content: bytes) -> list[triton.InferInput]:
    made = triton.InferInput("image", [1], "BYTES")
    made.set_data_from_numpy(np.array([content], dtype=np.object_))
    return [made]


def pixel_input(values: np.ndarray) -> list[triton.InferInput]:
    made = triton.InferInput("image", list(values.shape), "UINT8")
    made.set_data_from_numpy(values)
    return [made]


def picture() -> np.ndarray:
    return np.frombuffer(tiny.pixels(64, 48), np.uint8).reshape(48, 64, 3)


def check(answer: triton.InferResult) -> None:
    """The red square is found where it is, as the surest."""
    boxes, scores, classes = (answer.as_numpy(name) for name in ("boxes", "scores", "classes"))
    labels = answer.as_numpy("labels")
    assert (boxes.dtype, scores.dtype, classes.dtype) == (np.float32, np.float32, np.int32)
    assert boxes.shape == (len(scores), 4) and len(classes) == len(labels) == len(scores)
    assert np.abs(boxes[0] - [16, 32, 32, 48]).max() < 0.5, boxes
    assert scores[0] > 0.9 and (classes[0], labels[0]) == (2, b"red")
    assert (scores >= 0.1).all() and (np.diff(scores) <= 0).all()


def refused(call: Any, *args: Any, **named: Any) -> tuple[str, str]:
    """The code, and the words."""
    with pytest.raises(InferenceServerException) as caught:
        call(*args, **named)
    return str(caught.value.status()), str(caught.value.message())


def test_the_server_says_what_it_is_and_what_it_takes(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("detect") and client.is_model_ready("detect-pixels")
    about = client.get_server_metadata(as_json=True)
    assert about["name"] == "sightwire"
    inputs = {"detect": ("BYTES", ["1"]), "detect-pixels": ("UINT8", ["-1", "-1", "3"])}
    for name, (datatype, shape) in inputs.items():
        model = client.get_model_metadata(name, as_json=True)
        assert (model["name"], model["platform"]) == (name, "sightwire")
        assert model["inputs"] == [{"name": "image", "datatype": datatype, "shape": shape}]
        assert [(one["name"], one["datatype"], one["shape"]) for one in model["outputs"]] == [
            ("boxes", "FP32", ["-1", "4"]),
            ("scores", "FP32", ["-1"]),
            ("classes", "INT32", ["-1"]),
            ("labels", "BYTES", ["-1"]),
        ]


def test_files_and_pixels_are_looked_at_alike(client: triton.InferenceServerClient) -> None:
    check(client.infer("detect", file_input(tiny.png(64, 48))))
    check(client.infer("detect-pixels", pixel_input(picture())))
    check(client.infer("detect-pixels", pixel_input(picture()[None])))
    only = client.infer("detect", file_input(tiny.png(64, 48)), outputs=[triton.InferRequestedOutput("scores")])
    assert only.as_numpy("scores") is not None and only.as_numpy("boxes") is None
    black = client.infer("detect-pixels", pixel_input(np.zeros((32, 32, 3), np.uint8)))
    assert black.as_numpy("boxes").shape == (0, 4) and black.as_numpy("labels").shape == (0,)


def test_what_cannot_be_looked_at_is_refused_in_words(client: triton.InferenceServerClient) -> None:
    code, words = refused(client.infer, "sky", file_input(b"x"))
    assert code == "StatusCode.NOT_FOUND" and '"sky"; there are detect, detect-pixels, read, and networks' in words
    code, words = refused(client.infer, "detect", file_input(b"no picture"))
    assert code == "StatusCode.INVALID_ARGUMENT" and words.startswith("The picture cannot be used"), words
    code, words = refused(client.infer, "detect", file_input(tiny.png(64, 48)[:90]))
    assert code == "StatusCode.INVALID_ARGUMENT", words
    code, words = refused(client.infer, "detect", pixel_input(picture()))
    assert code == "StatusCode.INVALID_ARGUMENT" and "BYTES is needed" in words
    for shape in [(48, 64), (2, 48, 64, 3), (3, 48, 64), (0, 64, 3)]:
        code, words = refused(client.infer, "detect-pixels", pixel_input(np.zeros(shape, np.uint8)))
        assert code == "StatusCode.INVALID_ARGUMENT" and words.startswith("image has"), (shape, words)
    wide = np.zeros((1, 20000, 3), np.uint8)
    code, words = refused(client.infer, "detect-pixels", pixel_input(wide))
    assert code == "StatusCode.INVALID_ARGUMENT" and "20000" in words, words
    code, words = refused(client.infer, "detect", file_input(b"\xff\xd8\xff" + bytes(17 << 20)))
    assert code in ("StatusCode.OUT_OF_RANGE", "StatusCode.RESOURCE_EXHAUSTED"), (code, words)
    two = triton.InferInput("image", [2], "BYTES")
    two.set_data_from_numpy(np.array([b"a", b"b"], dtype=np.object_))
    code, words = refused(client.infer, "detect", [two])
    assert code == "StatusCode.INVALID_ARGUMENT" and "one JPEG or PNG" in words
    other = file_input(tiny.png(64, 48))
    other[0]._input.name = "picture"
    assert "there is no tensor image" in refused(client.infer, "detect", other)[1]


def test_a_question_is_short(worker: Worker) -> None:
    service = "/inference.GRPCInferenceService"
    with grpc.insecure_channel(worker.models) as channel:
        for method in ("ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata"):
            ask = channel.unary_unary(f"{service}/{method}")
            with pytest.raises(grpc.RpcError) as caught:
                ask(tiny.part(99, bytes(5000)), timeout=20)
            assert caught.value.code() == grpc.StatusCode.OUT_OF_RANGE, method
        assert channel.unary_unary(f"{service}/ServerLive")(tiny.part(99, bytes(4000)), timeout=20) == b"\x08\x01"
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"{service}/ModelStreamInfer")(b"", timeout=20)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.split()[0] == name)


def test_what_was_asked_is_counted(worker: Worker, client: triton.InferenceServerClient) -> None:
    answered, missing = "sightwire_inference_answered_total", 'sightwire_inference_refused_total{reason="not_found"}'
    before = metric(worker, answered), metric(worker, missing)
    client.infer("detect", file_input(tiny.png(64, 48)))
    refused(client.infer, "sky", file_input(b"x"))
    assert (metric(worker, answered), metric(worker, missing)) == (before[0] + 1, before[1] + 1)
    assert metric(worker, "sightwire_inference_connections") >= 1


def is_known(client: triton.InferenceServerClient, bearer: dict[str, str]) -> bool:
    try:
        return bool(client.is_model_ready("detect", headers=bearer))
    except InferenceServerException as error:
        assert str(error.status()) == "StatusCode.UNAUTHENTICATED", error
        return False


def test_only_keys_with_the_right_are_served(tmp_path: Path) -> None:
    with stopping(Worker(tmp_path, **{"access.mode": "protected"})) as server:
        client = triton.InferenceServerClient(server.models)
        wait_until(client.is_server_ready, READY_S, "the detector is ready")
        streamer, viewer = server.key("gpu", "streamer"), server.key("screen", "viewer")
        bearer = {"authorization": f"Bearer {streamer}"}
        inputs = file_input(tiny.png(64, 48))
        assert client.is_server_live(), "that is for everybody"
        code, words = refused(client.infer, "detect", inputs)
        assert code == "StatusCode.UNAUTHENTICATED" and "key" in words, words
        assert refused(client.get_model_metadata, "detect")[0] == "StatusCode.UNAUTHENTICATED"
        wrong = {"authorization": f"Bearer {streamer[:-4]}abcd"}
        assert refused(client.infer, "detect", inputs, headers=wrong)[0] == "StatusCode.UNAUTHENTICATED"
        wait_until(lambda: is_known(client, bearer), 20, "the key counts")
        check(client.infer("detect", inputs, headers=bearer))
        of_viewer = {"authorization": f"Bearer {viewer}"}

        def is_denied() -> bool:
            code, words = refused(client.infer, "detect", inputs, headers=of_viewer)
            return code == "StatusCode.PERMISSION_DENIED" and "have objects found in pictures" in words

        wait_until(is_denied, 20, "a viewer may not")
        server.command("keys", "revoke", "gpu")
        wait_until(lambda: not is_known(client, bearer), 20, "the revoked key counts no more")
        assert refused(client.infer, "detect", inputs, headers=bearer)[0] == "StatusCode.UNAUTHENTICATED"


def authority(server: Worker) -> Path:
    file = server.home / "authority.crt"
    file.write_text(server.command("tls", "show", "--pem"))
    return file


def certificate(folder: Path) -> dict[str, str]:
    """Made by somebody else: BoringSSL, which gRPC in Python has, refuses an authority that may sign for some addresses
    only, as the server's own may."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    wanted = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*made, *wanted, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return {"tls.mode": "files", "tls.certificate_file": cert, "tls.key_file": key}


def test_over_tls_it_shows_the_certificate_of_the_server(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with stopping(Worker(tmp_path, **{"access.mode": "protected", **files})) as server:
        bearer = {"authorization": f"Bearer {server.key('gpu', 'streamer')}"}
        root = files["tls.certificate_file"]
        client = triton.InferenceServerClient(server.models, ssl=True, root_certificates=root)
        wait_until(client.is_server_ready, READY_S, "the detector is ready")
        wait_until(lambda: is_known(client, bearer), 20, "the key counts")
        check(client.infer("detect", file_input(tiny.png(64, 48)), headers=bearer))
        with pytest.raises(InferenceServerException):
            triton.InferenceServerClient(server.models).is_server_live()


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("detector.model", "motion", "detector.model is motion"),
        ("detector.model", "nothing-like-it", "there is no detection model: "),
        ("engine.remote", "grpc://127.0.0.1:9", "(engine.remote), and passes none on"),
    ],
)
def test_who_has_no_network_of_its_own_says_so_and_passes_nothing_on(
    tmp_path: Path, key: str, value: str, part: str
) -> None:
    with stopping(Worker(tmp_path, **{key: value})) as server:
        client = triton.InferenceServerClient(server.models)

        def says_why() -> bool:
            code, words = refused(client.infer, "detect", file_input(tiny.png(64, 48)))
            return code == "StatusCode.UNAVAILABLE" and part in words

        wait_until(says_why, 20, part)
        assert client.is_server_live() and not client.is_server_ready() and not client.is_model_ready("detect")


def posted(server: Server, file: bytes = PNG) -> tuple[int, dict[str, Any]]:
    """What is said of a single picture over HTTP."""
    request = urllib.request.Request(f"{server.url}/api/v1/detect", file, {"content-type": "image/png"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_another_sightwire_has_its_streams_looked_at_and_goes_on_without(tmp_path: Path) -> None:
    port = free_ports(1)
    listen = f"127.0.0.1:{port}"
    with ExitStack() as stack:
        first = Worker(tmp_path, listen)
        stack.callback(first.stop)
        server = stack.enter_context(watching(port))
        works_elsewhere(server, 5)
        status = server.get("/api/v1/status")["detector"]
        assert (status["model"], status["state"], status["note"]) == ("detect", "ready", None)
        assert set(status["labels"]) & set(tiny.LABELS)
        assert metric(server, "sightwire_remote_answers") == 1
        assert metric(server, "sightwire_remote_answered_total") >= 5
        assert metric(first, "sightwire_inference_answered_total") >= 5
        status_code, found = posted(server)
        assert (status_code, found["model"], found["detections"][0]["label"]) == (200, "detect", "red"), found
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()

        def falls_back() -> bool:
            status = server.get("/api/v1/status")["detector"]
            return status["model"] == "motion" and str(status["note"]).startswith(f"detector away: grpc://{listen} (")

        wait_until(falls_back, 20, "motion looks, and the status says why")
        assert metric(server, "sightwire_remote_answers") == 0
        status_code, found = posted(server)
        assert status_code == 503 and "There is no detection model for single pictures" in found["detail"], found
        second = Worker(tmp_path, listen)
        stack.callback(second.stop)
        works_elsewhere(server, status["runs"] + 5)


def test_a_single_jpeg_is_not_decoded_where_it_is_not_looked_at(tmp_path: Path) -> None:
    port = free_ports(1)
    listen = f"127.0.0.1:{port}"
    jpeg = base64.b64decode(clip("left", 1)[0])
    with ExitStack() as stack:
        looks = stack.enter_context(stopping(Worker(tmp_path, listen)))
        wait_until(triton.InferenceServerClient(listen).is_server_ready, READY_S, "the detector is ready")
        args = ["--set", "detector.model=motion", "--set", f"engine.remote=grpc://{listen}"]
        asks = stack.enter_context(stopping(Server(args=args, USE_DUMMY_MODEL="1")))
        calls = stack.enter_context(ThreadPoolExecutor(1))

        def decoding(file: bytes) -> bool:
            """Whether this is decoded here while nobody answers there; again where that took too long to be seen."""
            for _ in range(5):
                os.kill(looks.process.pid, signal.SIGSTOP)
                try:
                    asked, begun = calls.submit(posted, asks, file), time.monotonic()
                    held = False
                    while not held and time.monotonic() - begun < 1.0 and not asked.done():
                        held = metric(asks, "sightwire_decoding_bytes") > 0
                        time.sleep(0.02)
                    waited = not asked.done()
                finally:
                    os.kill(looks.process.pid, signal.SIGCONT)
                status, found = asked.result(20)
                assert status == 200, found
                if waited:
                    assert found["model"] == "detect", found
                    return held
            raise AssertionError("it was never waited for")

        assert posted(asks, jpeg)[1]["model"] == "detect"
        # A model that takes JPEGs gets nothing else, so what is none is decoded first.
        assert (decoding(jpeg), decoding(PNG)) == (False, True)


def test_another_sightwire_comes_with_a_key_over_tls(tmp_path: Path) -> None:
    port = free_ports(1)
    own = {"access.mode": "protected", "tls.mode": "self-signed"}
    with stopping(Worker(tmp_path, f"127.0.0.1:{port}", **own)) as worker:
        settings = {
            "engine.remote": f"grpcs://127.0.0.1:{port}",
            "engine.remote_secret": worker.key("box", "streamer"),
            "engine.remote_ca_file": str(authority(worker)),
        }
        with watching(port, **settings) as server:
            works_elsewhere(server, 5)
            worker.command("keys", "revoke", "box")

            def says_why() -> bool:
                return "key" in str(server.get("/api/v1/status")["detector"]["note"])

            wait_until(says_why, 30, "the status says that the key does not count")


def test_the_address_is_named_that_cannot_be_had(tmp_path: Path) -> None:
    with stopping(Camera()) as camera:
        taken = camera.address
        args = [BIN, "serve", "--listen", "127.0.0.1:0", "--set", f"engine.listen={taken}"]
        env = environment({"HOME": str(tmp_path), "SIGHTWIRE_HOME": str(tmp_path), "USE_DUMMY_MODEL": "1"})
        ended = subprocess.run(args, env=env, capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0
        assert f"cannot listen on {taken}" in ended.stderr and "engine.listen" in ended.stderr, ended.stderr
