"""The reference of all tables in docs/output.md, made from the stages' declarations.

``python -m cberl.output_reference`` rewrites it; a test compares page and tables.
"""

from collections.abc import Iterator
from types import ModuleType

from cberl import tables as shared
from cberl.configuration import PROJECT
from cberl.corpus import tables as corpus
from cberl.evaluate import tables as evaluate
from cberl.features import tables as features
from cberl.fuse import tables as fuse
from cberl.generated_section import replace_section
from cberl.graph import tables as graph
from cberl.oversample import tables as oversample
from cberl.predict import tables as predict
from cberl.tables import VECTOR, Column, TableKind
from cberl.train import tables as train

PAGE, SECTION = PROJECT / "docs/output.md", "tables"
STAGES = (corpus, features, oversample, fuse, graph, train, shared, evaluate, predict)


def list_kinds() -> list[TableKind]:
    """Every kind of table, in the order of the data's path."""
    return [kind for stage in STAGES for kind in _kinds_of(stage)]


def render_table_reference() -> str:
    """The Markdown between the page's two marks."""
    return "\n".join(line for kind in list_kinds() for line in _render_kind(kind))


def _kinds_of(stage: ModuleType) -> list[TableKind]:
    kinds = [value for value in vars(stage).values() if isinstance(value, TableKind)]
    return [kind for kind in kinds if stage is shared or kind.name != "history"]


def _render_kind(kind: TableKind) -> Iterator[str]:
    yield f"### {kind.name}"
    yield ""
    yield f"{kind.description} Key: {', '.join(f'`{name}`' for name in kind.key)}."
    yield ""
    yield "| column | type | may be null | meaning |"
    yield "|---|---|---|---|"
    for column in kind.columns:
        null = "yes" if column.nullable else ""
        meaning = column.description.replace("|", "\\|")
        optional = "; left out where it does not apply" if column.optional else ""
        yield f"| `{column.name}` | {_type_name(column)} | {null} | {meaning}{optional} |"
    yield ""


def _type_name(column: Column) -> str:
    return "float32 [rows, width]" if column.dtype == VECTOR else f"`{column.dtype}`"


if __name__ == "__main__":
    replace_section(PAGE, SECTION, render_table_reference())
