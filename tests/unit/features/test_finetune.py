"""Fine-tuning on tiny encoders and a task that words give away."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_encoders import text_encoder

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.labels import NO_LABEL
from cberl.corpus.tables import LABELS, UTTERANCES
from cberl.errors import InputError
from cberl.features.text.extract import TextExtractor
from cberl.features.text.finetune import finetune_text, hold_out
from cberl.features.text.fit import learning_rate_factor, shuffle_batches
from cberl.features.text.transformer import load_transformer
from cberl.features.text.turns import TokenSequence
from cberl.tables import HISTORY

CLASSES = ["joy", "sadness", "fear"]
WORDS = {"joy": "happy great", "sadness": "sad awful", "fear": "never wait"}
ENCODING = {"pooling": "mean", "context_turns": 1, "max_tokens": 32, "device": "cpu"}


def write_corpus(folder, label_test="joy"):
    """Forty dialogues of three turns; the emotion shows in the words, or in no words at all."""
    generator = np.random.default_rng(0)
    rows, labels = [], {"train": [], "dev": [], "test": []}
    for dialogue in range(40):
        split = "train" if dialogue < 28 else "dev" if dialogue < 36 else "test"
        for turn in range(3):
            emotion = CLASSES[int(generator.integers(3))]
            name = f"{split}/{dialogue}/{turn}"
            text = " ".join(generator.permutation(f"i am so {WORDS[emotion]} .".split()))
            if dialogue == 3 and turn == 1:
                text = ""
            label = None if dialogue == 4 else label_test if split == "test" else emotion
            rows.append((name, split, f"{split}/{dialogue}", turn, "Ross", text))
            labels[split].append((name, label))
    columns = ["utterance_id", "split", "dialogue_id", "turn", "speaker", "text"]
    utterances = pd.DataFrame(rows, columns=columns).reindex(
        columns=[column.name for column in UTTERANCES.columns]
    )
    folder.mkdir(exist_ok=True)
    write_table(folder / "utterances.parquet", UTTERANCES, utterances, {})
    for split, pairs in labels.items():
        frame = pd.DataFrame(pairs, columns=["utterance_id", "label"])
        path = folder / f"labels_{split}.parquet"
        write_table(path, LABELS, frame, {}, metadata={"classes": CLASSES})
    return [
        str(folder / f"{name}.parquet") for name in ("utterances", "labels_train", "labels_dev")
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return str(text_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def settings(encoder, **changed):
    return {
        "encoder": encoder,
        **ENCODING,
        "epochs": 8,
        "patience": 8,
        "batch_size": 8,
        "learning_rate": 0.003,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "dropout": 0.1,
        "seed": 0,
        "folds": 1,
        "fold": 0,
        "precision": "float32",
        "processes": 1,
        **changed,
    }


@pytest.mark.parametrize("context_turns", [1, "all"])
def test_the_task_is_learnt_and_the_best_epoch_is_kept(tmp_path, encoder, context_turns):
    own = settings(encoder, context_turns=context_turns, epochs=24, patience=24)
    tensors, facts, history = finetune_text(*write_corpus(tmp_path), own)
    scores = history[history["quantity"] == "macro_f1"].set_index("epoch")["value"]
    assert scores.max() > 0.95
    assert scores[1] < 0.95
    assert facts["best_epoch"] == scores.idxmax()
    assert facts["dev_macro_f1"] == scores.max()
    assert facts["classes"] == CLASSES
    assert not history.duplicated(list(HISTORY.key)).any()
    loss = history[(history["split"] == "train")].set_index("epoch")["value"]
    assert loss.iloc[-1] < 0.5 * loss.iloc[0]
    assert all(array.dtype == np.float32 for array in tensors.values())


def test_extraction_takes_the_weights(tmp_path, encoder):
    paths = write_corpus(tmp_path)
    tensors, facts, _ = finetune_text(*paths, settings(encoder, epochs=16, patience=16))
    weights = tmp_path / "encoder.safetensors"
    write_tensors(weights, "encoder", tensors, {}, facts)
    table = pd.read_parquet(paths[0])
    test = table[table["split"] == "test"].reset_index(drop=True)
    own = ENCODING | {"encoder": encoder, "batch_size": 4}
    tuned = TextExtractor(own, [weights])
    assert "fine-tuned" in tuned.describe()["weights"]
    ((_, after),) = tuned.extract(test)
    ((_, before),) = TextExtractor(own).extract(test)
    emotions = test["text"].map(
        lambda text: next(name for name, words in WORDS.items() if words.split()[0] in text)
    )

    def spread(features):
        centres = np.stack([features[emotions == name].mean(axis=0) for name in CLASSES])
        within = np.concatenate(
            [
                features[emotions == name] - centre
                for name, centre in zip(CLASSES, centres, strict=True)
            ]
        )
        return centres.std(axis=0).mean() / within.std(axis=0).mean()

    assert spread(after) > 3 * spread(before)


def test_weights_of_another_encoder_are_refused(tmp_path, encoder):
    weights = tmp_path / "encoder.safetensors"
    write_tensors(weights, "encoder", {"x": np.zeros(1)}, {}, {"encoder": "other"})
    with pytest.raises(InputError, match="weights of other, expected tiny"):
        TextExtractor(ENCODING | {"encoder": encoder, "batch_size": 4}, [weights])


def test_every_training_dialogue_is_held_out_by_one_fold():
    dialogues = [f"train/{number // 3}" for number in range(50)]
    folds = [hold_out(dialogues, 4, fold, seed=0) for fold in range(4)]
    assert sorted(name for fold in folds for name in fold) == sorted(set(dialogues))
    assert {len(fold) for fold in folds} <= {4, 5}
    assert hold_out(dialogues, 4, 0, seed=1) != folds[0]
    assert hold_out(dialogues, 1, 0, seed=0) == []
    with pytest.raises(InputError, match=r"finetune.folds: 18 folds of 17 training dialogues"):
        hold_out(dialogues, 18, 0, seed=0)


def test_labels_that_are_held_out_change_nothing(tmp_path, encoder):
    paths = write_corpus(tmp_path)
    own = settings(encoder, epochs=1, folds=3, fold=1)
    first, facts, _ = finetune_text(*paths, own)
    assert 9 <= len(facts["held_out"]) <= 10
    frame = pd.read_parquet(paths[1])
    held_out = frame["utterance_id"].str.rpartition("/")[0].isin(facts["held_out"])
    assert held_out.any()
    for changed, same in ((held_out, True), (~held_out, False)):
        other = frame.assign(label=frame["label"].mask(changed & frame["label"].notna(), "fear"))
        write_table(paths[1], LABELS, other, {}, metadata={"classes": CLASSES})
        second, _, _ = finetune_text(*paths, own)
        assert all(np.array_equal(first[name], second[name]) for name in first) == same


def test_folds_share_the_dealing_of_dialogues_and_draw_all_else_apart(
    tmp_path, encoder, monkeypatch
):
    seeds = []

    def train(_train, _dev, _classes, settings):
        seeds.append(settings["seed"])
        return {}, {}, pd.DataFrame()

    monkeypatch.setattr("cberl.features.text.finetune.train_encoder", train)
    paths = write_corpus(tmp_path)
    held_out = [
        finetune_text(*paths, settings(encoder, folds=3, fold=fold))[1]["held_out"]
        for fold in range(3)
    ]
    assert len(set(seeds)) == 3
    assert len({name for fold in held_out for name in fold}) == sum(map(len, held_out))


def test_an_utterance_has_the_vector_of_those_that_have_not_seen_its_label(tmp_path, encoder):
    utterances = pd.read_parquet(write_corpus(tmp_path)[0])
    model = load_transformer(encoder).model
    held_out = [["train/0", "train/1"], ["train/2"], []]
    weights = [tmp_path / f"{fold}.safetensors" for fold in range(3)]
    for fold, path in enumerate(weights):
        tensors = {
            name: tensor.numpy() + np.float32(0.1 * fold)
            for name, tensor in model.state_dict().items()
        }
        facts = {"encoder": Path(encoder).name, "held_out": held_out[fold]}
        write_tensors(path, "encoder", tensors, {}, facts)
    own = ENCODING | {"encoder": encoder, "batch_size": 4}

    def extract(paths):
        ((_, features),) = TextExtractor(own, paths).extract(utterances)
        return features

    alone = [extract([path]) for path in weights]
    assert np.nanmax(np.abs(alone[0] - alone[1])) > 0.01
    together = extract(weights)
    dialogues = utterances["dialogue_id"].to_numpy()
    expected = np.mean(alone, axis=0)
    for fold in (0, 1):
        own_rows = np.isin(dialogues, held_out[fold])
        expected[own_rows] = alone[fold][own_rows]
    np.testing.assert_allclose(together, expected, atol=1e-5)
    assert np.isnan(together).any(axis=1).sum() == 1  # the utterance without text


def test_word_embeddings_stay_as_they_were_published(tmp_path, encoder):
    tensors, _, _ = finetune_text(*write_corpus(tmp_path), settings(encoder, epochs=1))
    published = load_transformer(encoder).model.state_dict()
    same = {
        name for name, array in tensors.items() if np.array_equal(array, published[name].numpy())
    }
    assert "embeddings.word_embeddings.weight" in same
    assert not [name for name in same if name.startswith("encoder.") and "key.bias" not in name]


def test_half_the_precision_is_close_to_the_whole(tmp_path, encoder):
    paths = write_corpus(tmp_path)
    whole, half = (
        finetune_text(*paths, settings(encoder, epochs=1, dropout=0.0, precision=precision))[2]
        for precision in ("float32", "bfloat16")
    )
    loss, other = (history.loc[history["quantity"] == "loss", "value"] for history in (whole, half))
    assert loss.tolist() != other.tolist()
    np.testing.assert_allclose(loss, other, rtol=0.1)


def test_test_labels_change_nothing(tmp_path, encoder):
    first = finetune_text(*write_corpus(tmp_path / "one", "joy"), settings(encoder, epochs=1))
    second = finetune_text(*write_corpus(tmp_path / "two", "fear"), settings(encoder, epochs=1))
    for name, array in first[0].items():
        assert array.tobytes() == second[0][name].tobytes()


def test_the_seed_decides(tmp_path, encoder):
    paths = write_corpus(tmp_path)
    runs = [finetune_text(*paths, settings(encoder, epochs=1, seed=seed)) for seed in (0, 0, 1)]
    losses = [run[2]["value"].tolist() for run in runs]
    assert losses[0] == losses[1] != losses[2]


def test_training_stops_when_dev_no_longer_improves(tmp_path, encoder):
    frozen = settings(encoder, learning_rate=1e-12, patience=2)
    _, facts, history = finetune_text(*write_corpus(tmp_path), frozen)
    assert facts["best_epoch"] == 1
    assert history["epoch"].max() == 3


def test_a_split_without_labels_is_refused(tmp_path, encoder):
    paths = write_corpus(tmp_path)
    frame = pd.read_parquet(paths[2]).assign(label=None)
    write_table(paths[2], LABELS, frame, {}, metadata={"classes": CLASSES})
    with pytest.raises(InputError, match=r"labels_dev.parquet: no labelled utterance with text"):
        finetune_text(*paths, settings(encoder))


@pytest.mark.parametrize("context_turns", [1, "all"])
def test_two_processes_give_what_one_gives(tmp_path, encoder, context_turns):
    paths = write_corpus(tmp_path)
    # 80 usable rows: a batch that halves unevenly, and one with a row for one process only.
    plain = {"dropout": 0.0, "epochs": 3, "batch_size": 79, "learning_rate": 0.001}
    plain["context_turns"] = context_turns
    folder = tmp_path / "without_dropout"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).symlink_to(f"{encoder}/{name}")
    configuration = json.loads(Path(encoder, "config.json").read_text())
    configuration |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(configuration))
    one, facts_one, history_one = finetune_text(*paths, settings(str(folder), **plain))
    two, facts_two, history_two = finetune_text(*paths, settings(str(folder), **plain, processes=2))
    assert facts_one["best_epoch"] == facts_two["best_epoch"]
    np.testing.assert_allclose(history_one["value"], history_two["value"], atol=1e-4)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(array, two[name], atol=1e-4, err_msg=name)


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


def test_the_learning_rate_rises_and_falls():
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(101)]
    assert factors[0] > 0
    assert np.argmax(factors) == 10
    assert factors[10] == 1
    assert factors[100] == 0
    assert torch.tensor(factors).diff()[10:].lt(0).all()
    assert learning_rate_factor(0, 10, 0.0) == 1
