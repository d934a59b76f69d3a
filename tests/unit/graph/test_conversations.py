import numpy as np
import pandas as pd
import pytest
import torch
from made_conversations import make_conversations

from cberl.artifacts import write_table, write_tensors
from cberl.corpus.tables import LABELS
from cberl.errors import InputError
from cberl.fuse.tables import LATENTS
from cberl.graph.conversations import read_conversations, removals_of
from cberl.graph.edges import build_edges, list_nodes
from cberl.graph.tables import NODES
from cberl.oversample.tables import SYNTHETIC

CLASSES = ["neutral", "joy", "fear"]
IDS = ["train/1/0", "train/0/0", "train/0/1"]


@pytest.fixture
def files(tmp_path):
    """Two real dialogues and one synthetic one: the paths that read_conversations takes."""
    utterances = pd.DataFrame(
        {
            "utterance_id": IDS,
            "split": "train",
            "dialogue_id": ["train/1", "train/0", "train/0"],
            "turn": [0, 0, 1],
            "speaker": ["X", "X", "Y"],
        }
    )
    synthetic = pd.DataFrame(
        {
            "utterance_id": ["train/0~0/0", "train/0~0/1"],
            "source_utterance_id": IDS[1:],
            "dialogue_id": "train/0~0",
            "turn": [0, 1],
            "speaker": ["X", "Y"],
            "label": [None, "fear"],
            "is_synthetic": [False, True],
        }
    )
    latent_ids = [*IDS, "train/0~0/1"]
    latents = pd.DataFrame(
        {
            "utterance_id": latent_ids * 2,
            "removed": ["none"] * 4 + ["audio"] * 4,
            "available": True,
            "is_synthetic": [False, False, False, True] * 2,
        }
    )
    matrix = np.arange(16, dtype=np.float32).reshape(8, 2)
    labels = pd.DataFrame({"utterance_id": IDS, "label": ["neutral", None, "joy"]})
    nodes = list_nodes(utterances, synthetic, "train")
    edges = build_edges(nodes, 1, 0)
    paths = {
        name: tmp_path / f"{name}.parquet" for name in ("nodes", "latents", "labels", "synthetic")
    }
    paths["edges"] = tmp_path / "edges.safetensors"
    write_table(paths["nodes"], NODES, nodes, {})
    write_table(paths["latents"], LATENTS, latents, {}, {"latent": matrix})
    write_table(paths["labels"], LABELS, labels, {}, metadata={"classes": CLASSES})
    write_table(paths["synthetic"], SYNTHETIC, synthetic, {})
    write_tensors(paths["edges"], "graph", edges, {}, {"past_window": 1, "future_window": 0})
    return paths


def test_latents_and_labels_find_their_nodes(files):
    conversations = read_conversations(**files)
    rows = dict(
        zip(
            conversations.ids,
            zip(conversations.inputs.tolist(), conversations.labels.tolist(), strict=True),
            strict=True,
        )
    )
    assert rows == {
        "train/1/0": ([0.0, 1.0], 0),
        "train/0/0": ([2.0, 3.0], -1),
        "train/0/1": ([4.0, 5.0], 1),
        "train/0~0/0": ([2.0, 3.0], -1),
        "train/0~0/1": ([6.0, 7.0], 2),
    }
    assert conversations.is_synthetic.tolist() == [False, False, False, False, True]
    assert conversations.lengths.tolist() == [1, 2, 2]
    assert conversations.edge_counts.tolist() == [1, 3, 3]
    assert conversations.online


def test_without_labels_none_is_known_and_removed_rows_are_taken_where_asked(files):
    files = {name: path for name, path in files.items() if name not in ("labels", "synthetic")}
    conversations = read_conversations(**files, removed="audio")
    assert (conversations.labels == -1).all()
    assert conversations.inputs[0].tolist() == [8.0, 9.0]
    assert removals_of(files["latents"]) == ["none", "audio"]


def test_latents_that_are_not_finite_are_refused_by_file_and_row(files, monkeypatch):
    broken = np.zeros((8, 2), dtype=np.float32)
    broken[2, 1] = np.inf
    monkeypatch.setattr("cberl.graph.conversations.read_matrix", lambda path, column: broken)
    with pytest.raises(InputError, match=r"latents\.parquet: row train/0/1 has NaN or infinite"):
        read_conversations(**files)


def test_a_node_without_latent_is_refused_by_file_and_row(files):
    frame = pd.DataFrame({"utterance_id": IDS, "removed": "none"})
    frame = frame.assign(available=True, is_synthetic=False)
    write_table(files["latents"], LATENTS, frame, {}, {"latent": np.zeros((3, 2))})
    with pytest.raises(InputError, match=r"latents\.parquet: has no row train/0~0/1"):
        read_conversations(**files)


@pytest.mark.parametrize(
    ("edge", "message"), [((0, 9), "has node 9; expected 5 nodes"), ((0, 2), "two dialogues")]
)
def test_edges_of_another_graph_are_refused(files, edge, message):
    edges = {"edge_index": np.array([[edge[0]], [edge[1]]]), "edge_type": np.zeros(1, np.int64)}
    write_tensors(files["edges"], "graph", edges, {}, {"past_window": 1, "future_window": 0})
    with pytest.raises(InputError, match=message):
        read_conversations(**files)


def test_a_batch_is_the_same_dialogues_with_edges_renumbered():
    conversations = make_conversations(lengths=(3, 1, 4, 2))
    batch = conversations.select(torch.tensor([2, 0, 2]))
    assert batch.lengths.tolist() == [4, 3, 4]
    torch.testing.assert_close(batch.inputs[4:7], conversations.inputs[:3])
    torch.testing.assert_close(batch.inputs[7:], conversations.inputs[4:8])
    assert batch.labels[:4].tolist() == conversations.labels[4:8].tolist()
    dialogue_of = torch.repeat_interleave(batch.lengths)
    assert torch.equal(dialogue_of[batch.edge_index[0]], dialogue_of[batch.edge_index[1]])
    alone = conversations.select(torch.tensor([0]))
    inside = dialogue_of[batch.edge_index[0]] == 1
    torch.testing.assert_close(batch.edge_index[:, inside] - 4, alone.edge_index)
    torch.testing.assert_close(batch.edge_type[inside], alone.edge_type)


def test_all_dialogues_selected_are_the_whole():
    conversations = make_conversations(lengths=(3, 1, 4))
    for one, other in zip(
        conversations.select(torch.arange(3)), conversations.whole(), strict=True
    ):
        assert torch.equal(one, other)
