"""Nothing grows: neither what is under way, nor what waits, nor what is not read."""

from __future__ import annotations

import asyncio

import pytest

from harness import Server
from sightwire import Recognizer, State
from sightwire.pacing import REMEMBERED, Outgoing, Pacer
from sightwire.recognizer import BACKOFF, MAX_UNREAD
from support import Line, jpegs, until


def frame(number: int) -> Outgoing:
    return Outgoing(number, b"", float(number))


def test_a_few_frames_are_under_way_and_the_newest_of_the_rest_is_kept() -> None:
    pacer = Pacer(2)
    went = []
    for number in range(100):
        pacer.offer(frame(number))
        if (out := pacer.take(0.0)) is not None:
            went.append(out.id)
    assert went == [0, 1]
    assert (pacer.in_flight, pacer.sent, pacer.dropped) == (2, 2, 97)
    pacer.reply(0, 1.0)
    out = pacer.take(1.0)
    assert out is not None and out.id == 99
    assert pacer.take(1.0) is None


def test_a_reply_frees_the_frames_before_it_that_got_none() -> None:
    pacer = Pacer(4)
    for number in range(4):
        pacer.offer(frame(number))
        pacer.take(0.0)
    pacer.reply(2, 1.0)
    assert (pacer.in_flight, pacer.answered) == (1, 1)
    pacer.reply(2, 1.0)
    assert pacer.answered == 1


def test_replies_without_a_number_are_counted_in_order() -> None:
    pacer = Pacer(2)
    for number in range(2):
        pacer.offer(frame(number))
        pacer.take(0.0)
    for left in (1, 0, 0):
        pacer.reply(None, 1.0)
        assert pacer.in_flight == left
    assert pacer.answered == 2


def test_silence_counts_from_the_last_reply_and_only_while_frames_are_under_way() -> None:
    pacer = Pacer(4)
    assert pacer.silence(100.0) == 0.0
    pacer.offer(frame(0))
    pacer.take(100.0)
    pacer.offer(frame(1))
    pacer.take(103.0)
    assert pacer.silence(105.0) == 5.0
    pacer.reply(0, 106.0)
    assert pacer.silence(107.0) == 1.0
    pacer.reply(1, 107.0)
    assert pacer.silence(200.0) == 0.0


def test_what_is_remembered_of_frames_is_bounded() -> None:
    pacer = Pacer(1)
    for number in range(3 * REMEMBERED):
        pacer.offer(frame(number))
        pacer.take(0.0)
        pacer.reply(number, 0.0)
    assert pacer.offered_at(3 * REMEMBERED - 1) == 3 * REMEMBERED - 1
    assert pacer.offered_at(2 * REMEMBERED) == 2 * REMEMBERED
    assert pacer.offered_at(2 * REMEMBERED - 1) is None


def test_a_line_that_is_held_up_costs_frames_and_no_memory_and_the_newest_goes_first_afterwards(
    server: Server,
) -> None:
    async def session() -> None:
        picture = jpegs("left", 1)[0]
        async with Line(server) as line, Recognizer(line.url) as r:
            await r.send(picture)
            assert (await r.__anext__()).id == 0
            line.hold()
            for _ in range(100):
                last = await r.send(picture)
                await asyncio.sleep(0.002)
            assert r.in_flight == 4
            assert (r.stats.sent, r.stats.dropped) == (5, 95)
            line.release()
            ids: list[int | None] = []
            while not ids or ids[-1] != last:
                ids.append((await asyncio.wait_for(r.__anext__(), 20)).id)
            assert ids == [1, 2, 3, 4, last]
            assert r.stats.connections == 1

    asyncio.run(session())


def test_a_connection_that_answers_nothing_any_more_is_made_anew(server: Server) -> None:
    async def session() -> None:
        picture = jpegs("left", 1)[0]
        told: list[str] = []
        async with (
            Line(server) as line,
            Recognizer(line.url, answer_timeout=0.5, on_state=lambda _, why: told.append(why)) as r,
        ):
            line.hold()
            await r.send(picture)
            await until(lambda: any("no reply to any frame for" in why for why in told), "the silence noticed")
            # The next connection is not to be lost on a busy machine.
            r._answer_timeout = 20.0
            line.release()
            await until(lambda: r.state is State.READY, "a new connection")
            await r.send(picture)
            assert (await asyncio.wait_for(r.__anext__(), 20)).label == "none"

    asyncio.run(session())


def test_a_slow_reader_of_predictions_gets_the_newest() -> None:
    async def session(server: Server) -> None:
        picture = jpegs("left", 1)[0]
        async with Recognizer(server.url) as r:
            for _ in range(2 * MAX_UNREAD):
                await r.send(picture)
                assert await r.flush(20)
            assert r.stats.missed == MAX_UNREAD
            unread = [(await r.__anext__()).id for _ in range(MAX_UNREAD)]
            assert unread == list(range(MAX_UNREAD, 2 * MAX_UNREAD))

    wiring = Server(USE_DUMMY_MODEL="1")
    try:
        asyncio.run(session(wiring))
    finally:
        assert wiring.stop() == 0


def test_waits_between_tries_grow_to_a_bound_and_are_never_the_same_for_all() -> None:
    waits = [[BACKOFF.after(failures, full=False) for _ in range(50)] for failures in range(20)]
    assert len(set(waits[0])) > 40
    means = [sum(some) / len(some) for some in waits]
    assert means[0] < 0.3 and means[3] > 4 * means[0]
    assert all(0.0 < wait <= 10.0 for some in waits for wait in some)
    assert min(BACKOFF.after(0, full=True) for _ in range(50)) > max(waits[0]), "a full server is left alone for longer"


def test_at_least_one_frame_has_to_be_under_way() -> None:
    with pytest.raises(ValueError, match="in_flight=0"):
        Recognizer(in_flight=0)
