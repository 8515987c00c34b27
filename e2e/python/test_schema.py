"""The OpenAPI document says what the server does: schemathesis asks for everything in it, as an admin and as a viewer.

Answers that never end (MJPEG, Server-Sent Events, WebSockets; `x-endless`) are left out, since it would wait for their
end. They have tests of their own: `stream-contract`, `streams-api` and `relay-contract` in e2e/js, and
`test_messages.py` here.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from harness import BIN, HOME, Camera, Server, environment, wait_until
from schemas import checked_in, within

pytest.importorskip("schemathesis", reason="it needs Python 3.11")
jsonschema_rs = pytest.importorskip("jsonschema_rs")

# Documents that are no example of themselves.
DOCUMENTS = {"/api/v1/openapi.json", "/api/v1/asyncapi.json"}
# What these take depends on more than their schemas can say: which addresses are allowed, which models there are, how
# a camera is read now, what is in a picture.
REFUSE_MORE = {
    "/api/v1/cameras",
    "/api/v1/cameras/{id}",
    "/api/v1/cameras/test",
    "/api/user/esp32-config",
    "/api/v1/detect",
    "/api/v1/read",
    "/api/v1/jobs/{id}/files/{index}",
    "/api/v1/jobs/{id}/files/{index}/picture",
    "/api/v1/jobs/{id}/files/{index}/read",
    # Here are no workers; test_shared_jobs.py has some.
    "/api/v1/cluster/folders",
    "/api/v1/cluster/jobs",
    "/api/v1/cluster/jobs/{id}",
    "/api/v1/cluster/jobs/{id}/export",
    "/api/v1/cluster/jobs/{id}/files",
    "/api/v1/cluster/jobs/{id}/files/{index}",
}
REFUSALS = ["2xx", 401, 403, 404, 409, 410, 413, 415, 422, 429, "5xx"]
CONFIG = """\
continue-on-failure = true
request-timeout = 30

[output.sanitization]
enabled = false

# A camera that cannot be reached, a model that is not there, and what takes too long are no failures; 500 is one.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]

# To end a batch is to cancel it first, and to remove it only then.
[[operations]]
include-path-regex = "^/api/v1/jobs/"

[operations.checks.use_after_free]
enabled = false

# Whatever the type of a form's field is, it comes as bytes.
[[operations]]
include-name = "POST /api/v1/jobs"

[operations.checks.negative_data_rejection]
enabled = false

[operations.checks.positive_data_acceptance]
expected-statuses = {refusals}

[[operations]]
include-path = {paths}

[operations.checks.positive_data_acceptance]
expected-statuses = {refusals}
"""


class House(NamedTuple):
    server: Server
    folder: Path
    keys: dict[str, str]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="sightwire-schema-") as name:
        folder, camera = Path(name), Camera()
        home = folder / "home"
        home.mkdir()
        for part in ["models", "runtime"]:
            (home / part).symlink_to(HOME / part)
        config = folder / "sightwire.toml"
        config.write_text(
            "[access]\nmode = 'protected'\n[cameras]\nallow = ['127.0.0.0/8']\n[detector]\nmodel = 'motion'\n"
            f"[[camera]]\nid = 'front-door'\nname = 'Front door'\nurl = '{camera.url}/stream'\ndefault = true\n"
        )
        env = {"SIGHTWIRE_HOME": str(home), "USE_DUMMY_MODEL": "1"}
        server = Server(args=["--config", str(config)], **env)
        keys = {}
        for role in ["admin", "viewer"]:
            add = [BIN, "keys", "add", role, "--role", role, "--config", config]
            made = subprocess.run(
                add, env=environment({"HOME": name, **env}), check=True, capture_output=True, text=True
            )
            keys[role] = re.findall(r"sw_\S+", made.stdout)[0]
        yield House(server, folder, keys)
        log = server.log.read_text()
        assert server.stop() == 0
        assert camera.stop() == 0
        assert "panicked" not in log, log


@pytest.mark.parametrize("role", ["admin", "viewer"])
def test_the_server_does_what_its_document_says_and_nothing_else(house: House, role: str) -> None:
    explored = explore(house, role, 3 if role == "admin" else 1)
    assert explored.returncode == 0, brief(explored.stdout)


@pytest.mark.full
@pytest.mark.parametrize("role", ["admin", "viewer"])
def test_it_does_so_many_times(house: House, role: str) -> None:
    explored = explore(house, role, 100 if role == "admin" else 30, "--phases", "examples,coverage,fuzzing,stateful")
    assert explored.returncode == 0, brief(explored.stdout)


def explore(house: House, role: str, examples: int, *more: str) -> subprocess.CompletedProcess[str]:
    """Asks for everything, with as many examples of each request."""
    # Hypothesis and schemathesis keep files in the folder that they run in.
    with tempfile.TemporaryDirectory(dir=house.folder) as folder:
        config, picture = Path(folder) / "schemathesis.toml", Path(folder) / "picture.jpg"
        config.write_text(CONFIG.format(paths=sorted(REFUSE_MORE), refusals=REFUSALS))
        picture.write_bytes(frame())
        wait_until(lambda: knows(house, role), 5, "the key counts")
        here = str(Path(__file__).parent)
        command = [
            *[Path(sys.executable).with_name("schemathesis"), "run", f"{house.server.url}/api/v1/openapi.json"],
            *["--header", f"Authorization: Bearer {house.keys[role]}", "--exclude-by", "/x-endless == true"],
            *[word for path in sorted(DOCUMENTS) for word in ("--exclude-path", path)],
            *["--max-examples", str(examples), "--seed", "1", *(more or ["--phases", "examples,coverage,fuzzing"])],
        ]
        env = {
            **environment({"HOME": folder, "PYTHONPATH": here, "SCHEMATHESIS_HOOKS": "schema_hooks"}),
            **{"SIGHTWIRE_TEST_PICTURE": str(picture), "COLUMNS": "120"},
            "SIGHTWIRE_TEST_KEYS": ",".join(key[3:11] for key in house.keys.values()),
        }
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, errors="replace", timeout=1500
        )
        assert knows(house, role), "its key was revoked meanwhile"
        return done


def brief(report: str) -> str:
    """Without the bytes of pictures that were sent."""
    lines = [line for line in report.splitlines() if line.isprintable()]
    return "\n".join(line[:400] for line in lines)[-20_000:]


def knows(house: House, role: str) -> bool:
    asked = urllib.request.Request(
        f"{house.server.url}/api/v1/status", headers={"Authorization": f"Bearer {house.keys[role]}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=20):
            return True
    except urllib.error.HTTPError:
        return False


def frame() -> bytes:
    """A small picture: it is read many times."""
    return bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 200, np.uint8))[1])


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body and answer, with its place."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            bodies = {"body": operation.get("requestBody", {}), **operation["responses"]}
            for name, body in bodies.items():
                for kind, content in body.get("content", {}).items():
                    yield f"{method} {path} {name} {kind}", content


def test_each_example_is_what_its_schema_says() -> None:
    openapi, shown = checked_in("openapi"), 0
    for place, content in contents(openapi):
        if place.endswith(" application/json") and place.split()[1] not in DOCUMENTS:
            assert "example" in content, place
            jsonschema_rs.validator_for(within(openapi, content["schema"])).validate(content["example"])
            shown += 1
    assert shown > 100, shown
    asyncapi = checked_in("asyncapi")
    for name, message in asyncapi["components"]["messages"].items():
        assert message["examples"] or message["contentType"] != "application/json", name
        for example in message["examples"]:
            jsonschema_rs.validator_for(within(asyncapi, message["payload"])).validate(example["payload"])


def test_the_documents_that_are_served_are_those_that_are_checked_in(house: House) -> None:
    for name in ["openapi", "asyncapi"]:
        path = f"/api/v1/{name}.json?key={house.keys['viewer']}"
        assert house.server.get(path) == checked_in(name), name
