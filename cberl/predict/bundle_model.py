"""A bundle as a Python object: opened once, for any number of predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus.readers.bounds import check_cell
from cberl.corpus.readers.column_files import ColumnFile, cell_text
from cberl.corpus.readers.column_names import map_columns
from cberl.corpus.readers.table import OPTIONAL, REQUIRED
from cberl.corpus.readers.text_files import AUTO
from cberl.errors import InputError
from cberl.predict.bundle.load import Models, open_bundle
from cberl.predict.new_conversations import READ, TableForm, from_columns, read_table_file
from cberl.predict.predictor import predict_conversations

IN_MEMORY = Path("table")


class Bundle:
    """A trained variant; made by `load_bundle`.

    Attributes:
        classes: names of the classes, in the order of their numbers.
        modalities: those that the models read.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self.classes = list(models.manifest.classes)
        self.modalities = list(models.manifest.modalities)

    def predict(
        self,
        table: pd.DataFrame | str | Path,
        root: str | Path = ".",
        columns: Mapping[str, str | None] | None = None,
        encoding: str = AUTO,
    ) -> pd.DataFrame:
        """Predict every turn of some conversations.

        Args:
            table: columns ``dialogue``, ``utterance``, ``speaker`` and, as far as there are,
                ``text``, ``media``, ``start`` and ``end`` (seconds), ``audio``; rows of a dialogue
                in the order of speaking. Or a file with these columns.
            root: folder that media paths of a frame start from; those of a file start beside it.
            columns: column of the table -> its name above, or None to leave it out.
            encoding: of a text file; auto takes UTF-8.

        Returns:
            the columns of table TURNS in docs/output.md, and in place of the vector of
            probabilities a column ``p_{class}`` for each class, float32; conversation after
            conversation.

        Raises:
            InputError: naming row and column that cannot be used, and what was expected.
        """
        if not isinstance(table, pd.DataFrame | str | Path):
            raise InputError(
                f"table is a {type(table).__name__}; expected a frame, or the name of a file"
            )
        form = TableForm(columns or {}, encoding, place="")
        if isinstance(table, pd.DataFrame):
            new = from_columns(_columns_of(table, form), Path(root).absolute())
        else:
            new = read_table_file(Path(table), form)
        prediction = predict_conversations(self._models, new)
        chances = {
            f"p_{name}": prediction.probabilities[:, number]
            for number, name in enumerate(prediction.classes)
        }
        return prediction.turns.assign(**chances)


def load_bundle(folder: str | Path, device: str = "cpu") -> Bundle:
    """Open a bundle: digests and versions are checked, networks are loaded.

    Args:
        folder: ``results/{corpus}/bundle/{variant}`` of a run, or a copy of it.
        device: cpu, cuda or auto; of the encoders.

    Raises:
        InputError: one line on what does not fit.
    """
    return Bundle(open_bundle(folder, device))


def _columns_of(table: pd.DataFrame, form: TableForm) -> ColumnFile:
    found, known = list(map(str, table.columns)), (*REQUIRED, *OPTIONAL)
    twice = table.columns[table.columns.astype(str).duplicated()]
    if len(twice):
        raise InputError(f"{IN_MEMORY}: column {str(twice[0])!r} appears twice; expected it once")
    columns = map_columns(IN_MEMORY, found, known, form.columns, READ, form.place)
    for name in REQUIRED:
        if name not in columns:
            raise InputError(f"{IN_MEMORY}: has no column {name}; found {', '.join(found)}")
    if table.empty:
        raise InputError(f"{IN_MEMORY}: has no rows; expected at least one")
    places = [f"row {number}" for number in np.arange(1, len(table) + 1)]
    plain = table.set_axis(found, axis=1).astype(object)
    plain = plain.where(plain.notna(), None)
    cells = {
        name: [
            _cell_of(value, place, theirs)
            for value, place in zip(plain[theirs], places, strict=True)
        ]
        for name, theirs in columns.items()
    }
    read = {*columns.values(), *form.columns}
    return ColumnFile(IN_MEMORY, places, cells, {}, [name for name in found if name not in read])


def _cell_of(value: Any, place: str, column: str) -> str | None:
    """A cell as text, as of a file; also numbers of NumPy's among other objects, and paths."""
    if isinstance(value, np.generic):
        value = value.item()
    text = cell_text(str(value) if isinstance(value, Path) else value, IN_MEMORY, place, column)
    check_cell(f"{IN_MEMORY}: {place}", column, text or "")
    return text
