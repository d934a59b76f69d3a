"""Templates, styles and scripts of HTML pages, from the folder ``assets`` of a package."""

from importlib.resources.abc import Traversable

from jinja2 import Environment, FunctionLoader, StrictUndefined


def html_templates(assets: Traversable) -> Environment:
    """The templates of a folder: whatever they insert is escaped, unknown names are errors."""
    return Environment(
        loader=FunctionLoader(lambda name: read_asset(assets, name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_asset(assets: Traversable, name: str) -> str:
    """The text of a file in the folder."""
    return (assets / name).read_text(encoding="utf-8")
