"""Cells that are read as they stand, with a notice for their owner."""

import unicodedata

import pytest
from made_corpora import SETTINGS, table_rows, write_table

from cberl.corpus.alike import alike
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

JOSE = ["José", unicodedata.normalize("NFD", "José"), "JOSÉ", "José\u200b", "José  "]


def read(root, change):
    rows = [{**row, **change(number)} for number, row in enumerate(table_rows())]
    write_table(root / "utterances.tsv", rows)
    return read_corpus(SETTINGS["table"], root)


def notices(root, change, words):
    return [notice for notice in read(root, change).notices if words in notice]


def test_names_that_look_alike_are_noticed(tmp_path):
    found = notices(tmp_path, lambda n: {"speaker": JOSE[n % 5]}, "differ only in case")
    assert len(found) == 1
    assert found[0].startswith("speakers 'José', ")
    assert "read as different speakers" in found[0]
    numbers = notices(tmp_path, lambda n: {"dialogue": f"{n // 2}{'.0' * (n % 2)}"}, "differ only")
    assert len(numbers) == 1
    assert numbers[0].startswith("dialogues '0', '0.0' (and 9 more such groups) differ only in")
    assert not notices(tmp_path, lambda n: {"speaker": f"s_{n}"}, "differ only")


def test_what_is_alike():
    assert alike(["Ann", "ann", "Bo", "Ann", "a n n"]) == [["Ann", "ann"]]
    assert alike(["1", "01", "1.0", "2", "1-1", "11"]) == [["1", "01", "1.0"]]
    assert alike(["José", "Jose", "かき", "がき", "Zoe"]) == [["José", "Jose"]]


GARBLED = ["I donâ€™t", "cafÃ©", "caf\ufffd", "Â¿QuÃ©?", "I don?t", "Gr??e", "???? ??", "??????"]


@pytest.mark.parametrize("text", GARBLED)
def test_garbled_letters_are_noticed(tmp_path, text):
    found = notices(tmp_path, lambda n: {"text": text if n % 4 == 1 else "fine"}, "text has ")
    assert len(found) == 1
    assert "in 5 rows, first" in found[0]
    assert "line 3: " in found[0]


def test_a_text_of_signs_alone_is_searched_once(tmp_path):
    """With a search from each sign on, this takes minutes."""
    text = "?" * 100_000 + "x"
    assert not notices(tmp_path, lambda n: {"text": text if n == 0 else "fine"}, "text has ")


def test_letters_of_many_languages_are_not_garbled(tmp_path):
    text = "Âge MANHÃ… ÇÃO Ça «Là» “ja” 中文 שלום 😀 €5 What??? a.org/watch?v=1 R&D; Tom & Co;"
    assert not notices(tmp_path, lambda n: {"text": text}, "text has ")


@pytest.mark.parametrize(
    "sign", ["&#39;", "&amp;", "<br/>", '<font color="red">', r"\n", r"\u2019"]
)
def test_text_as_web_pages_and_programs_write_it_is_noticed(tmp_path, sign):
    found = notices(tmp_path, lambda n: {"text": f"I{sign}am <laughing>"}, "web pages")
    assert len(found) == 1
    assert found[0].startswith(f"text has {sign!r} in it or the like in 20 rows, first")


def test_what_spreadsheets_make_of_texts_and_long_numbers_is_noticed(tmp_path):
    found = notices(tmp_path, lambda n: {"text": "#NAME?"} if n == 4 else {}, "text is '#NAME?'")
    assert len(found) == 1
    rounded = "a spreadsheet rounded"
    found = notices(
        tmp_path, lambda n: {"dialogue": f"2.{n // 4}E+11", "utterance": str(n)}, rounded
    )
    assert len(found) == 1
    assert found[0].startswith("dialogue is '2.0E+11' in 20 rows, first ")
    assert not notices(tmp_path, lambda n: {"dialogue": f"E{n // 2}"}, rounded)


def test_labels_that_are_likely_slips_or_scores_are_noticed(tmp_path):
    slips = ["crosss", "calm", *["cross"] * 18]
    found = notices(tmp_path, lambda n: {"label": slips[n]}, "nearly spelt")
    assert found[0].endswith("if they are the same, write corpus.labels: {crosss: cross}")
    found = notices(tmp_path, lambda n: {"label": str(n % 4 / 4)}, "corpus.score_edges cuts")
    assert found[0].startswith("labels '0.25', '0.5', '0.75' have decimals")


@pytest.mark.parametrize(("labels", "named"), [("ab2", "2"), ("123x", "x"), ("12", None)])
def test_names_beside_numbers_are_noticed(tmp_path, labels, named):
    found = notices(tmp_path, lambda n: {"label": labels[n % len(labels)]}, "stand among")
    assert [line.split("'")[1] for line in found] == ([named] if named else [])


def test_control_codes_for_quotes_are_mended_and_noted(tmp_path):
    utterances = read(tmp_path, lambda n: {"text": "I don\x92t"}).utterances
    assert set(utterances["text"]) == {"I don’t"}
    assert set(utterances["note"]) == {"control codes in the text read as cp1252"}


def test_names_that_end_in_numbers_have_an_order(tmp_path):
    def disorder(names):
        return notices(tmp_path, lambda n: {"utterance": names[n % 2]}, "not in the order of")

    assert "rows of 10 dialogues are not in the order of the numbers" in disorder(["u10", "u9"])[0]
    assert disorder(["10.0", "9.0"])
    assert not disorder(["u9", "u10"])
    assert not disorder(["F2", "M1"])


def test_what_cannot_be_seen_is_empty(tmp_path):
    labels = read(tmp_path, lambda n: {"label": "\u200b"} if n % 4 == 1 else {}).labels["label"]
    assert labels.isna().sum() == 5
    with pytest.raises(InputError, match="column speaker: is empty"):
        read(tmp_path, lambda n: {"speaker": "\u200b\u00a0"})
