"""Labels as a corpus writes them, and the classes that they are."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cberl.corpus.alike import DIFFERENCES, as_number, fold_name
from cberl.corpus.natural_order import natural_key
from cberl.corpus.readers.column_names import as_yaml
from cberl.errors import InputError

NO_LABEL_WORDS = frozenset(
    {
        *("nan", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "null", "none", "nil", "nat"),
        *("missing", "unlabeled", "unlabelled", "nolabel", "-", "--", "?", "."),
        *("#name?", "#value!", "#ref!", "#div/0!"),  # a spreadsheet's, of formulas that fail
    }
)
"""Common ways of writing "no label"; in lower case, without blanks."""

_AROUND = "\"'.,:; "

MOST_NAMES = 20
"""Different labels that may each stand in few rows; more are hardly classes."""

TIMES_RARER, MOST_ALIKE = 10, 0.85
"""How much rarer than a label that it resembles one is if it is misspelt, and how alike the two are
by `difflib`: happy and unhappy are 0.83."""

MOST_SCORES = 10
"""Different numbers with decimals that may still be classes; more are scores."""


def rename_labels(
    labels: pd.Series, classes: Sequence[str], mapping: Mapping[str, str | None]
) -> tuple[pd.Series, list[str]]:
    """Rename labels and classes by the configuration.

    Args:
        labels: labels of the corpus; null where there is none.
        classes: the classes as they are listed; empty if they are those that occur.
        mapping: section ``corpus.labels``: label -> class, or None for context.

    Returns:
        labels and classes by their new names, each class once.

    Raises:
        InputError: the mapping names a label that the corpus has not.
    """
    occurring = [*dict.fromkeys([*labels.dropna(), *classes])]
    for label in mapping:
        if label not in occurring:
            close = difflib.get_close_matches(label, occurring, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(
                f"corpus.labels: no row has the label {label!r}{hint}; found "
                f"{', '.join(sorted(occurring))}"
            )
    renamed = labels.map(lambda label: mapping.get(label, label), na_action="ignore")
    named = [mapping.get(name, name) for name in classes]
    return renamed.astype(object).where(renamed.notna(), None), [
        name for name in dict.fromkeys(named) if name is not None
    ]


def check_labels(
    labels: pd.Series, classes: Sequence[str], mapping: Mapping[str, str | None], source: str
) -> None:
    """Refuse labels that are likely not meant as they are written.

    Args:
        labels: labels after `rename_labels`; null where there is none.
        classes: the classes as they are listed; empty if they are those that occur.
        mapping: section ``corpus.labels``; what it names is meant as it stands.
        source: the file, for messages.

    Raises:
        InputError: with the mapping to write, where labels differ only in signs around them or as
            `fold_name` ignores it, or look like a missing label; where they are scores, or texts.
    """
    meant = {*mapping, *mapping.values()}
    counts = Counter(labels.dropna())
    empty = [name for name in counts if _reads_like_none(name, counts) and name not in meant]
    empty = [name for name in empty if name not in classes]
    if empty:
        raise InputError(
            f"{source}: label {', '.join(map(repr, empty))} looks like a missing label; write "
            f"corpus.labels: {as_yaml(dict.fromkeys(empty))} to make these "
            f"{sum(counts[name] for name in empty)} utterances context, or "
            f"{as_yaml({name: name for name in empty})} to keep a class of that name"
        )
    merged = _spellings(counts, classes, mapping)
    if merged:
        names = ", ".join(map(repr, sorted({*merged, *merged.values()})))
        raise InputError(
            f"{source}: labels {names} differ only in {DIFFERENCES}, or in signs around them; "
            f"write corpus.labels: {as_yaml(merged)} (or each as itself to keep them apart)"
        )
    numbers = [as_number(name) for name in counts]
    labelled = sum(counts.values())
    if len(counts) > MOST_NAMES and len(counts) > labelled / 2 and not classes:
        raise InputError(
            f"{source}: {len(counts)} different labels in {labelled} rows, such as "
            f"{next(iter(counts))!r}: hardly classes; expected few labels, each in many rows"
        )
    decimals = None not in numbers and any(not number.is_integer() for number in numbers)
    if decimals and len(numbers) > MOST_SCORES and not classes:
        raise InputError(
            f"{source}: {len(numbers)} different labels, all numbers with decimals: scores, not "
            "classes; expected edges to cut them at and names of the parts, as in "
            "corpus.score_edges: [-0.5, 0.5], classes: [negative, neutral, positive]"
        )


def name_numbered_labels(rows: pd.DataFrame, classes: Sequence[str]) -> pd.Series:
    """Turn numbers of classes into their names; -1 is none.

    Args:
        rows: columns ``label`` and ``where``.
        classes: names in the order of the numbers.

    Returns:
        the labels; unchanged where they are names.

    Raises:
        InputError: numbers without names, or beyond them; from -1 on, as many as the names.
    """
    labels = rows["label"]
    if labels.isna().all():
        return labels
    if not labels.dropna().map(lambda label: re.fullmatch(r"-?\d+", label) is not None).all():
        return labels
    if not classes:
        raise InputError(
            f"{rows['where'].iloc[0]}: labels are numbers; expected their names in corpus.classes"
        )
    names = {str(number): name for number, name in enumerate(classes)} | {"-1": None}
    numbers = sorted({int(label) for label in labels.dropna()})
    if numbers == list(range(-1, len(classes) - 1)):
        raise InputError(
            f"{rows['where'].iloc[0]}: labels are numbers from -1 to {numbers[-1]}, as many as "
            f"there are names in corpus.classes, but -1 is read as no label; if it is a class, cut "
            f"them as scores: corpus.score_edges: {[number - 0.5 for number in numbers[1:]]}; "
            f"else list the {len(classes) - 1} classes alone"
        )
    unknown = labels.notna() & ~labels.isin(list(names))
    if unknown.any():
        row = rows[unknown].iloc[0]
        raise InputError(
            f"{row['where']}: label {row['label']}; expected 0 to {len(classes) - 1}, as there "
            f"are {len(classes)} classes"
        )
    return labels.map(names)


def cut_scores(
    labels: pd.Series, edges: Sequence[float], classes: Sequence[str], source: str
) -> pd.Series:
    """Turn scores into classes.

    Args:
        labels: as text; null where there is none.
        edges: where to cut, ascending: a score from one edge on, below the next, is of one class;
            empty to cut nowhere.
        classes: from the lowest scores to the highest.
        source: the file, for messages.

    Returns:
        names of classes; the labels as they are if there are no edges.

    Raises:
        InputError: edges that do not fit the classes, labels that are no scores.
    """
    if not edges:
        return labels
    if list(edges) != sorted(set(edges)) or len(classes) != len(edges) + 1:
        raise InputError(
            f"corpus.score_edges: {len(edges)} edges and {len(classes)} corpus.classes; expected "
            "ascending edges, and one class more than edges, from the lowest scores to the highest"
        )
    scores = pd.to_numeric(labels, errors="coerce")
    unread = labels.notna() & scores.isna()
    if unread.any():
        raise InputError(f"{source}: label {labels[unread].iloc[0]!r} is no score to cut")
    names = np.array(classes, dtype=object)[np.digitize(scores.fillna(0), edges)]
    return pd.Series(names, labels.index, dtype=object).where(labels.notna(), None)


def likely_mapping(counts: Mapping[str, int]) -> dict[str, str | None]:
    """The section ``corpus.labels`` that spellings suggest; empty if none.

    Args:
        counts: label -> how often it occurs.
    """
    empty = [name for name in counts if _is_word_for_none(name)]  # -1 may be a class: see the check
    merged = _spellings({name: counts[name] for name in counts if name not in empty}, (), {})
    return {**dict.fromkeys(empty), **merged}


def joined_labels(labels: pd.Series) -> list[str]:
    """Labels that look like lists: in brackets, or joined by a sign and sharing a part."""
    names = set(labels.dropna())
    parts = {name: {part.strip() for part in re.split(r"[;|,/+&:]", name)} for name in names}
    uses = Counter(part for name in names for part in parts[name])
    return sorted(
        name
        for name in names
        if re.fullmatch(r"\[.*\]", name)
        or (len(parts[name]) > 1 and any(uses[part] > 1 for part in parts[name]))
    )


def misspelt_labels(labels: pd.Series) -> dict[str, str]:
    """Rare labels that are likely slips of the pen -> the label that is meant."""
    counts = Counter(name for name in labels.dropna() if re.fullmatch(r"[^\W\d_]{5,}", name))
    meant = {}
    for name, count in counts.items():
        likely = [
            other
            for other in counts
            if other[0] == name[0] and counts[other] >= TIMES_RARER * count
        ]
        for other in difflib.get_close_matches(name, likely, n=1, cutoff=MOST_ALIKE):
            meant[name] = other
    return meant


def class_order(labels: pd.Series) -> list[str]:
    """The labels that occur, numbers in them in numeric order, else by character."""
    return sorted(labels.dropna().unique(), key=_label_key)


def _label_key(label: str) -> tuple:
    number = as_number(label)
    return (1, natural_key(label), label) if number is None else (0, number, label)


def _is_word_for_none(label: str) -> bool:
    return re.sub(r"\s", "", label).lower() in NO_LABEL_WORDS


def _reads_like_none(label: str, counts: Mapping[str, int]) -> bool:
    if _is_word_for_none(label):
        return True
    # The field writes -1 beside numbers or names of classes.
    others = [as_number(name) for name in counts if name != label]
    return as_number(label) == -1 and bool(others) and all(n is None or n >= 0 for n in others)


def _spellings(
    counts: Mapping[str, int], classes: Sequence[str], mapping: Mapping[str, str | None]
) -> dict[str, str]:
    """Other spellings of labels -> the one to take: a listed class, else the commonest."""
    groups: dict[str, list[str]] = {}
    for name in [*classes, *(name for name in counts if name not in classes)]:
        groups.setdefault(_folded(name), []).append(name)
    merged = {}
    for names in groups.values():
        listed = [name for name in names if name in classes]
        # Among equally common ones, one without signs around it, then in small letters, which sort
        # last.
        ranks = {name: (counts[name], name == name.strip(_AROUND), name) for name in names}
        best = listed[0] if listed else max(names, key=lambda name: ranks[name])
        kept_apart = {*listed, *(name for name in names if mapping.get(name) == name)}
        merged |= {name: best for name in names if name != best and name not in kept_apart}
    return merged


def _folded(label: str) -> str:
    """What is left of a label without case, blanks, signs that stand for blanks, and quotes or
    full stops around it."""
    if as_number(label) is not None:
        return fold_name(label)
    return re.sub(r"[\s_-]+", "", fold_name(label).strip(_AROUND)) or label
