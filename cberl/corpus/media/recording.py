"""An open media file, and reading the part of it that is an utterance's."""

import logging
import math
from collections import deque
from collections.abc import Iterator
from typing import Any

import av

# No playlist, image sequence or network protocol: a clip must not name other files to be read.
CONTAINERS = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,dv,eac3,flac,flv,h264,hevc,m4v,matroska,webm,mjpeg,mov,mp3,"
    "mp4,mpeg,mpegts,mpegvideo,mxf,nut,ogg,rm,w64,wav,wv"
)
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
# Decoding starts this much before an utterance: codecs of sound need a little to settle.
SETTLING_S = 0.5
SLACK_S = 0.05
FIRST_PACKETS = 2000
LONGEST_WORDS = 300

# The libraries' messages go into errors, not to the job's log: broken clips make thousands.
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False
av.logging.set_level(av.logging.ERROR)


class Recording:
    """A media file, its best streams, and the part of it between two times.

    Times are seconds as a player shows them, from where the first of the streams starts; in a
    whole clip they are as the file declares.

    Attributes:
        streams: audio and video -> stream, for those that are wanted and there.
        start_s, end_s: the part that is read; infinite at an end that is not cut.
        complaints: in the decoder's words, in order.
    """

    def __init__(
        self, path: str, kinds: tuple[str, ...], start_s: float | None, end_s: float | None
    ) -> None:
        """Open the file.

        Args:
            kinds: audio, video or both.

        Raises:
            av.FFmpegError, ValueError: it cannot be opened.
            MemoryError: opening it needs more than is allowed.
        """
        self._path, self._kinds = path, kinds
        self.is_cut = start_s is not None or end_s is not None
        self.start_s = -math.inf if start_s is None else start_s
        self.end_s = math.inf if end_s is None else end_s
        self.failures: dict[str, list[str]] = {"audio": [], "video": []}
        self._troubles: list[str] = []
        self._open()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()

    @property
    def length_s(self) -> float | None:
        """Seconds that the file declares to be long, if it does."""
        duration = self._container.duration
        return None if duration is None else duration / av.time_base

    @property
    def complaints(self) -> list[str]:
        undecoded = [
            f"{kind}: {len(words)} pieces not decodable: {words[0]}"
            for kind, words in self.failures.items()
            if words
        ]
        return [*dict.fromkeys(self._troubles), *undecoded]

    def packets(self) -> Iterator[av.Packet]:
        """Read what is needed to decode the part: from a key frame at or before its start on.

        The container is asked to jump there; where it cannot, or jumps wrongly, everything before
        is read too (which is cheap, as long as it is not decoded).
        """
        reading = self._read()
        if self.start_s > SETTLING_S and self._jump():
            first = self._first_packets(reading)
            if first is None:
                self._container.close()
                self._open()
                reading = self._read()
            else:
                yield from first
        waiting = {stream.index for stream in self.streams.values()}
        for packet in reading:
            yield packet
            if self._starts_after(packet, self.end_s):
                waiting.discard(packet.stream.index)
                if not waiting:
                    return

    def decode(self, packet: av.Packet | None, stream: Any) -> list[Any]:
        """Frames that come of a packet, or at the end (None) what the decoder still holds."""
        try:
            return stream.codec_context.decode(packet)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            # At the end a decoder may only repeat what it has already returned.
            if packet is not None or not self.failures[stream.type]:
                self.failures[stream.type].append(error_words(error))
            return []

    def time_of(self, piece: Any) -> float | None:
        """When a packet or frame is to be played, if it has a time stamp."""
        stamp = piece.pts
        if stamp is None and isinstance(piece, av.Packet):
            stamp = piece.dts
        if stamp is None or not piece.time_base:
            return None
        return float(stamp * piece.time_base) - self._origin_s

    def _open(self) -> None:
        self._container = av.open(self._path, options=OPTIONS, metadata_errors="replace")
        started = self._container.start_time if self.is_cut else None
        self._origin_s = (started or 0) / av.time_base
        self.streams = {kind: stream for kind in self._kinds if (stream := self._choose(kind))}
        for stream in self._container.streams:
            if stream not in self.streams.values():
                stream.discard = av.stream.Discard.all

    def _choose(self, kind: str) -> Any:
        best = self._container.streams.best(kind)
        if best is None or best.codec_context is None:
            return None
        if best.disposition & av.stream.Disposition.attached_pic:
            return None
        best.codec_context.thread_count = 1
        return best

    def _jump(self) -> bool:
        target = self.start_s - SETTLING_S + self._origin_s
        try:
            self._container.seek(int(target * av.time_base))
        except av.FFmpegError:
            return False
        return True

    def _read(self) -> Iterator[av.Packet]:
        packets = self._container.demux(list(self.streams.values()))
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError:
                raise
            except av.FFmpegError as error:
                self._troubles.append(f"reading ended early: {error_words(error)}")
                return
            yield packet

    def _first_packets(self, reading: Iterator[av.Packet]) -> deque[av.Packet] | None:
        """The packets after a jump, until each stream is known to be early enough, else None."""
        first: deque[av.Packet] = deque()
        undecided = {stream.index for stream in self.streams.values()}
        for packet in reading:
            first.append(packet)
            usable = packet.stream.type == "audio" or packet.is_keyframe
            if packet.stream.index in undecided and packet.size and usable:
                if self._starts_after(packet, self.start_s + SLACK_S):
                    return None
                undecided.discard(packet.stream.index)
            if not undecided:
                return first
            if len(first) > FIRST_PACKETS:
                return None
        return first if not undecided else None

    def _starts_after(self, packet: av.Packet, time_s: float) -> bool:
        """Whether a packet, and so all that follow it in its stream, come after a time."""
        stamps = [stamp for stamp in (packet.pts, packet.dts) if stamp is not None]
        if not stamps or not packet.time_base:
            return False
        return float(min(stamps) * packet.time_base) - self._origin_s > time_s


def error_words(error: BaseException) -> str:
    """The decoder's own words; they may quote the file, so they are kept short and printable."""
    words = getattr(error, "strerror", None) or str(error)
    log = getattr(error, "log", None)
    spoken = f"{words}: {log[2].strip()}" if log else words
    return "".join(sign if sign.isprintable() else "?" for sign in spoken)[:LONGEST_WORDS]
