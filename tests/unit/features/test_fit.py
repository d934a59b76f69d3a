"""Fine-tuning on tiny encoders and a task that words give away."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from interrupted import assert_resumes
from made_encoders import text_encoder

from cberl.artifacts import read_tensors, write_tensors
from cberl.errors import InputError
from cberl.features.settings import FinetuneSettings, TextSettings
from cberl.features.tables import LOG_PROBABILITIES
from cberl.features.text.draws import shuffle_batches
from cberl.features.text.extract import TextExtractor, log_softmax
from cberl.features.text.fit import TextTraining, fit_text_encoder
from cberl.features.text.folds import hold_out
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import TokenSequence
from cberl.rows import NO_LABEL
from cberl.tables import HISTORY

CLASSES = ["joy", "sadness", "fear"]
WORDS = ["happy great", "sad awful", "never wait"]
ENCODING = TextSettings(context_turns=1, max_tokens=32, batch_size=4)


@pytest.fixture
def corpus():
    """Train, dev and test: forty dialogues of three turns; a few words show the emotion.

    One training utterance has no text, one training dialogue no labels.
    """
    generator = np.random.default_rng(0)
    rows = {"train": [], "dev": [], "test": []}
    for dialogue in range(40):
        split = "train" if dialogue < 28 else "dev" if dialogue < 36 else "test"
        for turn in range(3):
            label = int(generator.integers(3))
            name = f"{split}/{dialogue}/{turn}"
            text = " ".join(generator.permutation(f"i am so {WORDS[label]} .".split()))
            if dialogue == 3 and turn == 1:
                text = ""
            label = NO_LABEL if dialogue == 4 else label
            rows[split].append((name, f"{split}/{dialogue}", turn, "Ross", text, label))
    columns = ["utterance_id", "dialogue_id", "turn", "speaker", "text", "label"]
    frames = [pd.DataFrame(own, columns=columns) for own in rows.values()]
    return [frame.assign(split_group=frame["dialogue_id"]) for frame in frames]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(text_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


@pytest.fixture
def fit(corpus, encoder):
    """fit(fold, context_turns, ...) -> network, facts and history; other names are settings."""
    tuning = FinetuneSettings(
        epochs=8, patience=8, batch_size=8, learning_rate=0.003, precision="float32"
    )

    def run(fold=0, context_turns=1, train=None, checkpoint=None, auxiliary=None, **changes):
        settings = replace(
            ENCODING,
            encoder=encoder,
            context_turns=context_turns,
            finetune=replace(tuning, **changes),
        )
        train = corpus[0] if train is None else train
        return fit_text_encoder(
            train, corpus[1], CLASSES, settings, fold, "cpu", checkpoint, auxiliary
        )

    return run


@pytest.mark.parametrize("context_turns", [1, "all"])
def test_the_task_is_learnt_and_the_best_epoch_is_kept(fit, context_turns):
    network, facts, history = fit(context_turns=context_turns, epochs=24, patience=24)
    scores = history[history["quantity"] == "macro_f1"].set_index("epoch")["value"]
    assert scores.max() > 0.95
    assert scores[1] < 0.95
    assert facts["best_epoch"] == scores.idxmax()
    assert facts["dev_macro_f1"] == scores.max()
    assert facts["classes"] == CLASSES
    assert not history.duplicated(list(HISTORY.key)).any()
    loss = history[(history["split"] == "train")].set_index("epoch")["value"]
    assert loss.iloc[-1] < 0.5 * loss.iloc[0]
    assert not network.training
    assert all(tensor.dtype == torch.float32 for tensor in network.parameters())


def test_extraction_takes_the_weights(tmp_path, corpus, encoder, fit):
    network, facts, _ = fit(epochs=16, patience=16)
    weights = tmp_path / "encoder.safetensors"
    write_tensors(weights, "encoder", network.state_dict(), {}, facts)
    test, own = corpus[2], replace(ENCODING, encoder=encoder)
    tuned = TextExtractor(own, [weights], "cpu")
    assert "fine-tuned" in tuned.describe()["weights"]
    ((_, after),) = tuned.extract(test)
    ((_, before),) = TextExtractor(own, device="cpu").extract(test)
    labels = test["label"].to_numpy()

    def spread(features):
        centres = np.stack([features[labels == number].mean(axis=0) for number in range(3)])
        within = features - centres[labels]
        return centres.std(axis=0).mean() / within.std(axis=0).mean()

    assert spread(after) > 3 * spread(before)


def test_weights_of_another_encoder_are_refused(tmp_path, encoder):
    weights = tmp_path / "encoder.safetensors"
    write_tensors(weights, "encoder", {"x": np.zeros(1)}, {}, {"encoder": "other"})
    with pytest.raises(InputError, match="weights of other, expected tiny"):
        TextExtractor(replace(ENCODING, encoder=encoder), [weights])


def test_every_training_dialogue_is_held_out_by_one_fold():
    dialogues = [f"train/{number // 3}" for number in range(50)]
    folds = [hold_out(dialogues, dialogues, 4, fold, seed=0) for fold in range(4)]
    assert sorted(name for fold in folds for name in fold) == sorted(set(dialogues))
    assert {len(fold) for fold in folds} <= {4, 5}
    assert hold_out(dialogues, dialogues, 4, 0, seed=1) != folds[0]
    assert hold_out(dialogues, dialogues, 1, 0, seed=0) == []
    with pytest.raises(InputError, match=r"finetune.folds: 18 folds of 17 training dialogues"):
        hold_out(dialogues, dialogues, 18, 0, seed=0)


def test_what_stays_together_in_a_split_stays_together_in_a_fold(caplog):
    dialogues = [f"train/{number // 3}" for number in range(60)]
    speakers = [f"speaker {number // 3 % 5}" for number in range(60)]
    speaker_of = dict(zip(dialogues, speakers, strict=True))
    folds = [hold_out(dialogues, speakers, 3, fold, seed=0) for fold in range(3)]
    assert sorted(name for fold in folds for name in fold) == sorted(set(dialogues))
    told = [{speaker_of[name] for name in fold} for fold in folds]
    assert sum(map(len, told)) == len(set(speakers))
    assert not caplog.messages
    # Fewer groups than folds: by dialogue, and the log says so.
    alone = [hold_out(dialogues, speakers, 6, fold, seed=0) for fold in range(6)]
    assert alone == [hold_out(dialogues, dialogues, 6, fold, seed=0) for fold in range(6)]
    assert "6 folds, but 5 groups that stay together" in caplog.messages[0]


def test_folds_of_fine_tuning_follow_the_groups_of_the_corpus(corpus, fit):
    grouped = corpus[0].assign(split_group=corpus[0]["dialogue_id"].str[-1])
    _, facts, _ = fit(fold=0, train=grouped, epochs=1, folds=2)
    own = grouped["dialogue_id"].isin(facts["held_out"])
    assert set(grouped.loc[own, "split_group"]).isdisjoint(grouped.loc[~own, "split_group"])


def test_labels_that_are_held_out_change_nothing(corpus, fit):
    train = corpus[0]
    first, facts, _ = fit(fold=1, epochs=1, folds=3)
    assert 9 <= len(facts["held_out"]) <= 10
    held_out = train["dialogue_id"].isin(facts["held_out"])
    assert held_out.any()
    for changed, same in ((held_out, True), (~held_out, False)):
        known = changed & (train["label"] != NO_LABEL)
        other = train.assign(label=train["label"].mask(known, CLASSES.index("fear")))
        second, _, _ = fit(fold=1, train=other, epochs=1, folds=3)
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        assert all(torch.equal(*pair) for pair in pairs) == same


@pytest.mark.parametrize("context_turns", [1, "all"])
def test_every_fold_is_trained_on_all_auxiliary_texts(fit, context_turns):
    names = [f"auxiliary/{place}" for place in range(30)]
    auxiliary = pd.DataFrame(
        {
            "utterance_id": names,
            "dialogue_id": names,
            "turn": 0,
            "speaker": "",
            "text": [f"i am so {WORDS[place % 3]} ." for place in range(30)],
            "label": [place % 3 for place in range(30)],
        }
    )
    for fold in range(2):
        plain, facts, _ = fit(fold, context_turns, epochs=1, folds=2)
        first, same, _ = fit(fold, context_turns, epochs=1, folds=2, auxiliary=auxiliary)
        other = auxiliary.assign(label=auxiliary["label"].iloc[::-1].to_numpy())
        second, _, _ = fit(fold, context_turns, epochs=1, folds=2, auxiliary=other)
        assert same["held_out"] == facts["held_out"]
        weights = [network.classifier.weight for network in (plain, first, second)]
        assert not torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[1], weights[2])


def test_folds_share_the_dealing_of_dialogues_and_draw_all_else_apart(fit):
    runs = [fit(fold=fold, folds=3, epochs=1, learning_rate=1e-12) for fold in range(3)]
    held_out = [facts["held_out"] for _, facts, _ in runs]
    assert len({name for fold in held_out for name in fold}) == sum(map(len, held_out))
    drawn = {network.classifier.weight.detach().numpy().tobytes() for network, _, _ in runs}
    assert len(drawn) == 3


@pytest.fixture
def fold_weights(tmp_path, encoder):
    """Files of three folds: encoders that differ a little, each with a classifier of its own."""
    model = load_transformer(encoder).model
    width, generator = model.config.hidden_size, np.random.default_rng(0)
    paths = [tmp_path / f"{fold}.safetensors" for fold in range(3)]
    for fold, path in enumerate(paths):
        tensors = {
            f"encoder.{name}": tensor.numpy() + np.float32(0.1 * fold)
            for name, tensor in model.state_dict().items()
        }
        tensors["classifier.weight"] = generator.normal(size=(3, width)).astype(np.float32)
        tensors["classifier.bias"] = generator.normal(size=3).astype(np.float32)
        facts = {"encoder": Path(encoder).name, "held_out": HELD_OUT[fold], "classes": CLASSES}
        write_tensors(path, "encoder", tensors, {}, facts)
    return paths


HELD_OUT = [["train/0", "train/1"], ["train/2"], []]


def test_log_probabilities_are_of_those_that_have_not_seen_the_label(corpus, encoder, fold_weights):
    utterances = pd.concat(corpus, ignore_index=True)
    own = replace(ENCODING, encoder=encoder)

    def extract(paths):
        extractor = TextExtractor(own, paths, "cpu")
        ((_, features),) = extractor.extract(utterances)
        assert features.shape[1] == extractor.describe()["width"]
        return features

    published, width = extract([]), extract([]).shape[1]
    alone = []
    for path in fold_weights:
        tensors, _ = read_tensors(path, "encoder")
        logits = extract([path]) @ tensors["classifier.weight"].T + tensors["classifier.bias"]
        alone.append(log_softmax(logits))
    together = extract(fold_weights)
    np.testing.assert_array_equal(together[:, :width], published)
    dialogues = utterances["dialogue_id"].to_numpy()
    expected = log_softmax(np.mean(alone, axis=0))
    for fold in (0, 1):
        own_rows = np.isin(dialogues, HELD_OUT[fold])
        expected[own_rows] = alone[fold][own_rows]
    np.testing.assert_allclose(together[:, width:], expected, atol=1e-5)
    assert np.isnan(together).any(axis=1).sum() == 1  # the utterance without text


def test_weights_that_are_kept_are_read_once_and_change_nothing(corpus, encoder, fold_weights):
    dialogue = corpus[0][corpus[0]["dialogue_id"] == corpus[0]["dialogue_id"].iloc[0]]
    extractor = TextExtractor(replace(ENCODING, encoder=encoder), fold_weights, "cpu")
    expected = extractor.encode_last(dialogue)
    np.testing.assert_array_equal(extractor.encode_last(dialogue), expected)
    extractor.keep_weights()
    for path in fold_weights:
        path.unlink()
    for _ in range(2):
        np.testing.assert_array_equal(extractor.encode_last(dialogue), expected)


def test_several_encoders_stand_side_by_side_and_their_log_probabilities_are_joined(
    tmp_path, corpus, encoder, fold_weights
):
    utterances = pd.concat(corpus, ignore_index=True)
    one = replace(ENCODING, encoder=encoder)
    other = replace(one, context_turns=0)
    moved = []
    for path in fold_weights[:2]:
        tensors, facts = read_tensors(path, "encoder")
        tensors["classifier.bias"] = tensors["classifier.bias"][::-1].copy()
        moved.append(tmp_path / f"other-{path.name}")
        write_tensors(moved[-1], "encoder", tensors, {}, facts | {"position": 1})

    def extract(settings, paths):
        extractor = TextExtractor(settings, paths, "cpu")
        ((_, features),) = extractor.extract(utterances)
        assert features.shape[1] == extractor.describe()["width"]
        return features

    alone = [extract(one, fold_weights[:2])]
    for path in moved:
        tensors, facts = read_tensors(path, "encoder")
        write_tensors(path, "encoder", tensors, {}, facts | {"position": 0})
    alone.append(extract(other, moved))
    for path in moved:
        tensors, facts = read_tensors(path, "encoder")
        write_tensors(path, "encoder", tensors, {}, facts | {"position": 1})
    together = extract(replace(one, encoders=(one, other)), [*fold_weights[:2], *moved])
    width = alone[0].shape[1] - 3
    for number in (0, 1):
        part = together[:, number * width : (number + 1) * width]
        np.testing.assert_array_equal(part, alone[number][:, :width])
    expected = log_softmax(np.mean([own[:, width:] for own in alone], axis=0))
    np.testing.assert_allclose(together[:, 2 * width :], expected, atol=1e-5)


def test_a_class_that_is_impossible_stays_so():
    scores = np.array([[0.0, -1.0, -np.inf], [-3.0, -2.0, -np.inf]])
    chances = np.exp(log_softmax(scores))
    assert np.allclose(chances.sum(axis=1), 1)
    assert (chances[:, 2] == 0).all()
    assert np.allclose(chances[:, 0] / chances[:, 1], np.exp([1, -1]))


def test_features_with_log_probabilities_name_their_classes(encoder, fold_weights):
    own = replace(ENCODING, encoder=encoder)
    assert TextExtractor(own, fold_weights, "cpu").describe()[LOG_PROBABILITIES] == list(CLASSES)
    assert LOG_PROBABILITIES not in TextExtractor(own, fold_weights[:1], "cpu").describe()


def test_word_embeddings_stay_as_they_were_published(encoder, fit):
    network, _, _ = fit(epochs=1)
    published = load_transformer(encoder).model.state_dict()
    tuned = network.encoder.state_dict()
    same = {name for name, tensor in tuned.items() if torch.equal(tensor, published[name])}
    assert "embeddings.word_embeddings.weight" in same
    assert not [name for name in same if name.startswith("encoder.") and "key.bias" not in name]


def test_frozen_layers_stay_as_they_were_published(encoder, fit):
    network, _, _ = fit(epochs=1, frozen_layers=1)
    published = load_transformer(encoder).model.state_dict()
    tuned = network.encoder.state_dict()
    moved = {name for name, tensor in tuned.items() if not torch.equal(tensor, published[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_more_frozen_layers_than_there_are_is_refused(fit):
    with pytest.raises(InputError, match="frozen_layers: 2 of an encoder of 2 layers"):
        fit(frozen_layers=2)


def test_half_the_precision_is_close_to_the_whole(fit):
    whole, half = (
        fit(epochs=1, dropout=0.0, precision=precision)[2] for precision in ("float32", "bfloat16")
    )
    loss, other = (history.loc[history["quantity"] == "loss", "value"] for history in (whole, half))
    assert loss.tolist() != other.tolist()
    np.testing.assert_allclose(loss, other, rtol=0.1)


def test_the_seed_decides(fit):
    losses = [fit(epochs=1, seed=seed)[2]["value"].tolist() for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_training_stops_when_dev_no_longer_improves(fit):
    _, facts, history = fit(learning_rate=1e-12, patience=2)
    assert facts["best_epoch"] == 1
    assert history["epoch"].max() == 3


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_without_labels_is_refused(corpus, fit, split):
    corpus[("train", "dev").index(split)]["label"] = NO_LABEL
    with pytest.raises(InputError, match=f"split {split}: no labelled utterance with text"):
        fit()


def test_the_learning_rate_rises_and_falls_to_nothing(corpus, encoder):
    tuning = FinetuneSettings(epochs=2, batch_size=8, learning_rate=0.003, warmup=0.2)
    own = replace(ENCODING, encoder=encoder, finetune=tuning)
    training = TextTraining(*corpus[:2], len(CLASSES), own, fold=0, device="cpu")
    rates = []

    def remember(optimizer, *_):
        rates.append(optimizer.param_groups[0]["lr"])

    training.optimizer.register_step_pre_hook(remember)
    for epoch in (1, 2):
        training.run_epoch(epoch)
    peak = int(np.argmax(rates))
    assert peak == round(0.2 * len(rates))
    assert rates[peak] == pytest.approx(0.003)
    assert (np.diff(rates[:peak]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert training.optimizer.param_groups[0]["lr"] == 0


def made_sequences(generator, utterances, most_turns):
    """Sequences of 1 to ``most_turns`` utterances of 5 to 60 tokens."""
    sequences, row = [], 0
    while row < utterances:
        count = min(int(generator.integers(1, most_turns + 1)), utterances - row)
        length = int(generator.integers(5, 60, count).sum())
        rows = list(range(row, row + count))
        sequences.append(TokenSequence([0] * length, [0] * length, rows, [(0, 1)] * count))
        row += count
    return sequences


@pytest.mark.parametrize("most_turns", [1, 12])
def test_batches_hold_every_sequence_once_and_those_of_like_length(most_turns):
    sequences = made_sequences(np.random.default_rng(0), 1003, most_turns)
    lengths = np.array([len(sequence) for sequence in sequences])
    labels = np.zeros(1003, dtype=np.int64)
    batches = list(shuffle_batches(sequences, labels, 16, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches)) == list(range(len(sequences)))
    utterances = [sum(len(sequences[number].rows) for number in batch) for batch in batches]
    assert max(utterances) < 16 + most_turns
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.2 * lengths.sum()
    again = list(shuffle_batches(sequences, labels, 16, np.random.default_rng(2)))
    assert batches[0].tolist() != again[0].tolist()


def test_sequences_without_a_label_are_left_out_of_batches():
    sequences = made_sequences(np.random.default_rng(0), 60, 3)
    labels = np.zeros(60, dtype=np.int64)
    labels[sequences[4].rows] = NO_LABEL
    batches = shuffle_batches(sequences, labels, 8, np.random.default_rng(1))
    assert 4 not in np.concatenate(list(batches))


def test_a_killed_training_ends_in_the_same_bytes(fit, tmp_path, monkeypatch, caplog):
    def run(checkpoint):
        return fit(context_turns="all", epochs=5, checkpoint=checkpoint)

    assert_resumes(run, tmp_path, monkeypatch, caplog, epoch=3)
