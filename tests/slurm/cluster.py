"""A private SLURM cluster on this host: munged, slurmctld and one slurmd per node.

Everything lies in one folder, ports are free ones and nothing under /etc is touched, so that
several clusters can run side by side and leave nothing behind. The daemons must be started by
root, since slurmd starts jobs under their users.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
# Daemons lie where a plain user's PATH may not look.
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
GresTypes=gpu
# Without cgroups, which a container may not have: jobs are found by their process ids, and one
# over its memory is killed by the sampler.
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
# squeue must still know a job that ended when Snakemake asks for it, and the tests at their end.
MinJobAge=900
# Seconds in which a job on a busy machine can save its last epoch.
KillWait=10
OverTimeLimit=0
SlurmdTimeout=10
ReturnToService=2
"""


@dataclass(frozen=True)
class Node:
    """A node: its name, the partitions that it is in and what it offers."""

    name: str
    partitions: tuple[str, ...]
    gpus: int = 0
    cpus: int = 2
    memory_mb: int = 16000


@dataclass
class Cluster:
    """A cluster in a folder; `start` it, run commands in its `environment`, `stop` it."""

    folder: Path
    nodes: Sequence[Node]
    _processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables in which Snakemake and SLURM's commands find this cluster.

        Snakemake strips SLURM's variables from a job before it starts the job's step, SLURM_CONF
        among them; so the commands are found by PATH instead, as wrappers that set it again.
        """
        paths = [str(self.folder / "bin"), os.environ["PATH"]]
        return {**os.environ, "PATH": os.pathsep.join(paths)}

    def start(self) -> None:
        """Start the daemons and wait until every node is idle.

        Raises:
            RuntimeError: the nodes do not come up; the message holds the daemons' logs.
        """
        self._write_files()
        socket_path = self.folder / "munge.socket"
        self._spawn(
            "munged",
            "--foreground",
            "--force",
            f"--socket={socket_path}",
            f"--key-file={self.folder}/munge.key",
            f"--log-file={self.folder}/munged.log",
            f"--pid-file={self.folder}/munged.pid",
            f"--seed-file={self.folder}/munged.seed",
        )
        self._wait_for(socket_path.exists, "munged")
        self._spawn("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
        for node in self.nodes:
            self._spawn("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", node.name)
        self._wait_for(lambda: set(self.node_states().values()) == {"idle"}, "the nodes")

    def stop(self) -> None:
        """End all jobs and what `start` started; nothing of them is kept, so nothing is asked."""
        for daemon in self._processes.values():
            daemon.kill()
            daemon.wait()
        self._processes.clear()
        for process in self._started_within():
            _kill(process)

    def fail_node(self, name: str) -> None:
        """End everything that runs on a node at once, as a loss of power does."""
        slurmd = self._processes.pop(name)
        slurmd.kill()
        slurmd.wait()
        tasks = self._started_within(f"SLURMD_NODENAME={name}")
        for process in [*filter(_is_step_manager, map(_parent, tasks)), *tasks]:
            _kill(process)

    def node_states(self) -> dict[str, str]:
        """Node name -> its state in sinfo's words (idle, allocated, down, ...)."""
        done = self.client("sinfo", "--Node", "--noheader", "--format=%N %T", check=False)
        return dict(line.split()[:2] for line in done.splitlines())

    def jobs(self) -> list[dict[str, str]]:
        """What SLURM knows of every job, running or ended, in order of submission."""
        shown = self.client("scontrol", "--oneliner", "show", "jobs")
        jobs = [
            dict(part.partition("=")[::2] for part in line.split() if "=" in part)
            for line in shown.splitlines()
            if line.startswith("JobId=")
        ]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def client(self, *command: str, check: bool = True) -> str:
        """Run one of SLURM's commands; returns what it printed."""
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
        ).stdout

    def _write_files(self) -> None:
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        (self.folder / "plugstack.conf").touch()
        self._write_configuration()
        (self.folder / "bin").mkdir()
        for name in CLIENTS:
            wrapper = self.folder / "bin" / name
            wrapper.write_text(
                f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {find_program(name)} "$@"\n'
            )
            wrapper.chmod(0o755)

    def _write_configuration(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = _free_ports(1 + len(self.nodes))
        lines = [CONFIGURATION.format(host=host, folder=self.folder, port=ports[0])]
        partitions: dict[str, list[str]] = {}
        devices = []
        for node, port in zip(self.nodes, ports[1:], strict=True):
            offer = f"CPUs={node.cpus} RealMemory={node.memory_mb}"
            if node.gpus:
                offer += f" Gres=gpu:toy:{node.gpus}"
                devices += self._make_devices(node)
            lines.append(
                f"NodeName={node.name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {offer}"
            )
            for partition in node.partitions:
                partitions.setdefault(partition, []).append(node.name)
        for position, (name, members) in enumerate(partitions.items()):
            default = "YES" if position == 0 else "NO"
            lines.append(f"PartitionName={name} Nodes={','.join(members)} Default={default}")
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "gres.conf").write_text("\n".join(devices) + "\n")

    def _make_devices(self, node: Node) -> list[str]:
        """A character device for each made-up GPU: SLURM counts devices, and one only once."""
        lines = []
        for number in range(node.gpus):
            device = self.folder / f"{node.name}-gpu{number}"
            os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))
            lines.append(f"NodeName={node.name} Name=gpu Type=toy File={device}")
        return lines

    def _spawn(self, program: str, *arguments: str) -> None:
        """Start a daemon that dies with this process, whatever way that ends."""
        name = arguments[-1] if program == "slurmd" else program
        with (self.folder / f"{name}.out").open("wb") as output:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", find_program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SLURM_CONF": f"{self.folder}/slurm.conf"},
                start_new_session=True,
            )

    def _wait_for(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not ready():
            if time.monotonic() > deadline:
                logs = [
                    f"{path.name}: {path.read_text(errors='replace')[-2000:]}"
                    for pattern in ("*.out", "*.log")
                    for path in sorted(self.folder.glob(pattern))
                ]
                raise RuntimeError(f"{what} did not come up within 60 s\n" + "\n".join(logs))
            time.sleep(0.1)

    def _started_within(self, *variables: str) -> list[int]:
        """Processes with this cluster's folder and these variables in their environment."""
        daemons = {process.pid for process in self._processes.values()}
        wanted = {variable.encode() for variable in variables}
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if bytes(self.folder) in environment and wanted <= set(environment.split(b"\0")):
                found.append(int(entry.name))
        return [process for process in found if process not in daemons]


def find_program(name: str) -> str | None:
    """Where one of SLURM's or munge's programs is installed, if it is."""
    return shutil.which(name, path=SEARCHED)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _parent(process: int) -> int:
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return int(state.rpartition(")")[2].split()[1])


def _is_step_manager(process: int) -> bool:
    """Whether a process is a slurmstepd, which outlives its slurmd."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"slurmstepd")
    except OSError:
        return False


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
