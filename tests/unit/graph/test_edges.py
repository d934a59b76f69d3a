import os
import time

import numpy as np
import pandas as pd
import pytest

from cberl.graph.edges import RELATIONS, build_edges, list_nodes


def nodes_of(dialogues):
    """dialogues: name -> string of speakers, one letter a turn."""
    rows = [
        (f"train/{name}/{turn}", f"train/{name}", turn, speaker)
        for name, speakers in dialogues.items()
        for turn, speaker in enumerate(speakers)
    ]
    frame = pd.DataFrame(rows, columns=["utterance_id", "dialogue_id", "turn", "speaker"])
    return frame.assign(latent_id=frame["utterance_id"], is_synthetic=False)


def edges_of(nodes, past, future):
    edges = build_edges(nodes, past, future)
    triples = zip(*edges["edge_index"].tolist(), edges["edge_type"].tolist(), strict=True)
    return {(source, target): RELATIONS[number] for source, target, number in triples}


def test_edges_of_a_small_dialogue_are_the_ones_drawn_by_hand():
    assert edges_of(nodes_of({"a": "XYX"}), past=1, future=2) == {
        (0, 0): "self",
        (1, 0): "other_future",
        (2, 0): "same_future",
        (0, 1): "other_past",
        (1, 1): "self",
        (2, 1): "other_future",
        (1, 2): "other_past",
        (2, 2): "self",
    }


def reference_edges(nodes, past, future):
    """The definition, pair by pair."""
    edges = {}
    rows = list(nodes.itertuples())
    for source in rows:
        for target in rows:
            lag = target.turn - source.turn
            if source.dialogue_id != target.dialogue_id or not -future <= lag <= past:
                continue
            who = "same" if source.speaker == target.speaker else "other"
            name = "self" if lag == 0 else f"{who}_{'past' if lag > 0 else 'future'}"
            edges[source.Index, target.Index] = name
    return edges


@pytest.mark.parametrize(("past", "future"), [(0, 0), (3, 0), (0, 2), (2, 5), (100, 100)])
def test_vectorised_edges_are_those_of_the_definition_in_any_order_of_rows(past, future):
    generator = np.random.default_rng(0)
    dialogues = {
        str(number): "".join(generator.choice(list("ABC"), length))
        for number, length in enumerate([1, 7, 2, 12, 1])
    }
    nodes = nodes_of(dialogues).sample(frac=1, random_state=1).reset_index(drop=True)
    assert edges_of(nodes, past, future) == reference_edges(nodes, past, future)


def test_an_online_graph_has_no_edge_from_the_future():
    edges = edges_of(nodes_of({"a": "XYXYX", "b": "XX"}), past=3, future=0)
    assert not any("future" in relation for relation in edges.values())
    assert all(source <= target for source, target in edges)


def test_edges_have_the_shapes_and_types_that_are_promised():
    edges = build_edges(nodes_of({"a": "XY"}), 1, 1)
    assert edges["edge_index"].shape == (2, 4)
    assert edges["edge_index"].dtype == edges["edge_type"].dtype == np.int64


def test_one_utterance_receives_from_itself_and_none_is_fine():
    assert edges_of(nodes_of({"a": "X"}), 8, 8) == {(0, 0): "self"}
    empty = build_edges(nodes_of({"a": ""}), 8, 8)
    assert empty["edge_index"].shape == (2, 0)


def test_a_dialogue_of_two_thousand_turns_is_bounded_by_the_window():
    edges = build_edges(nodes_of({"a": "XYZ" * 667}), 8, 8)
    assert len(edges["edge_type"]) == 2001 * 17 - 2 * sum(range(1, 9))


def test_two_speakers_of_one_name_in_two_dialogues_never_meet():
    edges = edges_of(nodes_of({"a": "XX", "b": "XX"}), 8, 8)
    assert all(source // 2 == target // 2 for source, target in edges)


def test_synthetic_dialogues_follow_the_real_ones_and_context_keeps_its_latent():
    utterances = pd.concat(
        [nodes_of({"a": "XY", "b": "X"}), nodes_of({"c": "Z"})], ignore_index=True
    ).assign(split=["train", "train", "train", "dev"])
    synthetic = pd.DataFrame(
        {
            "utterance_id": ["train/a~0/0", "train/a~0/1"],
            "source_utterance_id": ["train/a/0", "train/a/1"],
            "dialogue_id": "train/a~0",
            "turn": [0, 1],
            "speaker": ["X", "Y"],
            "label": [None, "fear"],
            "is_synthetic": [False, True],
        }
    )
    nodes = list_nodes(utterances, synthetic, "train")
    assert nodes["latent_id"].tolist() == [
        "train/a/0",
        "train/a/1",
        "train/b/0",
        "train/a/0",
        "train/a~0/1",
    ]
    assert nodes["is_synthetic"].tolist() == [False, False, False, False, True]
    assert nodes["utterance_id"].is_unique
    assert list_nodes(utterances, synthetic, "dev")["utterance_id"].tolist() == ["train/c/0"]
    assert len(list_nodes(utterances, synthetic.iloc[:0], "train")) == 3


def test_the_graph_of_meld_is_built_in_no_time():
    root = os.environ.get("MELD_ROOT")
    if not root:
        pytest.skip("MELD_ROOT is not set")
    frame = pd.read_csv(f"{root}/train_sent_emo.csv")
    nodes = pd.DataFrame(
        {
            "dialogue_id": frame["Dialogue_ID"],
            "turn": frame["Utterance_ID"],
            "speaker": frame["Speaker"],
        }
    )
    started = time.process_time()
    edges = build_edges(nodes, 8, 8)
    spent = time.process_time() - started
    assert len(nodes) == 9989
    assert len(edges["edge_type"]) > 9 * len(nodes)
    assert spent < 2
