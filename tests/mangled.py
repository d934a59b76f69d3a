"""Hypothesis's strategies for files that are almost right, and what readers may do with them."""

from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cberl.errors import InputError

# The same examples in every run, and none that takes long: a hang is a failure.
FUZZ = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=20_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SLOW_FUZZ = settings(FUZZ, max_examples=12)
LONGEST_MESSAGE = 1000


@contextmanager
def only_documented_errors():
    """Let a reader refuse what it reads in one line, and do nothing else."""
    message = "one line"
    try:
        yield
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    assert 0 < len(message) < LONGEST_MESSAGE


@st.composite
def mangled(draw, whole: bytes) -> bytes:
    """Bytes of a file with one to four places cut, overwritten, repeated or put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        new = draw(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from([b"", b"\0", b"\n", b'"', b"\t,", b"\xff\xfe", b"9" * 400]),
                st.just(bytes(content[start:end]) * 3),
            )
        )
        content[start:end] = new
    return bytes(content)


def files_like(whole: bytes) -> st.SearchStrategy[bytes]:
    """Files like one that is whole, beside a few of which nothing is left."""
    return st.one_of(mangled(whole), st.binary(max_size=200))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.dates(),
        st.binary(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=8), st.integers()), inner, max_size=3),
    ),
    max_leaves=6,
)
"""What YAML can hold."""


@st.composite
def changed_settings(draw, whole: dict) -> dict:
    """A configuration with one key, at any depth, that holds something else or is new."""
    changed = dict(whole)
    inner = changed
    while True:
        key = draw(st.one_of(st.sampled_from(sorted(inner)), st.text(max_size=8)))
        if isinstance(inner.get(key), dict) and inner[key] and draw(st.booleans()):
            inner[key] = dict(inner[key])
            inner = inner[key]
            continue
        inner[key] = draw(VALUES)
        return changed
