"""`sightwire read --cluster` and `sightwire worker`, with a real Redis and the real model: whatever happens to workers
and to Redis, the result is that of one process, byte for byte.

Needs the model: in the store (`sightwire models pull ppocr-v4`).
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from harness import BIN, HOME
from workers import FULL, Cluster, draw, ended, until


@pytest.fixture(scope="module", autouse=True)
def model() -> None:
    if not (HOME / "models/ppocr-v4").is_dir():
        pytest.skip("the model ppocr-v4 is not here: `sightwire models pull ppocr-v4`")


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    count, poison = getattr(request, "param", (60, 0))
    made = Cluster(tmp_path, draw(tmp_path / "scans", count, poison))
    yield made
    made.end()


@pytest.mark.parametrize("cluster", [(90, 3)], indirect=True)
def test_three_workers_one_of_them_killed_give_what_one_process_gives_byte_for_byte(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.work()
    run = cluster.begin("--format", "json", "--no-times")
    until(lambda: cluster.chunks_read() >= 2, "some chunks")
    cluster.workers[0].send_signal(signal.SIGKILL)
    out, err, code = ended(run)
    assert code == 1, err
    assert "90 of 93 pictures" in err and "read by 3 workers" in err, err
    assert out == cluster.alone("--format", "json", "--no-times")
    # Nothing is left of it, here and in Redis.
    assert list(cluster.jobs.iterdir()) == []
    assert "jobs:work:" not in cluster.redis.ask("KEYS", "*")
    if FULL:
        for options in (["--format", "csv"], ["--format", "submission-csv", "--confidence"]):
            out, err, code = cluster.read(*options)
            assert out == cluster.alone(*options), err


# Each of these is tried three times, and whoever was killed is missed for seconds before.
MANY, POISON = (20_000, 20) if FULL else (90, 5)


@pytest.mark.parametrize("cluster", [(MANY, POISON)], indirect=True)
def test_workers_killed_again_and_again_a_redis_that_forgets_twice_and_poison_files(cluster: Cluster) -> None:
    every, restarts = (5.0, [20.0, 60.0]) if FULL else (1.5, [3.0, 7.0])
    over = threading.Event()
    for _ in range(3):
        cluster.work()

    def kill() -> None:
        read = 0
        while not over.wait(every):
            # Where the machine has much else to do, a worker's first chunk takes longer than it would live.
            if (now := cluster.chunks_read()) > read:
                read = now
                # Of the last three, the oldest.
                cluster.workers[-3].kill()
                cluster.work()

    def restart() -> None:
        begun = time.monotonic()
        for at in restarts:
            if over.wait(max(0, begun + at - time.monotonic())):
                return
            cluster.redis.kill()
            if over.wait(0.5):
                return
            cluster.redis.start()

    threads = [threading.Thread(target=task) for task in (kill, restart)]
    run = cluster.begin("--format", "json", "--no-times", "--failures", cluster.folder / "failures.jsonl")
    for thread in threads:
        thread.start()
    try:
        out, err, code = ended(run)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert code == 1, err
    assert len(cluster.workers) >= 5, "some were killed"
    names = [json.loads(line)["file"] for line in out.splitlines()]
    failures = [json.loads(line) for line in (cluster.folder / "failures.jsonl").read_text().splitlines()]
    assert len(names) == len(set(names)) == MANY, err
    assert len(failures) == POISON and all("poison" in failure["file"] for failure in failures), failures
    if not FULL:
        assert out == cluster.alone("--format", "json", "--no-times")


def test_ctrl_c_stops_the_workers_too_and_the_same_command_goes_on(cluster: Cluster) -> None:
    cluster.work()
    run = cluster.begin("--format", "csv")
    until(lambda: cluster.chunks_read() >= 2, "some chunks")
    run.send_signal(signal.SIGINT)
    _, err, code = ended(run)
    assert code == 1 and "the same command goes on" in err, err
    read = cluster.chunks_read()
    time.sleep(4)
    assert cluster.chunks_read() <= read + 2, "nobody reads on"
    out, err, code = cluster.read("--format", "csv")
    assert code == 0 and "going on with job" in err, err
    assert out == cluster.alone("--format", "csv")


def test_one_process_that_stands_still_wakes_up_too_late(cluster: Cluster) -> None:
    slow = cluster.work()
    run = cluster.begin("--format", "csv")
    until(lambda: cluster.chunks_read() >= 1, "a chunk")
    slow.send_signal(signal.SIGSTOP)
    cluster.work()
    cluster.says(1, "is taken over")
    slow.send_signal(signal.SIGCONT)
    out, err, code = ended(run)
    assert code == 0, err
    assert out == cluster.alone("--format", "csv")


def test_with_resume_what_was_stopped_goes_on_and_with_another_folder_it_does_not(cluster: Cluster) -> None:
    out = cluster.folder / "out"
    cluster.work()
    run = cluster.begin("--out", out, "--resume")
    until(lambda: out.is_dir() and len(list(out.rglob("*.txt"))) >= 8, "some results")
    run.send_signal(signal.SIGINT)
    ended(run)
    _, err, code = cluster.read("--out", cluster.folder / "other")
    assert code == 0 and "going on" not in err, err
    _, err, code = cluster.read("--out", out, "--resume")
    assert code == 0 and "going on with job" in err, err
    assert len(list(out.rglob("*.txt"))) == 60
    _, err, code = cluster.read("--out", out, "--resume")
    assert code == 0 and "0 of 0 pictures" in err, err


def test_a_worker_without_the_folder_takes_nothing_and_the_command_says_so(cluster: Cluster, tmp_path: Path) -> None:
    # Not mounted: the folder is there, and nothing is in it.
    hidden = tmp_path / "hidden"
    run = cluster.begin("--format", "csv")
    until(lambda: list(cluster.jobs.glob("*/listed.json")), "the list")
    cluster.scans.rename(hidden)
    cluster.scans.mkdir()
    cluster.work()
    cluster.says(0, "is the folder there on this machine?")
    cluster.scans.rmdir()
    hidden.rename(cluster.scans)
    cluster.work()
    out, err, code = ended(run)
    assert code == 0 and "does not read it: none of its first files can be opened" in err, err
    assert out == cluster.alone("--format", "csv")


def test_whoever_has_seen_enough_leaves_nothing_behind(cluster: Cluster) -> None:
    cluster.work()
    run = cluster.begin("--format", "csv")
    assert run.stdout is not None and run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.wait(timeout=60) == 0, run.stderr.read()
    assert list(cluster.jobs.iterdir()) == []


def test_a_reader_that_is_killed_loses_nothing(cluster: Cluster) -> None:
    cluster.work()
    run = cluster.begin("--format", "csv")
    until(lambda: cluster.chunks_read() >= 2, "some chunks")
    run.kill()
    run.wait()
    # Workers go on without it.
    until(lambda: list(cluster.jobs.glob("*/ended")), "the end of the job")
    cluster.workers[0].kill()
    out, err, code = cluster.read("--format", "csv")
    assert code == 0, err
    assert out == cluster.alone("--format", "csv")


def test_a_worker_whose_disk_is_full_lets_others_read(cluster: Cluster) -> None:
    # No file of its own may have more than a few bytes, and the signal of that is passed over: writing fails.
    full = cluster.work("sh", "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh", SIGHTWIRE_LOG_LEVEL="info")
    run = cluster.begin("--format", "csv")
    cluster.says(0, "cannot be kept")
    cluster.work()
    out, err, code = ended(run)
    assert code == 0, err
    assert out == cluster.alone("--format", "csv")
    assert full.poll() is None, "it lives"


def begun(cluster: Cluster, name: str) -> int:
    """How often workers have begun to read the file of that name."""
    for chunk in cluster.jobs.glob("*/chunks/*.list"):
        # Whoever asked takes the whole job away at its end.
        with contextlib.suppress(FileNotFoundError):
            names = [Path(json.loads(line)["name"]).name for line in chunk.read_text().splitlines()]
            if name in names:
                starts = chunk.with_suffix(".starts").read_text()
                return starts.splitlines().count(f"{names.index(name)} +")
    return 0


def test_a_file_that_ends_its_worker_is_given_up_after_three(cluster: Cluster) -> None:
    expected = cluster.alone("--format", "json", "--no-times")
    # It takes a second or two, and whoever is at it is killed.
    Image.new("L", (6_000, 6_000), 255).save(cluster.scans / "huge.png", compress_level=1)
    run, worker, killed = cluster.begin("--format", "json", "--no-times"), cluster.work(), 0
    while run.poll() is None:
        if begun(cluster, "huge.png") > killed:
            worker.kill()
            worker.wait()
            worker, killed = cluster.work(), killed + 1
        time.sleep(0.005)
    out, err, code = ended(run)
    assert (code, killed) == (1, 3), err
    assert "huge.png: whoever read it ended before it did, 3 times: it is left out" in err, err
    assert out == expected


def test_pictures_that_lie_elsewhere_are_not_read_for_anybody(cluster: Cluster, tmp_path: Path) -> None:
    secret = draw(tmp_path / "secret", 1) / "000/00000.png"
    (cluster.scans / "link.png").symlink_to(secret)
    (cluster.scans / "out").symlink_to(secret.parent)
    cluster.work()
    out, err, code = cluster.read("--format", "json")
    assert code == 1, err
    assert err.count("in none of the folders that are read for others (cluster.folders)") == 2, err
    assert len(out.splitlines()) == 60
    # A worker goes by its own folders, whatever others ask for.
    cluster.workers[0].kill()
    cluster.work(SIGHTWIRE_CLUSTER_FOLDERS=json.dumps([str(secret.parent)]))
    out, err, code = cluster.read("--format", "json")
    assert code == 1 and out == b"" and "62 of 62 pictures could not be read" in err, err


def test_without_a_worker_it_says_what_to_start(cluster: Cluster) -> None:
    run = cluster.begin()
    assert run.stderr is not None
    lines = iter(run.stderr.readline, b"")
    assert any(b"no worker is there: start some (`sightwire worker`)" in line for line in lines)
    run.send_signal(signal.SIGINT)
    ended(run)


def test_a_worker_with_another_precision_takes_nothing_and_says_why(cluster: Cluster) -> None:
    cluster.work(SIGHTWIRE_ENGINE_PRECISION="f32")
    run = cluster.begin("--format", "csv")
    cluster.says(0, "is read here")
    cluster.work(SIGHTWIRE_ENGINE_PROVIDER="cpu", SIGHTWIRE_ENGINE_PRECISION="f32")
    cluster.says(1, "is not read here: it is read on")
    assert "set engine.provider and engine.precision alike" in cluster.log(1)
    _, err, code = ended(run)
    assert code == 0, err


def test_a_worker_with_another_version_of_the_model_takes_nothing_and_says_why(
    cluster: Cluster, tmp_path: Path
) -> None:
    # The same files, but for one that turns lines which stand on their head.
    other = tmp_path / "home"
    (other / "models").mkdir(parents=True)
    for shared in ("runtime", "trials", "models/ppocr-v4"):
        (other / shared).symlink_to(HOME / shared)
    manifest = (Path(__file__).parents[2] / "models/ppocr-v4.toml").read_text()
    parts = manifest.split("[[files]]")
    (other / "models/ppocr-v4.toml").write_text(
        "[[files]]".join(part for part in parts if 'role = "angle"' not in part)
    )
    cluster.work(SIGHTWIRE_HOME=str(other))
    run = cluster.begin("--format", "csv")
    cluster.says(0, "is not read here: it asks for another version of ppocr-v4 than is here")
    assert cluster.chunks_read() == 0
    cluster.work()
    out, err, code = ended(run)
    assert code == 0, err
    assert out == cluster.alone("--format", "csv")
    assert cluster.log(0).count("is not read here") == 1, "it is said once"


@pytest.mark.parametrize(
    ("args", "env", "words"),
    [
        (["--format", "pdf"], {}, "--cluster does not go with --format pdf"),
        (["--jobs", "3"], {}, "--jobs is for this process alone"),
        ([], {"SIGHTWIRE_CLUSTER_FOLDERS": "[]"}, "cluster.folders is empty"),
        ([], {"SIGHTWIRE_CLUSTER_FOLDERS": '["/nowhere"]'}, "cluster.folders: /nowhere"),
        ([], {"SIGHTWIRE_CLUSTER_FOLDERS": '["scans"]'}, "it must be absolute"),
        ([], {"SIGHTWIRE_CLUSTER_REDIS_URL": ""}, "batches are read in common over a Redis"),
    ],
)
def test_mistakes_are_told_at_once(cluster: Cluster, args: list[str], env: dict[str, str], words: str) -> None:
    command = [str(BIN), "read", "--cluster", str(cluster.scans), *args]
    run = subprocess.run(command, env=cluster.env(**env), capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and words in run.stderr, run.stderr
