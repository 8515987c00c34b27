"""`sightwire read --cluster s3://bucket/folder` and `sightwire worker`, with an S3 that checks signatures and policies:
pictures in a bucket are read as those in a folder are, and what is wrong with one fails that one.

Needs the model: in the store (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import BIN, HOME
from workers import Cluster, draw, ended, until

moto = pytest.importorskip("moto", reason="moto is for Python 3.11 and newer")

from s3_server import REGION, S3, has_size, refuses  # noqa: E402

BUCKET = "s3://scans/2026"


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    if not (HOME / "models/ppocr-v4").is_dir():
        pytest.skip("the model ppocr-v4 is not here: `sightwire models pull ppocr-v4`")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    storage = S3("secret", "secret/*", "scans/*/denied.png")
    for bucket in ("scans", "secret"):
        storage.bucket(bucket)
    yield storage
    storage.stop()


class Stored(Cluster):
    """Workers that read a bucket, which has what a folder has."""

    def __init__(self, folder: Path, s3: S3, count: int) -> None:
        super().__init__(folder, draw(folder / "scans", count))
        (self.scans / "few").mkdir()
        for name in ("50% é #1+1.png", "a b.png", "notes.txt", ".hidden.png"):
            source = self.scans / "000/00000.png"
            (self.scans / "few" / name).write_bytes(source.read_bytes())
        self.s3 = s3
        for path in self.scans.rglob("*"):
            if path.is_file():
                s3.put("scans", f"2026/{path.relative_to(self.scans)}", path.read_bytes())

    def env(self, **more: str) -> dict[str, str]:
        of_storage = {
            "SIGHTWIRE_CLUSTER_FOLDERS": "[]",
            "SIGHTWIRE_CLUSTER_BUCKETS": json.dumps([BUCKET, "s3://secret"]),
            "SIGHTWIRE_CLUSTER_S3_ENDPOINT": self.s3.url,
            "SIGHTWIRE_CLUSTER_S3_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.s3.key,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret,
        }
        return super().env(**(of_storage | more))

    def begin(self, *args: object, **env: str) -> subprocess.Popen[bytes]:
        command = [str(BIN), "read", "--cluster", *map(str, args)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env(**env), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def as_stored(self, out: bytes) -> bytes:
        """What one process says of the folder, as it would say it of the bucket."""
        return out.replace(f"{self.scans}/".encode(), f"{BUCKET}/".encode())

    def few(self, *args: object) -> bytes:
        """What one process makes of a part of the folder."""
        scans, self.scans = self.scans, self.scans / "few"
        try:
            return self.alone(*args)
        finally:
            self.scans = scans

    def listed(self) -> None:
        until(lambda: list(self.jobs.glob("*/listed.json")), "the list")

    def end(self) -> None:
        super().end()
        self.s3.faults.clear()
        self.s3.empty("scans")
        for path in [*self.folder.glob("*.log"), *self.jobs.rglob("*")]:
            assert path.is_dir() or self.s3.secret.encode() not in path.read_bytes(), path


@pytest.fixture
def stored(tmp_path: Path, s3: S3, request: pytest.FixtureRequest) -> Iterator[Stored]:
    made = Stored(tmp_path, s3, getattr(request, "param", 6))
    yield made
    made.end()


@pytest.mark.parametrize("stored", [32], indirect=True)
def test_three_workers_read_a_bucket_as_one_process_reads_the_folder(stored: Stored) -> None:
    for _ in range(3):
        stored.work()
    out, err, code = stored.read(BUCKET, "--format", "json", "--no-times")
    assert code == 0, err
    assert "34 of 34 pictures" in err and "2 files were left out: 1 .txt, 1 hidden" in err, err
    assert out == stored.as_stored(stored.alone("--format", "json", "--no-times"))
    few = f"{BUCKET}/few"
    out, err, code = stored.read(few, "--format", "csv")
    assert code == 0 and out == stored.as_stored(stored.few("--format", "csv")), err
    # Its folders are kept, and what is read is not read again.
    folders = [stored.folder / "of-bucket", stored.folder / "of-folder"]
    _, err, code = stored.read(f"{few}/", "--out", folders[0], "--resume")
    assert code == 0, err
    stored.few("--out", folders[1])
    texts = [{path.relative_to(to): path.read_bytes() for path in to.rglob("*.txt")} for to in folders]
    assert len(texts[0]) == 2 and texts[0] == texts[1]
    _, err, code = stored.read(f"{few}/", "--out", folders[0], "--resume")
    assert code == 0 and "0 of 0 pictures" in err and "2 read before" in err, err
    # One that is named is read, whatever it is called.
    out, err, code = stored.read(f"{few}/notes.txt", f"{BUCKET}/000/00003.png", "--format", "csv")
    assert code == 0 and b"notes.txt" in out and b"00003.png" in out, err


@pytest.mark.parametrize("stored", [1], indirect=True)
def test_a_list_of_several_pages_is_read_to_its_end(stored: Stored) -> None:
    picture = (stored.scans / "000/00000.png").read_bytes()
    for number in range(2500):
        stored.s3.put("scans", f"2026/many/{number:04}.txt", b"x")
    for number in ("0000", "1200", "2499"):
        stored.s3.put("scans", f"2026/many/{number}.png", picture)
    stored.s3.put("scans", "2026/many-others/a.png", picture)
    stored.work()
    out, err, code = stored.read(f"{BUCKET}/many", "--format", "csv")
    assert code == 0 and "3 of 3 pictures" in err and "2500 files were left out: 2500 .txt" in err, err
    assert [number in out for number in (b"/0000.png", b"/1200.png", b"/2499.png")] == [True] * 3
    _, err, code = stored.read(f"{BUCKET}/none", "--format", "csv")
    assert code == 1 and f"{BUCKET}/none: there is no picture in it" in err, err
    # A key that cannot be asked for is named.
    stored.s3.put("scans", "2026/odd//a.png", picture)
    _, err, code = stored.read(f"{BUCKET}/odd", "--format", "csv")
    stored.s3.delete("scans", "2026/odd//a.png")
    assert code == 1 and "its list has a key that cannot be asked for" in err and "2026/odd//a.png" in err, err


def test_what_is_wrong_with_an_object_fails_that_one(stored: Stored) -> None:
    picture = (stored.scans / "000/00000.png").read_bytes()
    for name in ("denied", "gone", "huge", "torn"):
        (stored.scans / f"{name}.png").write_bytes(picture)
        stored.s3.put("scans", f"2026/{name}.png", picture)
    run = stored.begin(BUCKET, "--format", "json", "--no-times", "--failures", stored.folder / "failures")
    stored.listed()
    stored.s3.delete("scans", "2026/gone.png")
    stored.s3.faults = {"/huge.png": has_size(2 << 30), "/torn.png": refuses("500 no", "InternalError")}
    stored.work()
    stored.work()
    out, err, code = ended(run)
    assert code == 1 and "8 of 12 pictures" in err, err
    failures = [json.loads(line) for line in (stored.folder / "failures").read_text().splitlines()]
    why = {failure["file"].removeprefix(f"{BUCKET}/"): failure["error"] for failure in failures}
    assert why["gone.png"] == "there is no such object"
    assert why["denied.png"].startswith("access is denied: let whoever AWS_ACCESS_KEY_ID names read it")
    assert why["huge.png"] == "it has more than 1024 MB, which is the most that is read"
    assert why["torn.png"] == "the storage answers, and this does not come: it answers 500 (InternalError)"
    for name in why:
        (stored.scans / name).unlink()
    assert out == stored.as_stored(stored.alone("--format", "json", "--no-times"))


def test_buckets_that_nobody_named_or_that_are_denied_are_not_read(stored: Stored) -> None:
    stored.work()
    for source, words in [
        ("s3://other/a", "it lies in none of the buckets that are read for others (cluster.buckets)"),
        ("s3://scans", "it lies in none of the buckets that are read for others (cluster.buckets)"),
        ("s3://secret", "access is denied"),
    ]:
        out, err, code = stored.read(source)
        assert code == 1 and out == b"" and f"{source}: {words}" in err, err
    # A worker goes by its own list, whatever others ask for.
    stored.workers[0].kill()
    stored.work(SIGHTWIRE_CLUSTER_BUCKETS='["s3://secret"]')
    out, err, code = stored.read(f"{BUCKET}/000/00001.png")
    assert code == 1 and out == b"" and "in none of the buckets" in err, err


def test_credentials_that_are_not_taken_fail_no_picture(stored: Stored) -> None:
    _, err, code = ended(stored.begin(BUCKET, AWS_ACCESS_KEY_ID="AKIAWRONG"))
    assert code == 1 and "does not take the credentials" in err and "(InvalidAccessKeyId)" in err, err
    assert "the same command goes on with it" in err, err
    run = stored.begin(BUCKET, "--format", "csv")
    stored.listed()
    stored.work(AWS_SECRET_ACCESS_KEY="wr0ng-s3cret")
    stored.says(0, "none of its first files can be opened")
    assert "(SignatureDoesNotMatch)" in stored.log(0) and "wr0ng" not in stored.log(0)
    stored.work()
    out, err, code = ended(run)
    assert code == 0 and "does not read it: none of its first files can be opened" in err, err
    assert out == stored.as_stored(stored.alone("--format", "csv"))


@pytest.mark.parametrize("stored", [40], indirect=True)
def test_storage_that_is_away_is_waited_for(stored: Stored) -> None:
    stored.work()
    stored.work()
    run = stored.begin(BUCKET, "--format", "json", "--no-times")
    until(lambda: stored.chunks_read() >= 2, "some chunks")
    stored.s3.stop()
    try:
        until(lambda: "is away: nothing listens there" in stored.log(0) + stored.log(1), "trouble")
        time.sleep(1)
    finally:
        stored.s3.start()
    out, err, code = ended(run)
    assert code == 0 and "42 of 42 pictures" in err, err
    assert f"the storage at {stored.s3.url} is away: nothing listens there" in err, err
    assert out == stored.as_stored(stored.alone("--format", "json", "--no-times"))


@pytest.mark.parametrize(
    ("args", "env", "words"),
    [
        (["--cluster", BUCKET], {"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is not set"),
        (["--cluster", "s3://no"], {}, "names no bucket"),
        (["--cluster", "s3://scans/../a"], {}, "cannot be asked for"),
        (["--cluster", BUCKET], {"SIGHTWIRE_CLUSTER_BUCKETS": '["scans"]'}, "each is written as s3://bucket"),
        (["--cluster", BUCKET], {"SIGHTWIRE_CLUSTER_BUCKETS": "[]"}, "cluster.folders is empty"),
        (["--cluster", BUCKET], {"SIGHTWIRE_CLUSTER_S3_ENDPOINT": "http://10.0.0.5"}, "cluster.s3_allow_http"),
    ],
)
@pytest.mark.parametrize("stored", [1], indirect=True)
def test_mistakes_are_told_at_once(stored: Stored, args: list[str], env: dict[str, str], words: str) -> None:
    run = subprocess.run([str(BIN), "read", *args], env=stored.env(**env), capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and words in run.stderr, run.stderr


@pytest.mark.parametrize("stored", [1], indirect=True)
def test_a_worker_without_credentials_and_a_bucket_without_workers_are_mistakes(stored: Stored) -> None:
    worker = subprocess.run(
        [str(BIN), "worker"], env=stored.env(AWS_SECRET_ACCESS_KEY=""), capture_output=True, text=True, timeout=60
    )
    assert worker.returncode == 2 and "AWS_SECRET_ACCESS_KEY is not set" in worker.stderr, worker.stderr
    alone = subprocess.run([str(BIN), "read", BUCKET], env=stored.env(), capture_output=True, text=True, timeout=60)
    assert alone.returncode == 2 and "goes with --cluster only" in alone.stderr, alone.stderr
