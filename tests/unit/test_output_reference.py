"""docs/output.md against the tables that the stages declare."""

import re

from cberl.generated_section import read_section
from cberl.output_reference import PAGE, SECTION, list_kinds, render_table_reference


def test_the_reference_is_that_of_the_declared_tables():
    reference = read_section(PAGE, SECTION)
    expected = render_table_reference().strip()
    assert reference == expected, "run python -m cberl.output_reference"


def test_every_kind_of_table_has_a_file_and_every_link_a_table():
    text = PAGE.read_text(encoding="utf-8").split("## Tensor files")[0]
    linked = set(re.findall(r"\(#(\w+)\)", text))
    assert linked == {kind.name for kind in list_kinds()}


def test_every_column_says_what_it_means():
    for kind in list_kinds():
        assert kind.description.endswith("."), kind.name
        assert set(kind.key) <= set(kind.names), kind.name
        assert all(column.description for column in kind.columns), kind.name
