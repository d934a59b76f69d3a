"""What a recording is before anything of it is decoded: its length and its streams."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from cberl.corpus.cage.sandbox import Lost, Sandbox
from cberl.corpus.media.recording import OPTIONS, error_words
from cberl.errors import InputError

TIME_LIMIT_S, MEMORY_LIMIT_MB = 300.0, 1000


@dataclass(frozen=True)
class RecordingFacts:
    """Length in seconds (None where the file does not state it) and which streams there are."""

    duration_s: float | None
    audio: bool
    video: bool


def probe_recording(path: str | Path) -> RecordingFacts:
    """Probe a recording in a sandbox, where a broken one does no harm.

    Raises:
        InputError: no such file, or nothing that can be decoded in it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a recording")
    try:
        with Sandbox(describe_streams, TIME_LIMIT_S, MEMORY_LIMIT_MB) as sandbox:
            facts, _ = sandbox.call({"path": str(path.absolute())})
    except Lost as lost:
        raise InputError(
            f"{path}: cannot be opened ({lost.detail}); expected a recording"
        ) from None
    if facts["refused"]:
        raise InputError(f"{path}: {facts['refused']}; expected a recording")
    if not (facts["audio"] or facts["video"]):
        raise InputError(f"{path}: has neither sound nor moving picture; expected a recording")
    return RecordingFacts(facts["duration_s"], facts["audio"], facts["video"])


def describe_streams(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The fields of `RecordingFacts`, or under ``refused`` why there are none; for a sandbox.

    A file that does not state its length is read to its end, without decoding.
    """
    try:
        with av.open(request["path"], options=OPTIONS, metadata_errors="replace") as container:
            audio = container.streams.best("audio") is not None
            video = container.streams.best("video")
            cover = video is not None and video.disposition & av.stream.Disposition.attached_pic
            length = container.duration / av.time_base if container.duration else None
            if length is None and (audio or video):
                length = _last_time(container)
            facts = {"duration_s": length, "audio": audio, "video": video is not None and not cover}
    except (av.FFmpegError, ValueError) as error:
        return {"refused": f"not a media file ({error_words(error)})"}, []
    return facts | {"refused": None}, []


def _last_time(container: Any) -> float | None:
    first = (container.start_time or 0) / av.time_base
    last = None
    for packet in container.demux():
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - first
            last = end if last is None else max(last, end)
    return last
