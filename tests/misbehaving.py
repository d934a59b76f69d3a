"""Tasks for a sandbox's worker that do what a hostile clip might make a decoder do."""

import os
import signal
import sys
import time
from pathlib import Path

from cberl.corpus.cage import worker
from cberl.corpus.media import clip
from cberl.corpus.readers import pickled_names, unpack_pickle
from cberl.errors import InputError


def obey(request):
    """Do what the request says."""
    deed = request["do"]
    if deed == "echo":
        return {"text": request["text"]}, [b"x" * request["size"], b""]
    if deed == "print":
        print("noise " * 10_000, flush=True)
        os.write(1, b"\0" * 10_000)
        return {"printed": True}, []
    if deed == "garble":
        garble(request)
    misbehave(deed)
    return {"pid": os.getpid()}, []


def count(request):
    """Yield numbers; misbehave after as many as the request says."""
    for number in range(request["upto"]):
        yield {"number": number}, [b"x" * request.get("size", 1)]
    misbehave(request["then"])


def garble(request):
    """Write an answer of one's own, as something that overwrote this process's memory might."""
    encoded = request["answer"].encode("latin-1")
    length = request.get("length", len(encoded))
    os.write(int(sys.argv[2]), worker.LENGTH.pack(length) + encoded)
    time.sleep(60)


def misbehave(deed):
    """Crash, hang or eat memory; do nothing if the deed is none of these."""
    if deed == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif deed == "abort":
        os.abort()
    elif deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "exit":
        os._exit(3)
    elif deed == "refuse":
        raise InputError("table.npz: is empty; expected rows")
    elif deed == "raise":
        raise ZeroDivisionError("division by zero")
    elif deed == "sleep":
        time.sleep(60)
    elif deed == "spin":
        while True:
            pass
    elif deed == "dribble":
        while True:
            time.sleep(0.05)
            os.write(2, b"")
    elif deed == "hog":
        hoard = []
        while True:
            hoard.append(bytearray(50_000_000))


def decode_clip_by_name(request):
    """Decode a clip, but misbehave on its pictures as the file's name says."""
    if request["video_file"] is not None:
        misbehave(Path(request["video_file"]).stem)
    return clip.decode_clip(request)


def decode_clip_and_lie(request):
    """Decode a clip, but tell of it what its file's name says."""
    facts, blobs = clip.decode_clip(request)
    lie = Path(request["audio_file"] or request["video_file"]).stem
    if lie == "no_reason":
        facts = {key: value for key, value in facts.items() if not key.endswith("_reason")}
    elif lie == "no_sound":
        blobs = []
    elif lie == "odd_sound":
        blobs = [b"odd", *blobs[1:]]
    elif lie == "other_column":
        facts["utterance_id"] = "train/0/9"
    return facts, blobs


def decode_and_weigh(request):
    """Decode a clip; tell this process's resident memory afterwards."""
    facts, _ = clip.decode_clip(request)
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return {**facts, "resident_mb": resident * os.sysconf("SC_PAGE_SIZE") / 2**20}, []


def unpack_pickle_and_obey(request):
    """Read a pickle by a machine with a hole: it opens a file for writing if it is asked to."""
    for name in ("io.open", "_io.open"):
        pickled_names._CALLS[name] = lambda spend, path: Path(path).write_text("harm")
    return unpack_pickle.unpack_pickle(request)


def unpack_pickle_and_lie(request):
    """Read a pickle, but tell of it what its file's name says."""
    facts, blobs = unpack_pickle.unpack_pickle(request)
    lie = Path(request["path"]).stem
    if lie == "no_column":
        blobs = blobs[1:]
    elif lie == "short_column":
        blobs[0] = b'["train"]'
    elif lie == "no_text":
        blobs[3] = blobs[3].replace(b'"Ses01_F"', b"[]")
    elif lie == "no_json":
        blobs[3] = b"harm"
    elif lie == "other_modality":
        facts["modalities"] = ["smell"]
    elif lie == "no_names":
        facts["classes"] = [0, 1]
    return facts, blobs
