"""Media files damaged on purpose, the way bad disks, bad writers and bad people damage them."""

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from made_media import babble, write_media

ABSURD = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MP4_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta")
# Offsets from the start of a box's body to its fields that tell of time.
MP4_DURATIONS = {
    b"mvhd": (12, 16),
    b"tkhd": (20,),
    b"mdhd": (12, 16),
    b"stts": (4, 8, 12),
    b"elst": (8, 12),
    b"ctts": (4, 8, 12),
}
# Offsets to its fields that tell how many, how large or where.
MP4_SIZES = {
    b"tkhd": (76, 80),
    b"stsd": (4, 8, 32, 36, 40, 44, 48),
    b"stsz": (4, 8, 12, 16),
    b"stsc": (4, 8, 12, 16),
    b"stco": (4, 8, 12),
    b"hdlr": (4, 8),
    b"avcC": (0, 4, 8),
    b"esds": (4, 8, 12, 16),
}
# Offsets into AVI's and WAV's headers, by chunk.
RIFF_DURATIONS = {b"avih": (0, 4, 16, 20), b"strh": (20, 24, 28, 32), b"data": (-4,)}
RIFF_SIZES = {
    b"avih": (24, 32, 36),
    b"strf": (0, 4, 8, 12, 14, 16, 20),
    b"fmt ": (0, 2, 4, 8, 12, 14),
    b"idx1": (-4, 4, 8, 12),
    b"RIFF": (-4,),
    b"LIST": (-4,),
}
Box = tuple[bytes, int, int]


def whole_files(folder: Path) -> list[Path]:
    """A whole mp4, wav and avi file of half a second, small enough to be damaged in many places."""
    voice = babble(0.6, 16000)
    return [
        write_media(folder / "whole.mp4", voice, 0.6, size=(64, 48)),
        write_media(folder / "whole.wav", voice, codecs=("", "pcm_s16le")),
        write_media(folder / "whole.avi", voice, 0.6, size=(64, 48), codecs=("mpeg4", "pcm_s16le")),
    ]


def mutants(originals: list[Path], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, bytes): the originals in turn, each with one to three kinds of damage."""
    generator = random.Random(seed)
    wholes = [path.read_bytes() for path in originals]
    for number in range(count):
        which = number % len(wholes)
        data = bytearray(wholes[which])
        deeds = generator.sample(MUTATIONS, generator.choice((1, 1, 2, 3)))
        for deed in deeds:
            if data:
                deed(data, generator)
        kinds = "-".join(deed.__name__ for deed in deeds)
        yield f"{number:05}_{kinds}{originals[which].suffix}", bytes(data)


def boxes_of(data: bytes) -> list[Box]:
    """Boxes of an mp4 or chunks of a RIFF file as (kind, start, end), the outer ones first."""
    if data[:4] == b"RIFF":
        return list(_riff_chunks(data, 0, len(data)))
    return list(_mp4_boxes(data, 0, len(data)))


def _mp4_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            return
        yield kind, start, start + size
        if kind in MP4_PARENTS:
            yield from _mp4_boxes(data, start + 8, start + size)
        start += size


def _riff_chunks(data: bytes, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, start)
        stop = start + 8 + size + size % 2
        if stop > end:
            return
        yield kind, start, stop
        if kind in (b"RIFF", b"LIST"):
            yield from _riff_chunks(data, start + 12, stop)
        start = stop


def flip_bits(data: bytearray, generator: random.Random) -> None:
    """Anywhere, or in the headers only."""
    reach = generator.choice((len(data), min(len(data), 512), len(data)))
    for _ in range(generator.choice((1, 3, 10, 100))):
        data[generator.randrange(reach)] ^= 1 << generator.randrange(8)


def truncate(data: bytearray, generator: random.Random) -> None:
    del data[generator.randrange(len(data)) :]


def swap_boxes(data: bytearray, generator: random.Random) -> None:
    """Two boxes that do not hold each other change places."""
    boxes = boxes_of(data)
    for _ in range(10):
        if len(boxes) < 2:
            return
        (_, start, end), (_, start_2, end_2) = sorted(
            generator.sample(boxes, 2), key=lambda b: b[1]
        )
        if end <= start_2:
            data[:] = (
                data[:start]
                + data[start_2:end_2]
                + data[end:start_2]
                + data[start:end]
                + data[end_2:]
            )
            return


def repeat_box(data: bytearray, generator: random.Random) -> None:
    for _, start, end in generator.sample(boxes_of(data), min(1, len(boxes_of(data)))):
        data[end:end] = data[start:end] * generator.choice((1, 2, 50))


def drop_box(data: bytearray, generator: random.Random) -> None:
    for _, start, end in generator.sample(boxes_of(data), min(1, len(boxes_of(data)))):
        del data[start:end]


def lie_about_durations(data: bytearray, generator: random.Random) -> None:
    _overwrite(data, generator, MP4_DURATIONS, RIFF_DURATIONS)


def claim_absurd_sizes(data: bytearray, generator: random.Random) -> None:
    _overwrite(data, generator, MP4_SIZES, RIFF_SIZES)


def claim_absurd_box(data: bytearray, generator: random.Random) -> None:
    """A box says that it is as long as can be, or has no length."""
    boxes = boxes_of(data)
    if boxes:
        _, start, _ = generator.choice(boxes)
        riff = data[:4] == b"RIFF"
        at, order = (start + 4, "<I") if riff else (start, ">I")
        struct.pack_into(order, data, at, generator.choice(ABSURD))


def blot(data: bytearray, generator: random.Random) -> None:
    """A stretch is all zeros, all ones or noise."""
    start = generator.randrange(len(data))
    length = min(len(data) - start, generator.choice((4, 64, 2048)))
    fill = generator.choice((b"\0" * length, b"\xff" * length, generator.randbytes(length)))
    data[start : start + length] = fill


def insert_noise(data: bytearray, generator: random.Random) -> None:
    at = generator.randrange(len(data) + 1)
    data[at:at] = generator.randbytes(generator.choice((1, 7, 500)))


def _overwrite(
    data: bytearray,
    generator: random.Random,
    mp4: dict[bytes, tuple[int, ...]],
    riff: dict[bytes, tuple[int, ...]],
) -> None:
    fields = [
        (start + 8 + offset)
        for kind, start, _ in boxes_of(data)
        for offset in (riff if data[:4] == b"RIFF" else mp4).get(kind, ())
        if start + 12 + offset <= len(data)
    ]
    for at in generator.sample(fields, min(len(fields), generator.choice((1, 1, 2, 5)))):
        order = "<I" if data[:4] == b"RIFF" else ">I"
        struct.pack_into(order, data, at, generator.choice(ABSURD))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    truncate,
    swap_boxes,
    repeat_box,
    drop_box,
    lie_about_durations,
    claim_absurd_sizes,
    claim_absurd_box,
    blot,
    insert_noise,
)
