"""Parameters of an estimator: checked like a configuration, as settings and as a seed."""

from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from cberl.configuration import check_settings
from cberl.settings import read_settings, schema_of

Section = TypeVar("Section")


def settings_of(estimator: BaseEstimator, of: type[Section]) -> Section:
    """The settings among an estimator's parameters.

    Raises:
        InputError: a value is out of bounds or of another type.
    """
    names = of.__dataclass_fields__
    values = {name: _plain(value) for name, value in vars(estimator).items() if name in names}
    check_settings(values, schema_of(of), type(estimator).__name__)
    return read_settings(of, values)


def check_parameter(estimator: BaseEstimator, name: str, of: type) -> None:
    """Check one parameter by the settings that it belongs to; raises as `settings_of`."""
    own = {"properties": {name: schema_of(of)["properties"][name]}}
    check_settings({name: _plain(getattr(estimator, name))}, own, type(estimator).__name__)


def seed_of(random_state: Any) -> int:
    """A seed from a ``random_state``; None leaves NumPy's global state alone.

    Raises:
        ValueError: it is none of scikit-learn's.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _plain(value: Any) -> Any:
    """A number of NumPy's, as searches over parameters set them, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
