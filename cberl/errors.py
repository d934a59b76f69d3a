"""The error that a user can correct."""


class InputError(ValueError):
    """Input that cannot be used: one line naming the file, row or key and what was expected."""
