"""The error that a user can mend."""


class InputError(Exception):
    """Input that cannot be used: one line naming the file, row or key and what was expected."""
