"""Batches that workers read, over HTTP: begun at one server, seen and ended at another, with a real Redis and the real
model.

Needs the model: in the store (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest

from harness import BIN, HOME, ROOT, Server, environment
from reading import Answer, call, form, zipped
from schemas import checked_in, strict, within
from workers import Cluster, draw, until

jsonschema_rs = pytest.importorskip("jsonschema_rs")

JOBS = "/api/v1/cluster/jobs"
FOLDERS = "/api/v1/cluster/folders"


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    if not (HOME / "models/ppocr-v4").is_dir():
        pytest.skip("the model ppocr-v4 is not here: `sightwire models pull ppocr-v4`")


class House(Cluster):
    """A cluster with servers."""

    def __init__(self, folder: Path, scans: Path) -> None:
        super().__init__(folder, scans)
        self.servers: list[Server] = []

    def serve(self, *args: str, **more: str) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        env = self.env(
            SIGHTWIRE_CLUSTER_ADVERTISE_URL=f"http://{address}",
            SIGHTWIRE_CLUSTER_SECRET="0123456789abcdef0123456789abcdef",
            **more,
        )
        server = Server(address, ["--set=recognizer.dummy=true", *args], **env)
        self.servers.append(server)
        return server

    def end(self) -> None:
        for server in self.servers:
            server.stop()
        super().end()


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    count, poison = getattr(request, "param", (30, 0))
    made = House(tmp_path, draw(tmp_path / "scans", count, poison))
    yield made
    made.end()


def ask(server: Server, method: str, path: str, body: Any = None, key: str = "") -> Answer:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    content = b"" if body is None else json.dumps(body).encode()
    answer = call(server, method, path, content, headers)
    if answer.headers.get("content-type") == "application/json":
        is_documented(method, path, answer)
    return answer


@cache
def document() -> dict[str, Any]:
    return strict(checked_in("openapi"), set())


def is_documented(method: str, path: str, answer: Answer) -> None:
    name = re.sub(r"/files/\d+$", "/files/{index}", re.sub(r"/[0-9a-f]{16}\b", "/{id}", path.split("?")[0]))
    said = document()["paths"][name][method.lower()]["responses"]
    response = said[str(answer.status) if str(answer.status) in said else "default"]
    response = (
        document()["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]] if "$ref" in response else response
    )
    schema = response["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(within(document(), schema)).validate(answer.json())


def begin(server: Server, *paths: object, query: str = "", key: str = "") -> Answer:
    return ask(server, "POST", FOLDERS + query, {"paths": [str(path) for path in paths]}, key)


def job(server: Server, path: str) -> dict[str, Any]:
    answer = ask(server, "GET", path)
    assert answer.status == 200, answer.body
    return answer.json()


def done(server: Server, path: str) -> dict[str, Any]:
    until(lambda: job(server, path)["state"] == "done", f"{path} to be read")
    return job(server, path)


@pytest.mark.parametrize("house", [(60, 3)], indirect=True)
def test_a_folder_begun_at_one_server_is_the_same_at_another_and_byte_for_byte_that_of_a_command(house: House) -> None:
    one, other = house.serve(), house.serve()
    for _ in range(2):
        house.work()
    answer = begin(one, house.scans)
    assert (answer.status, answer.json()["state"]) == (201, "running"), answer.body
    path = answer.headers["location"]
    # Whoever began it is gone, and nothing is lost with it.
    one.process.kill()
    told = done(other, path)
    assert (told["files"], told["done"] + told["failed"], told["failed"], told["all_found"]) == (63, 63, 3, True)
    csv = ask(other, "GET", f"{path}/export?format=csv")
    assert csv.headers["content-disposition"].endswith('.csv"')
    assert csv.body == house.alone("--format", "csv")
    rows = ask(other, "GET", f"{path}/files?offset=2&limit=61").json()
    assert (rows["total"], [row["index"] for row in rows["files"]]) == (63, list(range(2, 63)))
    bad = [row for row in rows["files"] if row["state"] == "failed"]
    assert len(bad) == 3 and all(row["error"] and "poison" in row["name"] for row in bad)
    good = next(row for row in rows["files"] if row["state"] == "done")
    text = ask(other, "GET", f"{path}/files/{good['index']}?format=text").body.decode().split()
    assert text == [*text[:-1], str(int(Path(good["name"]).stem))]
    assert ask(other, "GET", f"{path}/files/{bad[0]['index']}").status == 422
    assert ask(other, "GET", f"{path}/files/63").status == 404
    assert ask(other, "GET", f"{path}/export?format=pdf").status == 422
    listed = ask(other, "GET", JOBS).json()
    assert ([known["id"] for known in listed["jobs"]], len(listed["workers"])) == ([told["id"]], 2)
    assert ask(other, "DELETE", path).status == 204
    assert ask(other, "GET", path).status == 404
    assert list(house.jobs.iterdir()) == []


def metrics(server: Server) -> dict[str, float]:
    """Of batches and workers."""
    lines = ask(server, "GET", "/metrics").body.decode().splitlines()
    values = (line.rsplit(" ", 1) for line in lines if re.match(r"sightwire_cluster_(batch|worker)", line))
    return {name.removeprefix("sightwire_cluster_"): float(value) for name, value in values}


def test_metrics_tell_how_far_batches_are_and_who_reads_them(house: House) -> None:
    server = house.serve()
    path = begin(server, house.scans).headers["location"]
    # Its disk is full (SIGXFSZ is ignored, so that writing fails): it says so and goes on trying.
    house.work("sh", "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh")
    held = {"workers": 1, "workers_held": 1, 'batches{state="running"}': 1, 'batch_files{state="waiting"}': 30}
    until(lambda: held.items() <= metrics(server).items(), f"{held}")
    house.work()
    done(server, path)
    read = {'batches{state="done"}': 1, 'batch_files{state="waiting"}': 0, 'batch_files{state="read"}': 30}
    until(lambda: read.items() <= metrics(server).items(), f"{read}")
    house.redis.kill()
    until(lambda: "workers" not in metrics(server), "nothing to be said of workers")
    assert read.items() <= metrics(server).items(), "what the folder says is known still"


def test_what_is_sent_is_read_by_workers_too(house: House, tmp_path: Path) -> None:
    server = house.serve()
    pictures = sorted(house.scans.glob("**/*.png"))
    files = [(picture.name, picture.read_bytes()) for picture in pictures[:5]]
    packed = zipped({f"zip/{picture.name}": picture.read_bytes() for picture in pictures[5:9]})
    body, headers = form([*files, ("more.zip", packed), ("notes.txt", b"no picture")])
    answer = call(server, "POST", f"{JOBS}?min_confidence=0.2", body, headers)
    assert answer.status == 201, answer.body
    path = answer.headers["location"]
    assert "no worker is there" in job(server, path)["notes"][0]
    house.work()
    told = done(server, path)
    assert (told["files"], told["done"], told["failed"]) == (10, 9, 1)
    exported = [json.loads(line) for line in ask(server, "GET", f"{path}/export").body.splitlines()]
    expected = [name for name, _ in files] + [f"zip/{picture.name}" for picture in pictures[5:9]] + ["notes.txt"]
    assert [document["file"] for document in exported] == expected
    assert all(document["text"].split()[-1] == str(number) for number, document in enumerate(exported[:9]))


def test_it_is_stopped_and_goes_on_and_workers_hear_of_it(house: House) -> None:
    one, other = house.serve(), house.serve()
    path = begin(one, house.scans).headers["location"]
    until(lambda: job(other, path)["all_found"], "all to be found")
    assert ask(other, "PATCH", path, {"stopped": True}).json()["state"] == "stopped"
    house.work()
    house.says(0, "worker")
    assert job(one, path)["done"] == 0
    assert ask(one, "PATCH", path, {"stopped": False}).json()["state"] == "running"
    assert done(other, path)["done"] == 30
    assert ask(one, "PATCH", path, {"stopped": 3}).status == 422


def test_a_command_keeps_its_job(house: House) -> None:
    server = house.serve()
    command = house.begin("--format", "csv")
    until(lambda: ask(server, "GET", JOBS).json()["jobs"], "the command's job to be seen")
    seen = ask(server, "GET", JOBS).json()["jobs"][0]
    path = f"{JOBS}/{seen['id']}"
    assert seen["command"]
    for method, body in [("DELETE", None), ("PATCH", {"stopped": True})]:
        answer = ask(server, method, path, body)
        assert (answer.status, "command" in answer.detail) == (409, True), answer.body
    house.work()
    out, err = command.communicate(timeout=120)
    assert (command.returncode, out) == (0, house.alone("--format", "csv")), err.decode()
    assert ask(server, "GET", path).status == 404


def test_a_worker_of_the_compose_file_reads_what_a_command_asks_for(house: House, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "deploy/docker/compose.cluster.yaml").read_text()
    # As compose takes variables that are not set.
    file = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    worker = file["services"]["worker"]
    secret = tmp_path / "cluster.secret"
    secret.write_text("0123456789abcdef" * 4)
    there = {"redis://redis:6379": house.redis.url, "/scans": str(house.scans), "/jobs": str(house.jobs)}
    there |= {"/run/secrets/cluster_secret": str(secret)}
    settings = {
        name: reduce(lambda text, of: text.replace(*of), there.items(), value)
        for name, value in worker["environment"].items()
    }
    # Servers have the same, or they would not see its jobs.
    assert all(worker["environment"].items() <= file["services"][name]["environment"].items() for name in "abc")
    assert worker["command"] == ["worker"]
    command = [str(BIN), *worker["command"]]
    log = (tmp_path / "log").open("wb")
    house.workers.append(subprocess.Popen(command, env=environment(settings), stdout=log, stderr=log))
    log.close()
    out, err, code = house.read("--format", "csv")
    assert code == 0 and "read by 1 worker" in err, err
    assert out == house.alone("--format", "csv")


@pytest.mark.parametrize(
    "paths, words",
    [
        ([], "at least one"),
        (["scans"], "absolute"),
        (["/etc/passwd"], "cluster.folders"),
        (["{scans}/../../../../../../etc"], "cluster.folders"),
        (["{scans}/none"], "none"),
        (["{scans}/out"], "cluster.folders"),
    ],
)
def test_only_folders_that_are_named_are_read(house: House, tmp_path: Path, paths: list[str], words: str) -> None:
    (house.scans / "out").symlink_to("/etc")
    server = house.serve()
    answer = begin(server, *(path.format(scans=house.scans) for path in paths))
    assert (answer.status, words in answer.detail) == (422, True), answer.body
    assert list(house.jobs.iterdir()) == []


SECRET = "a secret of the tests, which is long enough"


def token(name: str, role: str) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": name, "role": role, "iss": "tests", "aud": "sightwire", "exp": int(time.time()) + 600}
    signed = f"{part(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.digest(SECRET.encode(), signed.encode(), 'sha256'))}"


def test_operators_have_folders_read_and_everybody_else_sees_what_is_theirs(house: House) -> None:
    accepted = [f"--set=access.{key}" for key in ("mode=protected", f"jwt_secret={SECRET}", "jwt_issuer=tests")]
    server = house.serve(*accepted, "--set=access.jwt_audience=sightwire")
    ann, bob, eve = token("ann", "streamer"), token("bob", "streamer"), token("eve", "operator")
    assert begin(server, house.scans, key=ann).status == 403
    folder = begin(server, house.scans, key=eve)
    assert folder.status == 201, folder.body
    body, headers = form([("a.png", next(house.scans.glob("**/*.png")).read_bytes())])
    answer = call(server, "POST", JOBS, body, headers | {"authorization": f"Bearer {ann}"})
    assert answer.status == 201, answer.body
    path = answer.headers["location"]
    seen = {
        name: len(ask(server, "GET", JOBS, key=key).json()["jobs"])
        for name, key in [("ann", ann), ("bob", bob), ("eve", eve)]
    }
    assert seen == {"ann": 1, "bob": 0, "eve": 2}
    for method, of in [("GET", path), ("DELETE", path), ("GET", f"{path}/files"), ("GET", f"{path}/export")]:
        assert ask(server, method, of, key=bob).status == 404, (method, of)
        assert ask(server, method, of).status == 401, (method, of)
    assert ask(server, "GET", f"{folder.headers['location']}/files", key=ann).status == 404
    assert ask(server, "DELETE", path, key=ann).status == 204
