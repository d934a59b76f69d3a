import pytest
import torch
from made_conversations import make_conversations

from cberl.train.sampling import class_table, dialogue_weights, draw_dialogues


def test_rows_are_counted_per_dialogue_and_class():
    conversations = make_conversations((2, 3, 1), labels=[0, 0, 0, 1, 2, 2], synthetic_from=2)
    conversations.labels[2] = -1
    assert class_table(conversations, 3).tolist() == [[2, 0, 0], [0, 1, 1], [0, 0, 1]]
    real = class_table(conversations, 3, real_only=True)
    assert real.tolist() == [[2, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_uniform_sampling_shows_each_dialogue_once():
    conversations = make_conversations((2, 3, 1))
    weights = dialogue_weights(conversations, 3, "uniform")
    assert weights.tolist() == [1, 1, 1]
    assert sorted(draw_dialogues(weights, "uniform").tolist()) == [0, 1, 2]


def test_class_aware_sampling_weighs_by_the_root_of_class_frequency():
    conversations = make_conversations((2, 2, 1), labels=[0, 0, 0, 0, 1])
    weights = dialogue_weights(conversations, 3, "class_aware")
    # Four rows of class 0, one of class 1: means 1/2, 1/2 and 1 over a mean of 2/3.
    assert weights.tolist() == pytest.approx([0.75, 0.75, 1.5])


def test_class_aware_draws_follow_the_weights():
    torch.manual_seed(0)
    conversations = make_conversations((2, 2, 1), labels=[0, 0, 0, 0, 1])
    weights = dialogue_weights(conversations, 3, "class_aware")
    drawn = torch.cat([draw_dialogues(weights, "class_aware") for _ in range(1000)])
    shares = torch.bincount(drawn) / len(drawn)
    assert shares.tolist() == pytest.approx([0.25, 0.25, 0.5], abs=0.03)


def test_a_dialogue_without_labels_is_drawn_like_the_average():
    conversations = make_conversations((2, 2, 1), labels=[0, 0, 0, 0, 1])
    conversations.labels[:2] = -1
    weights = dialogue_weights(conversations, 3, "class_aware")
    assert weights[0].item() == pytest.approx(weights[1:].mean().item())
