"""Speakers as transcripts name them inside of the text: ``NAME:`` prefixes and voice tags."""

import html
import re

from cberl.predict.transcripts.turn_rows import Turn

MOST_WORDS = 3
LONGEST_NAME = 40
# A name starts with a letter, unlike a clock time, and a blank or nothing follows its colon,
# unlike in an address.
_PREFIX = re.compile(
    r"(?:>>\s*|[-–—]\s*)?"
    rf"\[?([^\W\d_][^\n:：\[\]]{{0,{LONGEST_NAME - 1}}}?)\]?"
    r"\s*(?::(?=\s|$)|：)\s*"
)
_DASH = re.compile(r"^(?:>>|[-–—])\s*")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_MARKUP = re.compile(
    r"</?(?:i|b|u|s|c|v|lang|ruby|rt|font)(?:[.\s][^>]*)?>|<\d[\d:.]*>|\{\\[^{}\n]*\}",
    re.IGNORECASE,
)


def split_prefix(line: str) -> tuple[str, str]:
    """Cut a ``NAME:`` off the start of a line: (name or "", the rest).

    A name is at most `MOST_WORDS` words, each of which begins with a capital, a digit or a letter
    of a script without capitals: "ROSS:", "Dr. Ann Lee:", "Speaker 1:", "SPEAKER_00:".
    """
    match = _PREFIX.match(line)
    if match is None:
        return "", line
    name = " ".join(match[1].split())
    words = name.split()
    if not 1 <= len(words) <= MOST_WORDS or any(word[0] != word[0].upper() for word in words):
        return "", line
    return name, line[match.end() :]


def turns_of_cue(
    start_s: float | None, end_s: float | None, payload: str, voice_tags: bool
) -> list[Turn]:
    """The turns inside of one subtitle: one for each speaker that it names.

    Args:
        payload: the subtitle's lines, tags and all.
        voice_tags: whether ``<v Name>`` names speakers and ``&lt;`` stands for a sign (WebVTT).

    Returns:
        At least one turn. Where there are several, the subtitle's time is divided among them by
        the length of their texts, with a note.
    """
    spoken = _voices(payload) if voice_tags else []
    if not spoken:
        spoken = _prefixes(_plain(payload, voice_tags))
    else:
        spoken = [(name, _plain(text, voice_tags)) for name, text in spoken]
    turns = [Turn(start_s, end_s, name, " ".join(text.split())) for name, text in spoken]
    return _divide(turns) if len(turns) > 1 else turns


def _plain(payload: str, entities: bool) -> str:
    text = _MARKUP.sub("", payload)
    return html.unescape(text) if entities else text


def _voices(payload: str) -> list[tuple[str, str]]:
    """(speaker, text) of each voice tag; what stands before the first has no speaker."""
    pieces = _VOICE.split(payload)
    if len(pieces) == 1:
        return []
    before = [("", pieces[0])] if pieces[0].strip() else []
    names = [html.unescape(" ".join(name.split())) for name in pieces[1::2]]
    return before + list(zip(names, pieces[2::2], strict=True))


def _prefixes(payload: str) -> list[tuple[str, str]]:
    """(speaker, text) for each line that names a speaker, with the lines that follow it."""
    spoken: list[tuple[str, list[str]]] = []
    for line in payload.strip().splitlines() or [""]:
        name, rest = split_prefix(line.strip())
        if name or not spoken:
            spoken.append((name, [rest]))
        else:
            spoken[-1][1].append(rest)
    return [(name, "\n".join(lines) if name else _undashed(lines)) for name, lines in spoken]


def _undashed(lines: list[str]) -> str:
    """Without the dash in front of a single speaker's line; several dashes separate speakers."""
    dashed = [bool(_DASH.match(line)) for line in lines]
    return "\n".join([_DASH.sub("", lines[0]), *lines[1:]] if sum(dashed) == 1 else lines)


def _divide(turns: list[Turn]) -> list[Turn]:
    lengths = [max(len(turn.text), 1) for turn in turns]
    done = 0
    for turn, length in zip(turns, lengths, strict=True):
        start_s, end_s = turn.start_s, turn.end_s
        if start_s is not None and end_s is not None:
            seconds = end_s - start_s
            turn.start_s = start_s + seconds * done / sum(lengths)
            turn.end_s = start_s + seconds * (done + length) / sum(lengths)
        done += length
        turn.notes.append(f"one of {len(turns)} speakers in a subtitle, times by length of text")
    return turns
