"""Text in other encodings: read where it is said, refused with a place and a hint where not."""

from dataclasses import replace

import pytest
from made_corpora import SETTINGS, table_rows

from cberl.corpus.readers.read_corpus import read_corpus
from cberl.errors import InputError

TEXTS = {
    "gbk": "今天天气真好，我们去公园散步吧",
    "big5": "今天天氣真好，我們去公園散步吧",
    "euc_kr": "안녕하세요 정말 화가 났어요",
    "cp1251": "Привет, как дела? Я очень зол",
    "cp1253": "Γεια σου, τι κάνεις; Είμαι πολύ θυμωμένος",
    "shift_jis": "今日は天気がいいですね。怒っています",
    "koi8_r": "Сегодня очень хорошая погода",
    "cp1252": "Café très bien, où êtes-vous naïve",
}
LIKELY = {"gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932"}
"""Wider encodings that have the same bytes."""


def write(root, text, encoding, mark=b""):
    header = "dialogue\tutterance\tspeaker\ttext\tlabel\n"
    rows = [
        f"{row['dialogue']}\t{row['utterance']}\tA\t{text}\t{row['label']}\n"
        for row in table_rows()
    ]
    (root / "utterances.tsv").write_bytes(mark + (header + "".join(rows)).encode(encoding))


def texts(root, **settings):
    return set(read_corpus(replace(SETTINGS["table"], **settings), root).utterances["text"])


@pytest.mark.parametrize("encoding", TEXTS)
def test_other_encodings_are_refused_with_place_and_likely_names(tmp_path, encoding):
    write(tmp_path, TEXTS[encoding], encoding)
    with pytest.raises(InputError) as raised:
        texts(tmp_path)
    message = str(raised.value)
    assert "utterances.tsv: line 2, byte " in message
    assert "not UTF-8; a detector considers " in message
    assert LIKELY.get(encoding, encoding) in message
    assert "corpus.encoding" in message


@pytest.mark.parametrize("encoding", TEXTS)
def test_other_encodings_are_read_where_the_configuration_says_so(tmp_path, encoding):
    write(tmp_path, TEXTS[encoding], encoding)
    assert texts(tmp_path, encoding=encoding) == {TEXTS[encoding]}


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32", b""),
    ],
)
def test_unicode_is_read_with_or_by_its_mark(tmp_path, encoding, mark):
    write(tmp_path, "Schön, 你好", encoding, mark)
    assert texts(tmp_path) == {"Schön, 你好"}


def test_a_mark_is_dropped_in_a_named_encoding_too(tmp_path):
    write(tmp_path, "Schön", "utf-8-sig")
    assert texts(tmp_path, encoding="utf-8") == {"Schön"}


def test_the_byte_is_the_first_that_does_not_fit(tmp_path):
    write(tmp_path, "plain", "ascii")
    path = tmp_path / "utterances.tsv"
    content = path.read_bytes()
    place = content.index(b"plain", content.index(b"\n", 60))
    path.write_bytes(content[:place] + b"\xe9" + content[place:])
    line = content[:place].count(b"\n") + 1
    with pytest.raises(InputError, match=rf"line {line}, byte {place + 1} of the file \(0xE9\)"):
        texts(tmp_path)


def test_a_wrong_name_is_told(tmp_path):
    write(tmp_path, TEXTS["gbk"], "gbk")
    with pytest.raises(InputError, match=r"line 2, byte \d+ .*: not ascii, which corpus\.encoding"):
        texts(tmp_path, encoding="ascii")
    for name in ("gkb", "rot13", "hex"):
        with pytest.raises(InputError, match=rf"corpus\.encoding is '{name}'; expected auto or an"):
            texts(tmp_path, encoding=name)


@pytest.mark.parametrize("sign", ["\x0b", "\x01", "\x1f", "\x7f", "\x0c"])
def test_a_control_character_in_text_is_read_as_a_blank_and_noted(tmp_path, sign):
    write(tmp_path, f"one{sign}two", "utf-8")
    utterances = read_corpus(SETTINGS["table"], tmp_path).utterances
    assert set(utterances["text"]) == {"one two"}
    assert set(utterances["note"]) == {"control characters in the text read as blanks"}


def test_a_control_character_in_a_name_is_refused(tmp_path):
    write(tmp_path, "plain", "utf-8")
    path = tmp_path / "utterances.tsv"
    path.write_bytes(path.read_bytes().replace(b"calm", b"ca\x01lm", 1))
    with pytest.raises(InputError, match=r"column label: is 'ca\\x01lm'; expected no control"):
        texts(tmp_path)


def test_a_zero_byte_is_told_by_line(tmp_path):
    write(tmp_path, "pla\0in", "utf-8")
    with pytest.raises(InputError, match=r"line 2: holds a zero byte"):
        texts(tmp_path)


def test_of_a_curly_quote_alone_the_common_encoding_comes_first(tmp_path):
    write(tmp_path, "It\u2019s fine", "cp1252")
    with pytest.raises(InputError, match="a detector considers cp1252 or "):
        texts(tmp_path)
