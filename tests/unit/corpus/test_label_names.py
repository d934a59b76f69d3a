"""Labels as people write them: mapped, ordered, and refused where they are likely not meant."""

from dataclasses import replace

import pandas as pd
import pytest
from made_corpora import MAKERS, SETTINGS, table_rows, write_table

from cberl.corpus.label_names import (
    check_labels,
    class_order,
    joined_labels,
    misspelt_labels,
    rename_labels,
)
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError


def check(labels, classes=(), mapping=None):
    renamed, classes = rename_labels(pd.Series(labels, dtype=object), classes, mapping or {})
    check_labels(renamed, classes, mapping or {}, "t.tsv")
    return renamed.tolist(), classes


@pytest.mark.parametrize(
    ("labels", "mapping"),
    [
        (["Anger", "anger", "anger", "joy"], "{Anger: anger}"),
        (["Anger", "anger", "joy"], "{Anger: anger}"),
        (["JOY", "Joy", "Joy", "anger"], "{JOY: Joy}"),
        (["very happy", "very  happy", "sad", "very happy"], "{very  happy: very happy}"),
        (["very_happy", "very happy", "very happy", "sad"], "{very_happy: very happy}"),
        (["joy", "joy\u200b", "joy", "sad"], '{"joy\\u200b": joy}'),
        (["cafe\u0301", "caf\u00e9", "caf\u00e9", "sad"], "{cafe\u0301: caf\u00e9}"),
        (["colère", "colère", "colere", "joie"], "{colere: colère}"),
        (["joy", "joy.", "sad", "sad"], "{joy.: joy}"),
        (['"joy"', "joy", "sad"], "{'\"joy\"': joy}"),
        (["1", "1.0", "1", "2"], "{'1.0': '1'}"),
    ],
)
def test_labels_that_differ_in_spelling_alone_print_the_mapping_to_paste(labels, mapping):
    import yaml

    with pytest.raises(InputError, match="differ only in case, blanks") as raised:
        check(labels)
    assert f"corpus.labels: {mapping} (or each as itself" in str(raised.value)
    names = check(labels, mapping=yaml.safe_load(mapping))[0]
    assert len(set(names)) == 2


def test_a_listed_class_is_the_spelling_to_take():
    with pytest.raises(InputError, match=r"corpus\.labels: \{Joy: joy\}"):
        check(["Joy", "Joy", "anger"], classes=["joy", "anger"])


def test_labels_that_are_meant_to_differ_are_kept_apart():
    assert check(["Joy", "joy"], mapping={"Joy": "Joy"})[0] == ["Joy", "joy"]


@pytest.mark.parametrize("label", ["nan", "N/A", "None", "null", "<NA>", "-", "?", "#NAME?"])
def test_words_for_no_label_are_no_class_unless_it_is_said(label):
    with pytest.raises(InputError, match="looks like a missing label") as raised:
        check([label, "joy", "joy", "anger"])
    assert "to make these 1 utterances context" in str(raised.value)
    assert check([label, "joy"], mapping={label: None})[0] == [None, "joy"]
    assert check([label, "joy"], mapping={label: label})[0] == [label, "joy"]
    assert check([label, "joy"], classes=[label, "joy"])[0] == [label, "joy"]


def test_minus_one_beside_numbers_or_names_of_classes_is_no_label():
    with pytest.raises(InputError, match=r"'-1' looks like a missing label; .*\{'-1': null\}"):
        check(["0", "1", "-1"])
    with pytest.raises(InputError, match=r"'-1' looks like a missing label"):
        check(["joy", "anger", "-1"])
    assert check(["-1", "-2", "1"])[0] == ["-1", "-2", "1"]


def test_scores_are_no_classes():
    scores = [str(number / 10) for number in range(20)]
    with pytest.raises(InputError, match=r"20 different labels, all numbers with decimals: scores"):
        check(scores)
    check(["0.5", "1", "1.5"])


def test_texts_are_no_classes():
    with pytest.raises(InputError, match=r"30 different labels in 30 rows, .*: hardly classes"):
        check([f"Line {number}." for number in range(30)])
    check([f"c{number % 30}" for number in range(90)])


def test_several_labels_at_once_are_noticed():
    labels = ["joy;surprise", "joy", "anger|fear", "fear", "and/or", "1: calm"]
    assert joined_labels(pd.Series([*labels, None], dtype=object)) == ["anger|fear", "joy;surprise"]
    labels = ["joy;surprise", "surprise; fear", "and/or", "['joy', 'fear']", "['joy']", "fear:3"]
    assert joined_labels(pd.Series(labels)) == sorted(set(labels) - {"and/or"})


def test_rare_labels_that_nearly_are_others_are_likely_misspelt():
    labels = ["surprise", "happy", "anger", "class1"] * 20 + ["suprise", "unhappy", "angry"]
    assert misspelt_labels(pd.Series([*labels, "class2", None])) == {"suprise": "surprise"}
    assert misspelt_labels(pd.Series(["surprise", "suprise"] * 20)) == {}


def test_numbers_stand_in_numeric_order():
    labels = pd.Series([str(number) for number in range(28)], dtype=object)
    assert class_order(labels) == [str(number) for number in range(28)]
    assert class_order(pd.Series(["c10", "c9", "-1", "joy", "2.5"])) == [
        *("-1", "2.5", "c9", "c10", "joy")
    ]


def test_labels_are_merged_renamed_and_dropped_to_context(tmp_path):
    rows = [
        {**row, "label": ("hap", "exc", "sad", "xxx")[number % 4]}
        for number, row in enumerate(table_rows())
    ]
    write_table(tmp_path / "utterances.tsv", rows)
    mapping = {"hap": "happy", "exc": "happy", "xxx": None}
    corpus = read_corpus(replace(SETTINGS["table"], labels=mapping), tmp_path)
    assert corpus.classes == ["happy", "sad"]
    assert corpus.labels["label"].value_counts(dropna=False).to_dict() == {
        "happy": 10,
        "sad": 5,
        None: 5,
    }
    listed = {"labels": mapping, "classes": ["sad", "happy"]}
    assert read_corpus(replace(SETTINGS["table"], **listed), tmp_path).classes == ["sad", "happy"]


def test_a_mapping_of_a_label_that_is_not_there_is_refused(tmp_path):
    write_table(tmp_path / "utterances.tsv", table_rows())
    with pytest.raises(InputError, match=r"no row has the label 'clam' \(did you mean calm\?\)"):
        read_corpus(replace(SETTINGS["table"], labels={"clam": "cross"}), tmp_path)


@pytest.mark.parametrize(
    ("kind", "label", "name"),
    [("meld", "neutral", "plain"), ("iemocap", "excited", "happy"), ("features", "happy", "glad")],
)
def test_every_kind_has_its_labels_mapped(tmp_path, kind, label, name):
    MAKERS[kind](tmp_path)
    before = read_corpus(SETTINGS[kind], tmp_path)
    after = read_corpus(replace(SETTINGS[kind], labels={label: name}), tmp_path)
    assert label in before.classes
    assert label not in after.classes
    assert name in after.classes
    changed = before.labels["label"] == label
    assert changed.any()
    assert set(after.labels.loc[changed, "label"]) == {name}
