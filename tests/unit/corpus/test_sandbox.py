"""The sandbox: whatever a decoder does costs one call, never the caller."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import misbehaving
import numpy as np
import pandas as pd
import pytest
from made_media import BOTH, SETTINGS, babble, utterance_rows, write_media

from cberl.corpus import reasons
from cberl.corpus.cage.sandbox import UNREADABLE_ANSWER, Garbled, Lost, Sandbox
from cberl.corpus.media import decode
from cberl.errors import InputError


@pytest.fixture
def sandbox():
    with Sandbox(misbehaving.obey, time_limit_s=5, memory_limit_mb=200) as box:
        yield box


def lost_by(box, **request):
    with pytest.raises(Lost) as error:
        box.call(request)
    return error.value


def test_answers_carry_facts_and_blobs(sandbox):
    blob = os.urandom(3_000_000)
    facts, blobs = sandbox.call({"do": "echo", "text": "ß", "size": 3_000_000})
    assert facts == {"text": "ß"}
    assert [len(piece) for piece in blobs] == [3_000_000, 0]
    assert len(blob) == len(blobs[0])


def test_one_worker_serves_many_calls(sandbox):
    pids = {sandbox.call({"do": "pid"})[0]["pid"] for _ in range(5)}
    assert len(pids) == 1
    assert os.getpid() not in pids


@pytest.mark.parametrize(
    ("deed", "words"),
    [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("kill", "SIGKILL"), ("exit", "status 3")],
)
def test_a_crash_is_named_and_the_next_call_works(sandbox, deed, words):
    lost = lost_by(sandbox, do=deed)
    assert lost.reason == reasons.CRASHED
    assert words in lost.detail
    assert sandbox.call({"do": "echo", "text": "back", "size": 1})[0] == {"text": "back"}


def test_an_exception_is_a_crash_with_its_words(sandbox):
    lost = lost_by(sandbox, do="raise")
    assert (lost.reason, lost.detail) == (reasons.CRASHED, "ZeroDivisionError: division by zero")


def test_what_the_task_refuses_is_refused_with_its_words(sandbox):
    with pytest.raises(InputError, match=r"^table\.npz: is empty; expected rows$"):
        sandbox.call({"do": "refuse"})
    assert sandbox.call({"do": "echo", "text": "back", "size": 1})[0] == {"text": "back"}


@pytest.mark.parametrize(
    "answer",
    [
        *("", "{", "\xff", "[" * 100_000, "[]", "1", "{}", '{"facts": {}}'),
        *(f'{{"facts": {{}}, "sizes": {sizes}}}' for sizes in ("{}", "[-1]", "[1e3]", "[true]")),
        '{"facts": {}, "sizes": [400000000]}',
        '{"facts": {}, "sizes": [150000000, 150000000]}',
        '{"sizes": []}',
        '{"facts": [], "sizes": []}',
        '{"lost": "crashed", "sizes": []}',
        '{"refused": 1, "sizes": []}',
        '{"refused": "two\\nlines", "sizes": []}',
        '{"lost": ["a"], "detail": "", "sizes": []}',
        '{"lost": "no such reason", "detail": "", "facts": {}, "sizes": []}',
    ],
)
def test_an_answer_that_is_none_is_a_crash_and_the_next_call_works(sandbox, answer):
    sandbox.call({"do": "pid"})  # a loaded machine takes long to start the worker
    began = time.monotonic()
    lost = lost_by(sandbox, do="garble", answer=answer)
    assert time.monotonic() - began < 4
    assert (lost.reason, lost.detail) == (reasons.CRASHED, "gave an answer that cannot be read")
    assert sandbox.call({"do": "echo", "text": "back", "size": 1})[0] == {"text": "back"}


def test_an_answer_without_end_is_a_crash(sandbox):
    lost = lost_by(sandbox, do="garble", answer="", length=2**31)
    assert (lost.reason, lost.detail) == (reasons.CRASHED, "gave an answer that cannot be read")


@pytest.mark.parametrize("deed", ["sleep", "spin", "dribble"])
def test_a_hang_is_ended(deed):
    with Sandbox(misbehaving.obey, time_limit_s=0.4, memory_limit_mb=200) as box:
        box.call({"do": "pid"})
        began = time.monotonic()
        assert lost_by(box, do=deed).reason == reasons.TIMED_OUT
        assert time.monotonic() - began < 3
        assert box.call({"do": "echo", "text": "back", "size": 1})[0] == {"text": "back"}


def test_a_memory_hog_is_refused(sandbox):
    assert lost_by(sandbox, do="hog", size=400_000_000).reason == reasons.OUT_OF_MEMORY
    assert len(sandbox.call({"do": "echo", "text": "", "size": 100_000_000})[1][0]) == 100_000_000


@pytest.fixture
def counting():
    with Sandbox(misbehaving.count, time_limit_s=5, memory_limit_mb=200) as box:
        yield box


def test_a_task_that_yields_answers_as_often(counting):
    for _ in range(2):
        answers = list(counting.stream({"upto": 3, "then": None}))
        assert answers == [({"number": number}, [b"x"]) for number in range(3)]


def test_answers_may_be_more_than_fit_into_the_memory_at_once(counting):
    sizes = [
        len(blobs[0]) for _, blobs in counting.stream({"upto": 9, "size": 1 << 26, "then": ""})
    ]
    assert sizes == [1 << 26] * 9


@pytest.mark.parametrize(
    ("deed", "error", "words"),
    [
        ("segfault", Lost, "SIGSEGV"),
        ("raise", Lost, "ZeroDivisionError"),
        ("sleep", Lost, "stopped after"),
        ("refuse", InputError, "is empty; expected rows"),
    ],
)
def test_what_goes_wrong_after_some_answers_ends_them(deed, error, words):
    with Sandbox(misbehaving.count, time_limit_s=1, memory_limit_mb=200) as box:
        answers = box.stream({"upto": 2, "then": deed})
        assert [next(answers)[0]["number"] for _ in range(2)] == [0, 1]
        with pytest.raises(error, match=words):
            next(answers)
        assert len(list(box.stream({"upto": 2, "then": None}))) == 2


def test_answers_that_nobody_waits_for_are_not_taken_for_others(counting):
    answers = counting.stream({"upto": 100, "size": 1 << 20, "then": None})
    next(answers)
    answers.close()
    assert [facts["number"] for facts, _ in counting.stream({"upto": 1, "then": None})] == [0]


def test_a_call_does_not_take_an_end_for_an_answer(sandbox):
    lost = lost_by(sandbox, do="garble", answer='{"over": true, "sizes": []}')
    assert (lost.reason, lost.detail) == (reasons.CRASHED, UNREADABLE_ANSWER)


def test_what_a_library_prints_does_not_spoil_the_answers(sandbox):
    assert sandbox.call({"do": "print"})[0] == {"printed": True}


def test_a_worker_that_cannot_start_is_an_error():
    with Sandbox(misbehaving.obey, time_limit_s=5, memory_limit_mb=200) as box:
        box._task = "no_such_module:function"
        with pytest.raises(RuntimeError, match="no_such_module"):
            box.call({})


def test_the_decoder_starts_light():
    program = "import sys, cberl.corpus.media.clip; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"torch", "pandas", "pyarrow", "cv2"} & set(done.stdout.split())


def test_no_process_is_left_behind():
    with Sandbox(misbehaving.obey, time_limit_s=5, memory_limit_mb=200) as box:
        pid = box.call({"do": "pid"})[0]["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("deed", ["no_reason", "no_sound", "odd_sound", "other_column"])
def test_facts_that_do_not_fit_their_blobs_cost_one_clip(tmp_path, monkeypatch, deed):
    write_media(tmp_path / f"{deed}.mp4", babble(1, 16000), 1)
    write_media(tmp_path / "good.mp4", babble(1, 16000), 1)
    monkeypatch.setattr(decode, "decode_clip", misbehaving.decode_clip_and_lie)
    shard = utterance_rows({"media_path": f"{deed}.mp4"}, {"media_path": "good.mp4"})
    rows = pd.concat(list(decode.decode_clips(shard, tmp_path, SETTINGS, BOTH)), ignore_index=True)
    assert rows["audio_reason"].tolist() == [reasons.CRASHED, None]
    assert rows["detail"][0].startswith("audio: gave an answer that cannot be read")
    assert rows["audio"].notna().tolist() == [False, True]


@pytest.mark.parametrize("deed", ["pid", "spin"])
def test_a_worker_ends_when_its_caller_was_killed(deed):
    """An idle worker at once, a busy one when its own clock runs out."""
    program = (
        "import misbehaving\n"
        "from cberl.corpus.cage.sandbox import Sandbox\n"
        "box = Sandbox(misbehaving.obey, time_limit_s=0.5, memory_limit_mb=200)\n"
        "print(box.call({'do': 'pid'})[0]['pid'], flush=True)\n"
        "box._time_limit_s = 60\n"
        f"box.call({{'do': '{deed}'}})\n"
        "input()\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    caller = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    with caller:
        worker = int(caller.stdout.readline())
        time.sleep(0.2)
        caller.kill()
    deadline = time.monotonic() + 6
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(worker)


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]
    except FileNotFoundError:
        return False


def test_a_worker_does_not_grow_from_clip_to_clip(tmp_path):
    """Sound, broken and cut clips, over and over, in one worker."""
    whole = write_media(tmp_path / "whole.mp4", babble(1, 48000), 1, rate=48000, size=(320, 240))
    broken = tmp_path / "broken.mp4"
    data = bytearray(whole.read_bytes())
    at = data.index(b"mdat") + 200
    data[at : at + 3000] = bytes(3000)
    broken.write_bytes(data)
    (tmp_path / "words.mp4").write_text("no film")
    requests = [
        {"audio_file": str(file), "video_file": str(file), "audio_apart": False, "crop": None}
        | {"start_s": start, "end_s": None, "faces": True}
        | {"sample_rate": 16000, "frames": 4, "frame_size": 64}
        for file in (whole, broken, tmp_path / "words.mp4")
        for start in (None, 0.6)
    ]
    with Sandbox(misbehaving.decode_and_weigh, time_limit_s=20, memory_limit_mb=500) as box:
        weights = [box.call(request)[0]["resident_mb"] for request in requests * 25]
    assert weights[-1] - weights[30] < 4


def test_a_bad_clip_costs_its_own_modality_only(tmp_path, monkeypatch):
    """The video decoder of one clip misbehaves; its sound and the other clips are decoded."""
    for name in ("good", "segfault", "spin", "hog"):
        write_media(tmp_path / f"{name}.mp4", babble(1, 16000), 1)
    monkeypatch.setattr(decode, "decode_clip", misbehaving.decode_clip_by_name)
    shard = utterance_rows(
        *({"media_path": f"{name}.mp4"} for name in ("good", "segfault", "spin", "hog", "good"))
    )
    settings = replace(SETTINGS, time_limit_s=1.5, memory_limit_mb=200)
    rows = pd.concat(list(decode.decode_clips(shard, tmp_path, settings, BOTH)), ignore_index=True)
    assert rows["video_reason"].tolist() == [
        *(None, reasons.CRASHED, reasons.TIMED_OUT, reasons.OUT_OF_MEMORY, None)
    ]
    assert rows["audio_reason"].tolist() == [None] * 5
    assert all(np.array_equal(audio, rows["audio"][0]) for audio in rows["audio"])
    assert rows["detail"][1] == "video: ended by SIGSEGV"


@pytest.mark.parametrize(
    ("facts", "blobs"),
    [
        ({"video_reason": None}, [b"ab"]),
        ({"video_reason": None, "audio_reason": "silent"}, []),
        ({"duration_s": "x"}, [b"ab", b"frame"]),
        ({"source_fps": "ha"}, [b"ab", b"frame"]),
        ({"face_found": True}, [b"ab", b"frame"]),
        ({}, [b"a", b"frame"]),
        ({"video_reason": "crashed"}, [b"ab", b"frame"]),
        ({"surprise": 1}, [b"ab", b"frame"]),
    ],
)
def test_an_answer_that_no_clip_can_have_is_refused(facts, blobs):
    whole = {"detail": None, "duration_s": 1.5, "audio_reason": None, "video_reason": None}
    decode.check_answer(["audio", "video"], whole, [b"ab", b"frame"])
    with pytest.raises(Garbled):
        decode.check_answer(["audio", "video"], whole | facts, blobs)


def test_a_worker_is_not_asked_again_after_such_an_answer(sandbox):
    def refuse(facts, blobs):
        raise Garbled

    before = sandbox.call({"do": "pid"})[0]["pid"]
    with pytest.raises(Lost, match=UNREADABLE_ANSWER):
        sandbox.call({"do": "pid"}, refuse)
    assert sandbox.call({"do": "pid"})[0]["pid"] != before


def test_a_worker_is_asked_for_one_stream_at_a_time():
    """Else pieces of one column would be taken for another's."""
    with Sandbox(misbehaving.count, time_limit_s=10, memory_limit_mb=100) as box:
        first = box.stream({"upto": 3, "then": "nothing"})
        next(first)
        with pytest.raises(RuntimeError, match="answers of a stream are still to come"):
            next(box.stream({"upto": 3, "then": "nothing"}))
        assert [facts["number"] for facts, _ in first] == [1, 2]
        assert len(list(box.stream({"upto": 3, "then": "nothing"}))) == 3
