"""Figures for plotly.js as plain dictionaries, and how all of them look.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any common
colour blindness can distinguish; marker shapes and hatching repeat it, for print in grey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PALETTE = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442"),
    *("#882255", "#44AA99", "#999933", "#AA4499", "#666666"),
)
HATCHES = ("", "/", ".", "x", "-", "|", "+", "\\")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "pentagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
INK, FAINT = "#1f2933", "#d9dee3"


@dataclass(frozen=True)
class Figure:
    """A figure with one or more views, between which the reader switches.

    Attributes:
        name: id of its element.
        caption: what it shows, in a sentence or two.
        choice: what the views differ in ("variant"); empty for a single view.
        views: label -> a plotly figure: ``data`` and ``layout``.
        first: label of the view shown first.
        height: pixels.
        numbers: whether the reader can unfold the numbers as a table.
    """

    name: str
    caption: str
    views: dict[str, dict[str, Any]]
    choice: str = ""
    first: str = ""
    height: int = 380
    numbers: bool = True

    @property
    def labels(self) -> list[str]:
        """What the reader chooses from."""
        return list(self.views)

    def payload(self) -> dict[str, Any]:
        """What the page's script needs of it, JSON-able."""
        return {"views": self.views, "first": self.first or self.labels[0]}


def colour(position: int) -> str:
    """Colour of a class or variant by its position; the palette starts anew when it ends."""
    return PALETTE[position % len(PALETTE)]


def ink_on(background: str) -> str:
    """Black or white, whichever is easier to read on a colour ``#rrggbb`` (WCAG 2.2, contrast)."""
    parts = [int(background[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def bar_style(position: int) -> dict[str, Any]:
    """Colour and hatching of the bars at a position of the legend."""
    pattern = {
        "shape": HATCHES[position % len(HATCHES)],
        "fillmode": "overlay",
        "fgcolor": "#ffffff",
        "size": 7,
        "solidity": 0.18,
    }
    return {"color": colour(position), "pattern": pattern, "line": {"width": 0}}


def line_style(position: int) -> dict[str, Any]:
    """Colour and dashes of the line at a position of the legend."""
    return {"color": colour(position), "dash": DASHES[position % len(DASHES)], "width": 2}


def layout(x: str, y: str, **more: Any) -> dict[str, Any]:
    """A layout with titled axes; ``more`` are plotly's own keys, which win."""
    axis = {"gridcolor": FAINT, "zerolinecolor": FAINT, "automargin": True}
    return {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
        "modebar": {
            "orientation": "v",
            "bgcolor": "rgba(0,0,0,0)",
            "color": "#9aa5b1",
            "activecolor": INK,
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 60, "r": 44, "t": 16, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {**axis, "title": {"text": x}},
        "yaxis": {**axis, "title": {"text": y}},
        **more,
    }


def bar_layout(y: str, **more: Any) -> dict[str, Any]:
    """A layout for bars side by side over named groups."""
    shape = layout("", y, barmode="group", bargap=0.25)
    # Names that are numbers would otherwise be places on a scale.
    shape["xaxis"] |= {"showgrid": False, "type": "category"}
    return shape | more


def numbers(values: Sequence[float] | np.ndarray, digits: int = 4) -> list[float | None]:
    """Rounded values for JSON: None where a value is undefined."""
    rounded = np.round(np.asarray(values, dtype=float), digits)
    return [None if np.isnan(value) else float(value) for value in rounded]


def percents(values: Sequence[float] | np.ndarray) -> list[float | None]:
    """Shares as percentages with two decimals."""
    return numbers(100 * np.asarray(values, dtype=float), 2)


def error_bars(
    means: Sequence[float] | np.ndarray,
    lower: Sequence[float] | np.ndarray,
    upper: Sequence[float] | np.ndarray,
) -> dict[str, Any]:
    """Bars from ``lower`` to ``upper`` around ``means``: shares [N] each, NaN where undefined.

    Without any interval there are none: plotly would draw them with the length 0.
    """
    means, lower, upper = (np.asarray(values, dtype=float) for values in (means, lower, upper))
    if np.isnan(lower).all():
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": percents(upper - means),
        "arrayminus": percents(means - lower),
        "thickness": 1.2,
        "width": 3,
        "color": INK,
    }
