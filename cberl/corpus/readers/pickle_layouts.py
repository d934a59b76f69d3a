"""The tuples in which this field passes features around, recognised by what is in them.

A file's name and its number of fields do not settle which field is which: the same nine fields
stand for different things in different files. Each order in use is therefore tried, and one is
taken only if every field holds what it should.
"""

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cberl.corpus.readers.pickled_names import as_text
from cberl.errors import InputError

ROBERTA_LAYERS = ("roberta1", "roberta2", "roberta3", "roberta4")

UNUSED = "unused"

LAYOUTS: tuple[tuple[str, ...], ...] = (
    # IEMOCAP_features.pkl, IEMOCAP_features_raw.pkl, iemocap_multimodal_features.pkl
    ("ids", "speakers", "labels", "text", "audio", "video", "sentences", "train", "test"),
    # MELD_features_raw.pkl: no video, sentiment last
    ("ids", "speakers", "labels", "text", "audio", "sentences", "train", "test", "sentiment"),
    # MELD_features_raw1.pkl, meld_multimodal_features.pkl
    (
        *("ids", "speakers", "labels", "text", "audio", "video"),
        *("sentences", "train", "test", "sentiment"),
    ),
    # iemocap_features_roberta.pkl: text alone, by layer
    ("speakers", "labels", *ROBERTA_LAYERS, "sentences", "train", "test", "dev"),
    # meld_features_roberta.pkl
    ("speakers", "labels", "sentiment", *ROBERTA_LAYERS, "sentences", "train", "test", "dev"),
    # iemocap.pkl, emorynlp.pkl: text without features
    ("speakers", "labels", "sentences", "train", "test", "dev"),
    # meld.pkl: the same with sentiment
    ("speakers", "labels", "sentiment", "sentences", "train", "test", "dev"),
    # meld_multi_features.pkl of another source: sentiment early, a last field that nothing reads
    (
        *("ids", "speakers", "labels", "sentiment", *ROBERTA_LAYERS, "audio", "video"),
        *("sentences", "train", "test", UNUSED),
    ),
    # iemocap_multi_features.pkl: text by layer beside audio and video
    (
        *("ids", "speakers", "labels", *ROBERTA_LAYERS, "audio", "video"),
        *("sentences", "train", "test"),
    ),
    # meld_multi_features.pkl
    (
        *("ids", "speakers", "labels", *ROBERTA_LAYERS, "audio", "video"),
        *("sentences", "train", "test", "sentiment"),
    ),
    # the same cut down to text and audio
    ("ids", "speakers", "labels", *ROBERTA_LAYERS, "audio", "sentences", "train", "test"),
    ("ids", "speakers", "labels", *ROBERTA_LAYERS, "audio", "train", "test"),
)
"""Orders of the fields; each is a dict by dialogue, or (train, dev, test) dialogues' names."""


def recognise_layout(fields: Any, source: str) -> dict[str, Any]:
    """Name the fields of a published tuple.

    Returns:
        field's name -> its content; dialogues' names are text.

    Raises:
        InputError: no known order fits; the message names the field that did not, in the order
            that came nearest.
    """
    if not isinstance(fields, tuple | list):
        raise InputError(
            f"{source}: holds a {type(fields).__name__}; expected a tuple of fields, or "
            "a dict of train, valid and test"
        )
    fields = [_with_text_keys(field) for field in fields]
    known = [layout for layout in LAYOUTS if len(layout) == len(fields)]
    if not known:
        counts = sorted({len(layout) for layout in LAYOUTS})
        raise InputError(
            f"{source}: holds {len(fields)} fields; expected {', '.join(map(str, counts))}"
        )
    mistakes = {layout: _mistakes(layout, fields) for layout in known}
    layout = min(known, key=lambda candidate: len(mistakes[candidate]))
    if mistakes[layout]:
        raise InputError(f"{source}: {mistakes[layout][0]}")
    return dict(zip(layout, fields, strict=True))


def _with_text_keys(field: Any) -> Any:
    if isinstance(field, dict):
        return {str(as_text(name)): rows for name, rows in field.items()}
    if isinstance(field, list | set | frozenset | tuple | np.ndarray):
        return [as_text(name) for name in field]
    return field


def _mistakes(layout: Sequence[str], fields: Sequence[Any]) -> list[str]:
    speakers = fields[layout.index("speakers")]
    lengths = (
        {name: len(rows) for name, rows in speakers.items() if _is_sequence(rows)}
        if isinstance(speakers, dict)
        else {}
    )
    found = []
    for number, (name, field) in enumerate(zip(layout, fields, strict=True), start=1):
        mistake = _mistake(name, field, lengths)
        if mistake:
            found.append(f"field {number} ({name}): {mistake}")
    return found


def _mistake(name: str, field: Any, lengths: Mapping[str, int]) -> str | None:
    """Why a field does not have the content of its name; None if it has."""
    if name == UNUSED:
        return None
    if name in ("train", "dev", "test"):
        if not isinstance(field, list) or not all(
            isinstance(key, str | numbers.Integral) for key in field
        ):
            return f"is a {type(field).__name__}; expected names of dialogues"
        unknown = [key for key in field if str(key) not in lengths]
        return f"names dialogue {unknown[0]!r}, which has no speakers" if unknown else None
    if not isinstance(field, dict):
        return f"is a {type(field).__name__}; expected a dict by dialogue"
    fits, expected = _ITEMS[name]
    for dialogue, length in lengths.items():
        rows = field.get(dialogue)
        if not _is_sequence(rows) or len(rows) != length:
            return f"dialogue {dialogue}: expected {length} items, one per utterance"
        if not all(map(fits, rows)):
            return f"dialogue {dialogue}: expected {expected}"
    return None


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _is_name(value: Any) -> bool:
    return isinstance(value, str | bytes | numbers.Integral)


def _is_vector(value: Any) -> bool:
    """One dimension of numbers; nested lists could hide endless ones and are none."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype.kind in "biuf"
    return isinstance(value, list | tuple) and all(
        isinstance(part, numbers.Real) for part in value[:1]
    )


_ITEMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ids": (_is_name, "names of utterances"),
    "speakers": (lambda value: _is_name(value) or _is_vector(value), "speakers"),
    "labels": (lambda value: isinstance(value, numbers.Integral | str | bytes), "labels"),
    "sentiment": (lambda value: _is_name(value) or _is_vector(value), "sentiments"),
    "sentences": (lambda value: isinstance(value, str | bytes), "sentences"),
} | dict.fromkeys(
    ("text", "audio", "video", *ROBERTA_LAYERS), (_is_vector, "a vector per utterance")
)
