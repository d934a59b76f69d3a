"""Conversations that are still going on get what they would get when they are over."""

import gc
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from made_media import babble, write_media

from cberl.cli import main
from cberl.configuration import PROJECT
from cberl.errors import InputError
from cberl.predict.live.follow import follow
from cberl.predict.live.follower import Follower
from cberl.predict.new_conversations import read_table_file
from cberl.predict.predictor import predict_conversations

SAID = [
    *("Did the letter come?", "Yes.", "Oh no, not again!", "", "Calm down.", "I am calm!"),
    *("You are not.", "Well.", "So what do we do now?", "We wait."),
]


def messages(conversation, count=None):
    return [
        {"conversation": conversation, "speaker": ["Ann", "Ben", "Cy"][turn % 3], "text": text}
        for turn, text in enumerate(SAID[:count])
        if text
    ]


def probabilities(answer):
    return list(answer["probabilities"].values())


def test_each_turn_gets_what_the_whole_conversation_would_give_it(online_models, tmp_path):
    follower = Follower(online_models, tmp_path)
    answers = [follower.answer(message) for message in messages("talk")]
    lines = ["dialogue\tutterance\tspeaker\ttext"]
    lines += [f"talk\t{n}\t{m['speaker']}\t{m['text']}" for n, m in enumerate(messages("talk"))]
    (tmp_path / "talk.tsv").write_text("\n".join(lines) + "\n")
    whole = predict_conversations(online_models, read_table_file(tmp_path / "talk.tsv"))
    found = np.array([probabilities(answer) for answer in answers])
    assert np.abs(found - whole.probabilities).max() < 1e-5
    assert [answer["turn"] for answer in answers] == list(range(len(answers)))
    assert [answer["predicted"] for answer in answers] == list(whole.turns["predicted"])
    assert np.allclose([answer["entropy"] for answer in answers], whole.turns["entropy"], atol=1e-4)
    assert answers[0]["available"] == ["text"]
    assert answers[0]["missing"] == {}


def test_blanks_around_a_speaker_make_no_other_one(online_models, tmp_path):
    follower = Follower(online_models, tmp_path)
    said = [{"conversation": name, "text": text} for name in "ab" for text in ("Hi.", "Oh no!")]
    speakers = ("Ann", "Ann", "Ann", " Ann ")
    answers = [
        follower.answer(turn | {"speaker": own}) for turn, own in zip(said, speakers, strict=True)
    ]
    assert probabilities(answers[1]) == probabilities(answers[3])


def test_a_thousand_conversations_at_once_do_not_hear_each_other(
    online_models, tmp_path, monkeypatch
):
    # A thousand times the real encoder would take a minute.
    monkeypatch.setattr(
        type(online_models.text),
        "encode_last",
        lambda self, said: np.full(384, len(said["text"].iloc[-1]) / 100, dtype=np.float32),
    )
    alone = Follower(online_models, tmp_path)
    expected = [probabilities(alone.answer(message)) for message in messages("x", 3)]
    follower = Follower(online_models, tmp_path)
    for turn in range(3):
        for number in range(1000):
            answer = follower.answer(messages(f"talk {number}", 3)[turn])
            assert np.allclose(probabilities(answer), expected[turn], atol=1e-6)
    assert len(follower) == 1000
    for number in range(1000):
        closed = follower.answer({"conversation": f"talk {number}", "close": True})
        assert closed == {"conversation": f"talk {number}", "closed": True}
    assert len(follower) == 0


def test_what_is_remembered_of_a_conversation_is_bounded(online_models, tmp_path, monkeypatch):
    monkeypatch.setattr(
        type(online_models.text), "encode_last", lambda self, said: np.ones(384, np.float32)
    )
    follower = Follower(online_models, tmp_path)
    for turn in range(50):
        follower.answer({"conversation": "a", "speaker": "Ann", "text": f"Turn {turn}."})
    memory = follower._memories["a"]
    assert (len(memory.speakers), len(memory.said)) == (3, 2)
    assert {len(codes) for state in memory.states for codes in state.codes} == {3}


def test_a_closed_conversation_begins_anew(online_models, tmp_path):
    follower = Follower(online_models, tmp_path)
    first = [follower.answer(message) for message in messages("a", 2)]
    follower.answer({"conversation": "a", "close": True})
    assert [follower.answer(message) for message in messages("a", 2)] == first


def test_a_bundle_whose_turns_hear_later_ones_is_refused_by_name(models, tmp_path):
    with pytest.raises(InputError, match=r"vae: its turns depend on later ones .* is 3") as refusal:
        Follower(models, tmp_path)
    assert "expected a bundle trained with graph.future_window: 0" in str(refusal.value)


def test_lines_that_cannot_be_used_are_answered_and_change_nothing(online_models, tmp_path):
    good = json.dumps({"conversation": "a", "speaker": "Ann", "text": "Hi there."})
    lines = [
        *(good, "", "no JSON", "[]", '{"text": "Hi."}', '{"conversation": "a", "txt": "Hi."}'),
        *('{"conversation": "a", "text": 3}', '{"conversation": "a", "start": "0"}'),
        *('{"conversation": "a", "start": 1}', '{"conversation": "a", "text": "\\ud800"}'),
        *('{"conversation": "a", "media": "a", "end": NaN}', '{"conversation": "a", "close": 1}'),
        '{"conversation": "a", "media": "a", "start": 2, "end": 1}',
        '{"conversation": "a", "close": true, "text": "Bye."}',
        '{"conversation": "a", "media": "a", "end": 1' + "0" * 5000 + "}",
        *('{"conversation": "a", "text": "  "}', good),
    ]
    answers = io.StringIO()
    follow(Follower(online_models, tmp_path), io.StringIO("\n".join(lines)), answers)
    found = [json.loads(line) for line in answers.getvalue().splitlines()]
    errors = [answer.get("error") for answer in found]
    assert errors[0] is None
    assert errors[-1] is None
    assert found[-1]["turn"] == 1
    assert [error.split(":")[0] for error in errors[1:-1]] == [
        f"line {number}" for number in range(3, 17)
    ]
    expected = [
        *("not JSON", "no JSON object", "conversation is None", "key 'txt' is unknown"),
        *("text is 3; expected text", "start is '0'; expected seconds", "but no media"),
        *("text: holds half of a character", "end is nan", "close is 1", "end is 1, not after"),
        *("close is given with a turn", "not JSON (Exceeds the limit", "text: empty_text"),
    ]
    for error, words in zip(errors[1:-1], expected, strict=True):
        assert words in error


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda process: process.stdin.close(), 0),
        (lambda process: process.send_signal(signal.SIGINT), 130),
    ],
)
def test_the_command_answers_until_the_stream_or_its_user_ends_it(
    online_models, tmp_path, end, status
):
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "cberl", "predict", "--follow"),
            *("--bundle", str(online_models.folder)),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite in the background of a shell ignores Ctrl-C, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        process.stdin.write("\ufeff")  # as shells of Windows begin a stream
        for number, message in enumerate(messages("a", 2)):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["turn"] == number
        end(process)
        assert process.wait(timeout=60) == status
        assert "Traceback" not in process.stderr.read()


def test_the_command_refuses_what_cannot_be_followed(bundle, capsys):
    assert main(["predict", "--follow", "--bundle", str(bundle)]) == 2
    assert main(["predict", "a.mp4", "--follow", "--bundle", str(bundle)]) == 2
    refused, mixed = capsys.readouterr().err.splitlines()
    assert "expected a bundle trained with graph.future_window: 0" in refused
    assert "--follow reads standard input alone" in mixed


def test_garbage_is_not_looked_for_while_models_are_loaded(monkeypatch, tmp_path):
    seen = []

    def open_nothing(*_):
        seen.append(gc.isenabled())
        raise InputError("no bundle")

    monkeypatch.setattr("cberl.predict.bundle.load.open_bundle", open_nothing)
    assert main(["predict", "--follow", "--bundle", str(tmp_path)]) == 2
    assert seen == [False]
    assert gc.isenabled()


def test_clips_are_heard_and_seen(tmp_path):
    from made_bundles import make_bundle

    from cberl.predict.bundle.load import open_bundle

    models = open_bundle(make_bundle(tmp_path / "bundle", ("text", "audio", "video"), "vae", 0))
    write_media(tmp_path / "clip.mp4", babble(2, 16000), 2)
    follower = Follower(models, tmp_path)
    answer = follower.answer(
        {"conversation": "a", "speaker": "Ann", "text": "Hi.", "media": "clip.mp4"}
    )
    assert answer["available"] == ["text", "audio", "video"]
    gone = follower.answer({"conversation": "a", "text": "Hi.", "media": "gone.mp4"})
    assert gone["missing"] == {"audio": "missing", "video": "missing"}
    (tmp_path / "one.tsv").write_text(
        "dialogue\tutterance\tspeaker\ttext\tmedia\na\t0\tAnn\tHi.\tclip.mp4\n"
    )
    whole = predict_conversations(models, read_table_file(tmp_path / "one.tsv"))
    assert np.allclose(probabilities(answer), whole.probabilities[0], atol=1e-5)
