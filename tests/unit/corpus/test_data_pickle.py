"""Pickles of data load as they are; every other pickle is refused, by name, and harms nothing."""

import collections
import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest

from cberl.corpus.readers import data_pickle
from cberl.corpus.readers.data_pickle import load_data_pickle
from cberl.corpus.readers.pickled_names import as_text
from cberl.errors import InputError

DATA = {
    "scalars": [None, True, False, 0, -1, 2**31, -(2**80), 1.5, float("inf"), 2j, "é☃", b"\xff\0"],
    "containers": ((), (1,), (1, 2, 3, 4), [[]], {"a": {1: (2,)}}, {1, "b"}, frozenset([3.5])),
    "vectors": [np.arange(3.0), np.ones((2, 3), np.float32, order="F"), np.zeros((0, 4))],
    "arrays": [np.array(["x", "yy"]), np.array([b"z"]), np.array(5, ">i4"), np.array([True])],
    "numbers": [np.float32(1.5), np.int64(-7), np.str_("n"), np.bool_(True), np.complex64(1j)],
    "objects": np.array([["a", None], [1, np.arange(2)]], dtype=object),
    (1, "key"): "shared",
}


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Plain:
    """An instance of a class of one's own."""


def same(first, second):
    if isinstance(first, np.ndarray):
        return (
            first.dtype.newbyteorder("=") == second.dtype.newbyteorder("=")
            and first.shape == second.shape
            and all(map(same, first.ravel().tolist(), second.ravel().tolist()))
        )
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return type(first) is type(second) and all(map(same, first, second))
    return first == second and type(first) is type(second)


@pytest.mark.parametrize("protocol", range(6))
def test_data_load_as_they_are(protocol):
    assert same(load_data_pickle(pickle.dumps(DATA, protocol), "x"), DATA)


@pytest.mark.parametrize("protocol", range(6))
def test_what_an_older_numpy_wrote_loads(protocol):
    content = pickle.dumps([np.arange(3.0), np.float32(2)], protocol)
    # As long as the new name, or a framed pickle's lengths would no longer fit.
    old = content.replace(b"numpy._core.", b"numpy.core.")
    if protocol >= 4:
        for length in (22, 19):
            old = old.replace(
                b"\x8c" + bytes([length]) + b"numpy.core.",
                b"\x8c" + bytes([length - 1]) + b"numpy.core.",
            )
    loaded = load_data_pickle(old, "x")
    assert b"numpy.core." in old
    assert loaded[0].tolist() == [0, 1, 2]
    assert loaded[1] == 2


PYTHON_2 = (
    b"\x80\x02}q\x00U\x05Ses01q\x01]q\x02(U\x06caf\xc3\xa9.q\x03U\x02\x93Aq\x04"
    b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07"
    b"(K\x01K\x02\x85cnumpy\ndtype\nq\x08U\x02f4K\x00K\x01\x87Rq\x09"
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08"
    + struct.pack("<ff", 1.5, -2)
    + b"tbc__builtin__\nset\nq\x0a]q\x0bK\x05a\x85Rq\x0ces."
)


def test_python_2_loads_and_its_byte_strings_are_decoded():
    ((key, values),) = load_data_pickle(PYTHON_2, "x").items()
    assert as_text(key) == "Ses01"
    assert [as_text(text) for text in values[:2]] == ["café.", "“A"]
    assert values[2].tolist() == [1.5, -2]
    assert values[3] == {5}


def test_this_test_pickle_of_python_2_is_a_real_one():
    loaded = pickle.loads(PYTHON_2, encoding="latin1")
    assert loaded["Ses01"][2].tolist() == [1.5, -2]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("hostile", "name"),
    [
        (Calls(os.system, "echo harm > harm.txt"), "posix.system"),
        (Calls(eval, "1 + 1"), "builtins.eval"),
        (Calls(getattr, "", "join"), "getattr"),
        (Calls(open, "harm.txt", "w"), "open"),
        (Calls(np.load, "x.npy"), "numpy.load"),
        (Calls(np.ndarray, (10**12,)), "numpy.ndarray"),
        (Calls(bytearray, 10**12), "encodes what is no"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (collections.defaultdict(list), "collections.defaultdict"),
        (Plain(), "Plain|copy_reg._reconstructor"),
        (Plain, "Plain"),
        (len, "len"),
        (np.dtype([("a", "f4")]), "NumPy type"),
        (np.datetime64("2020-01-01"), "NumPy type"),
        (np.random.default_rng(0), "numpy.random"),
        (range(3), "range"),
        (slice(1), "slice"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_data_is_refused_by_name(tmp_path, monkeypatch, protocol, hostile, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=name) as caught:
        load_data_pickle(pickle.dumps({"a": [hostile]}, protocol), "mine.pkl")
    assert str(caught.value).startswith("mine.pkl: ")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"(S'echo harm'\nios\nsystem\n.",
        b"(cos\nsystem\nS'echo harm'\no.",
        b"cos\nsystem\n)\x81.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"cos\nsystem\n.",
    ],
)
def test_every_way_to_a_name_is_closed(content):
    assert any(
        code.name in ("INST", "OBJ", "NEWOBJ", "STACK_GLOBAL", "GLOBAL")
        for code, _, _ in pickletools.genops(content)
    )
    with pytest.raises(InputError, match=r"asks for 'os\.system'"):
        load_data_pickle(content, "x")


@pytest.mark.parametrize(
    "content",
    [
        b"\x82\x01.",  # an extension by number
        b"Pid\n.",  # a persistent id
        b"Nq\x00N\x97.",  # a buffer out of band
        b"cnumpy\nndarray\n(K\x01tR.",  # an admitted name, but called
        b"cnumpy\nndarray\n)\x81.",
        b"]}b.",  # the state of a list
        b"NNR.",
        b"}]Ns.",  # a list as a key
        b"}cnumpy\nndarray\nNs.",
    ],
)
def test_what_data_never_need_is_refused(content):
    with pytest.raises(InputError):
        load_data_pickle(content, "x")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"N",
        b"0.",
        b"(.",
        b"t.",
        b"Na.",
        b"h\x05.",
        b"K",
        b"\x80\x09N.",
        b"I1",
        b"Fno\n.",
        b"S'open\n.",
        b"X\xff\xff\xff\xffabc.",
        b"X\x01\x00\x00\x00\xff.",
        b"\x8e" + b"\xff" * 8 + b".",
        b"T\xff\xff\xff\xff.",
        b"\x8b\xff\xff\xff\x7f.",
        b"(NNNu.",
        b"}(NNNu.",
        b"\xfe.",
        b"I" + b"9" * 100_000 + b"\n.",
    ],
)
def test_broken_pickles_are_refused(content):
    with pytest.raises(InputError, match=r"^broken\.pkl: "):
        load_data_pickle(content, "broken.pkl")


def test_truncated_pickles_are_refused():
    content = pickle.dumps(DATA, 4)
    for end in range(0, len(content), 7):
        with pytest.raises(InputError):
            load_data_pickle(content[:end], "x")


def test_flipped_bits_end_in_data_or_in_an_input_error():
    content = pickle.dumps([DATA["vectors"], DATA["scalars"], DATA["containers"]], 2)
    random = np.random.default_rng(0)
    for _ in range(2000):
        broken = bytearray(content)
        for position in random.integers(len(content), size=3):
            broken[position] ^= 1 << random.integers(8)
        try:
            load_data_pickle(bytes(broken), "x")
        except InputError:
            continue


def test_depth_neither_recurses_nor_overflows():
    depth = 200_000
    nested = load_data_pickle(b"]" * depth + b"a" * (depth - 1) + b".", "x")
    assert isinstance(nested[0][0], list)
    del nested
    # Hashing a tuple recurses in C without a limit: as a key it must not get that far.
    with pytest.raises(InputError, match="has a tuple as a key"):
        load_data_pickle(b"})" + b"\x85" * depth + b"Ns.", "x")


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(data_pickle, "MOST_OBJECTS", 1000)
    for content in (b"]" * 2000, b"N" + b"\x94" * 2000, b"(" * 2000, b"\x8f" * 2000):
        with pytest.raises(InputError, match="builds more than 1000 objects"):
            load_data_pickle(content, "x")


@pytest.mark.parametrize("index", [b"r\xff\xff\xff\xff", b"p999999999999\n"])
def test_a_huge_memo_index_takes_no_memory(index):
    assert load_data_pickle(b"K\x07" + index + b".", "x") == 7


def array_pickle(shape, code=b"f8", values=b"\0" * 8):
    stream = io.BytesIO()
    pickler = pickle._Pickler(stream, 2)
    pickler.save(shape)
    saved = stream.getvalue()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01"
        + saved
        + b"cnumpy\ndtype\n(U"
        + bytes([len(code)])
        + code
        + b"K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(values)])
        + values
        + b"tb."
    )


def test_an_array_must_be_as_large_as_its_values():
    assert load_data_pickle(array_pickle((1,)), "x").tolist() == [0]
    for shape in ((2,), (10**12,), (2**62, 4), (-1,), (-8, -1), ("1",), (True,), (1,) * 9, None):
        with pytest.raises(InputError, match="array"):
            load_data_pickle(array_pickle(shape), "x")


@pytest.mark.parametrize(
    "code", [b"V8", b"M8", b"O", b"S0", b"f8,f8", b"(2)f4", b"{}", b"S99999999"]
)
def test_odd_types_of_arrays_are_refused(code):
    with pytest.raises(InputError):
        load_data_pickle(array_pickle((1,), code), "x")
