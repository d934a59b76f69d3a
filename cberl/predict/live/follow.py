"""Turns from one stream, answers to another: JSON Lines both."""

import json
from typing import TextIO

from cberl.errors import InputError
from cberl.predict.live.follower import Follower


def follow(follower: Follower, turns: TextIO, answers: TextIO) -> None:
    """Answer each line as soon as it is there, until the stream ends.

    A line that cannot be used is answered with an ``error`` in one line, and changes nothing.
    """
    for number, line in enumerate(turns, start=1):
        if not line.strip():
            continue
        try:
            answer = follower.answer(_parse(line))
        except InputError as error:
            answer = {"error": f"line {number}: {error}"}
        answers.write(json.dumps(answer, ensure_ascii=False, allow_nan=False) + "\n")
        answers.flush()


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:  # also of numbers too long to read
        raise InputError(f"not JSON ({error})") from None
