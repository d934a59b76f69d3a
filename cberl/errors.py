"""The error that a user can mend."""


class InputError(ValueError):
    """Input that cannot be used: one line naming the file, row or key and what was expected."""
