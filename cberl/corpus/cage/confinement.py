"""Giving up, for good, the rights of this process that reading a foreign file never needs.

A seccomp filter (Linux 3.5 and later, on x86-64 and ARM64) refuses sockets, new processes, every
way to change a file, other processes' memory and signals, and more memory than was allowed. It is
set through bare system calls: libseccomp is not on every machine, Landlock not in every kernel,
and Landlock leaves UDP and new processes alone. Elsewhere resource limits must do: no bytes in
files and, where threads do not count as processes (macOS), no processes.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys

SECCOMP, LIMITS = "seccomp filter", "resource limits"

# Name -> its numbers on x86-64 and ARM64 (None: it has no such call).
REFUSED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "io_uring_setup": (425, 425),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "creat": (85, None),
    "truncate": (76, 45),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rmdir": (84, None),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "open_by_handle_at": (304, 265),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setrlimit": (160, 164),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
}
# The C library has another way, whose arguments a filter can see.
NOT_OFFERED = {"clone3": (435, 435), "openat2": (437, 437)}
OPEN, OPENAT, CLONE, IOCTL = (2, None), (257, 56), (56, 220), (16, 29)
KILLS = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131)}
PRLIMIT = (302, 261)

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_CALLS = 0x40000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x00010000
# They put characters into the terminal that the run was started from, as if typed there.
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG = 22, 38, 1
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_CALL, _MACHINE, _ARGUMENTS = 0, 4, 16  # where they are in what a filter sees


def confine() -> str:
    """Confine this process and its threads to come; only its open files can be written to.

    Returns:
        What holds it, `SECCOMP` or `LIMITS`, for the log.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "linux":
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        return LIMITS
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    machine = _MACHINES.get(platform.machine())
    if machine is None or prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return LIMITS
    program = make_filter(*machine, os.getpid())
    instructions = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    refused = prctl(_PR_SET_SECCOMP, 2, ctypes.create_string_buffer(header), 0, 0)
    return LIMITS if refused else SECCOMP


def make_filter(column: int, machine: int, own_process: int) -> bytes:
    """The filter, in the kernel's form: 8 bytes an instruction.

    Args:
        column: which of the numbers of system calls hold.
        machine: the kernel's number of the kind of machine.
        own_process: the process that may be signalled.
    """
    deny, allow = [(_RETURN, 0, 0, _ERROR | errno.EPERM)], [(_RETURN, 0, 0, _ALLOW)]

    def argument(number: int, high: bool = False) -> tuple[int, int, int, int]:
        return (_LOAD, 0, 0, _ARGUMENTS + 8 * number + 4 * high)

    def on(call: tuple[int | None, int | None], steps: list) -> list:
        number = call[column]
        return [] if number is None else [(_EQUAL, 0, len(steps), number), *steps]

    program = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine), *deny, (_LOAD, 0, 0, _CALL)]
    if column == 0:
        program += [(_AT_LEAST, 0, 1, _X32_CALLS), *deny]
    for call in REFUSED.values():
        program += on(call, deny)
    for call in NOT_OFFERED.values():
        program += on(call, [(_RETURN, 0, 0, _ERROR | errno.ENOSYS)])
    for call, flags in ((OPEN, 1), (OPENAT, 2)):
        program += on(call, [argument(flags), (_ANY_BIT, 0, 1, _WRITING), *deny, *allow])
    program += on(CLONE, [argument(0), (_ANY_BIT, 1, 0, _CLONE_THREAD), *deny, *allow])
    for call in KILLS.values():
        program += on(call, [argument(0), (_EQUAL, 1, 0, own_process), *deny, *allow])
    program += on(
        IOCTL,
        [argument(1), (_EQUAL, 1, 0, _TIOCSTI), (_EQUAL, 0, 1, _TIOCLINUX), *deny, *allow],
    )
    # Limits may be asked for, not set: there must be no address of new ones.
    program += on(
        PRLIMIT,
        [
            *(argument(2), (_EQUAL, 1, 0, 0), *deny),
            *(argument(2, high=True), (_EQUAL, 1, 0, 0), *deny, *allow),
        ],
    )
    return b"".join(struct.pack("HBBI", *step) for step in [*program, *allow])
