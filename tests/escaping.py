"""What a hostile file might make a reader try, if it made it run code of its own."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import threading
from pathlib import Path


def attempt(request):
    """Try one deed; the facts say what came of it."""
    deed = DEEDS[request["deed"]]
    try:
        result = deed(Path(request["folder"]))
    except (OSError, ValueError) as error:
        return {"failed": type(error).__name__, "words": str(error)}, []
    return {"done": str(result)}, []


def _append(folder):
    with (folder / "kept.txt").open("a") as handle:
        return handle.write("more")


def _descriptor_for_writing(folder):
    return os.open(folder / "kept.txt", os.O_RDWR)


def _fork(folder):
    process = os.fork()
    if process == 0:
        os._exit(0)
    return process


def _run_thread(folder):
    ran = []
    thread = threading.Thread(target=ran.append, args=(1,))
    thread.start()
    thread.join()
    return ran


def _type_into_terminal(folder):
    import fcntl

    return fcntl.ioctl(0, 0x5412, b"x")


def _write_old_way(folder):
    """Through the call that a filter on openat alone forgets (x86-64)."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(2, str(folder / "new.txt").encode(), os.O_WRONLY | os.O_CREAT, 0o600) < 0:
        raise OSError(ctypes.get_errno(), "open")


def _more_memory(folder):
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


DEEDS = {
    "reach the network": lambda folder: socket.create_connection(("127.0.0.1", 9), timeout=1),
    "send a datagram": lambda folder: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a local socket": lambda folder: socket.socket(socket.AF_UNIX),
    "create a file": lambda folder: (folder / "new.txt").write_text("x"),
    "create a file the old way": _write_old_way,
    "append to a file": _append,
    "open a file for writing": _descriptor_for_writing,
    "empty a file": lambda folder: os.truncate(folder / "kept.txt", 0),
    "remove a file": lambda folder: (folder / "kept.txt").unlink(),
    "rename a file": lambda folder: (folder / "kept.txt").rename(folder / "new.txt"),
    "link a file": lambda folder: os.link(folder / "kept.txt", folder / "new.txt"),
    "link to elsewhere": lambda folder: (folder / "new.txt").symlink_to("/etc"),
    "make a folder": lambda folder: (folder / "new").mkdir(),
    "make a pipe": lambda folder: os.mkfifo(folder / "new.txt"),
    "change rights": lambda folder: (folder / "kept.txt").chmod(0o777),
    "change times": lambda folder: os.utime(folder / "kept.txt", (0, 0)),
    "start a program": lambda folder: subprocess.run(["true"], check=True),
    "become a program": lambda folder: os.execv("/bin/true", ["true"]),
    "fork": _fork,
    "signal the caller": lambda folder: os.kill(os.getppid(), signal.SIGTERM),
    "signal a group": lambda folder: os.killpg(0, signal.SIGCONT),
    "type into the terminal": _type_into_terminal,
    "have more memory": _more_memory,
    "read a file": lambda folder: (folder / "kept.txt").read_text(),
    "start a thread": _run_thread,
    "read the environment": lambda folder: sorted(os.environ),
}
