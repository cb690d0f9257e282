"""The bubblewrap command line that isolates one process tree.

The sandbox sees read-only system libraries, the Python environment, the course's library and the
data that it is given. What it writes to its home folder, ``/tmp`` and ``/dev/shm`` lies in memory
and is bounded in size. It has no network, its own process, IPC and host-name namespaces, no
environment of ours, no privileges, and ends with its parent.
"""

import functools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.assignment import installed_course, package_folder
from grader.errors import CourseError
from grader.sandbox import seccomp
from grader.settings import Limits

__all__ = [
    "HOME",
    "Sandbox",
    "command",
    "new_uid",
    "process_limits",
    "require_sandbox",
    "sandbox_problem",
    "variables",
]

HOME = Path("/home/student")
LIBRARY = Path("/course")

_CONFINE = Path(__file__).with_name("confine.py")
_SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib64")

# Uids from here on belong to nobody on usual systems (above /etc/subuid's customary ranges start,
# far below the kernel's limit). Each sandbox takes its own, so that the process limit, which the
# kernel counts per uid, is not shared by sandboxes that run side by side.
_FIRST_UID = 2_000_000_000
_UID_COUNT = 100_000_000
# Who a plain user's submissions are inside; outside they are that user.
_NOBODY = "60000"

_INSTALL_HINT = (
    "install it ('sudo apt-get install bubblewrap' on Debian and Ubuntu), "
    "or grade without isolation at your own risk with --unsafe-no-sandbox"
)


@dataclass(frozen=True)
class Sandbox:
    """What one sandbox may see and use.

    Attributes
    ----------
    work
        Folder that stands for this sandbox outside. Inside there is ``/home/student`` in its
        place, which begins empty and ends with the sandbox. Only without isolation the work
        folder itself is the process's home.
    environment
        The whole environment inside, besides a few that every process needs.
    read_only
        Further folders or files: path outside → path inside. Nothing outside can be written to.
    private
        What must not lie below anything that the sandbox may read: the course, the gradebook,
        what others handed in.
    limits
        Limits on its processes.
    isolated
        False runs the command directly (the instructor's explicit choice).
    """

    work: Path
    environment: Mapping[str, str]
    read_only: Mapping[Path, Path] = field(default_factory=dict)
    private: Sequence[Path] = ()
    limits: Limits = field(default_factory=Limits)
    isolated: bool = True

    def path_inside(self, outside: Path) -> Path:
        """Where the sandboxed process finds a mounted file or folder."""
        if not self.isolated:
            return outside
        if outside == self.work:
            return HOME
        return self.read_only[outside]


def sandbox_problem() -> str | None:
    """Say why no sandbox can be made here, or None if it works."""
    if sys.platform != "linux":
        return f"the sandbox needs Linux, found {sys.platform}; grade in a Linux virtual machine"
    try:
        seccomp.program()
    except OSError as error:
        return f"the sandbox needs an x86-64 or arm64 processor ({error.strerror})"
    if shutil.which("bwrap") is None:
        return f"the sandbox needs bubblewrap, found no bwrap command; {_INSTALL_HINT}"
    return _trial()


@functools.cache
def _trial() -> str | None:
    arguments = ["bwrap", *_namespaces(), "--ro-bind", "/", "/", "true"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode == 0:
        return None
    reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return (
        f"bubblewrap cannot make a sandbox here ({reason[0]}); allow unprivileged user "
        "namespaces or run as root, or grade at your own risk with --unsafe-no-sandbox"
    )


def require_sandbox() -> None:
    """Refuse to go on where student code could not be isolated.

    Raises
    ------
    CourseError
        With the reason and what to do.
    """
    problem = sandbox_problem()
    if problem is not None:
        raise CourseError(problem)


def new_uid() -> int | None:
    """Return a user id that no sandbox has; None where the grader is a plain user."""
    return _FIRST_UID + secrets.randbelow(_UID_COUNT) if os.geteuid() == 0 else None


def variables(sandbox: Sandbox) -> dict[str, str]:
    """Return the whole environment of processes in a sandbox."""
    return {**_base_environment(sandbox), **sandbox.environment}


def process_limits(limits: Limits) -> dict[str, int]:
    """Return the limits on each process, by the name of the constant in :mod:`resource`."""
    return {
        "RLIMIT_AS": limits.address_space,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 1024,
    }


def command(
    sandbox: Sandbox,
    argv: Sequence[str],
    uid: int | None = None,
    info: int | None = None,
    groups: Sequence[Path] = (),
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and environment that run `argv` in `sandbox`.

    Parameters
    ----------
    sandbox
        What the process may see and use.
    argv
        Program and arguments, with paths as seen inside.
    uid
        Whom it runs as, when running as root; by default a new one.
    info
        Descriptor to which bubblewrap writes about itself (``--info-fd``).
    groups
        Files of the control group to join.

    Returns
    -------
    tuple
        Arguments for ``subprocess.Popen`` and the environment to give it.

    Raises
    ------
    CourseError
        If the sandbox would see something that is private.
    """
    environment = variables(sandbox)
    if not sandbox.isolated:
        return list(argv), environment
    _require_private(sandbox)
    uid = new_uid() if uid is None else uid
    line = [sys.executable, "-S", "-E", str(_CONFINE), *map(str, groups), "--"]
    # Of all processes, those in a sandbox are the first to end where the machine's memory does.
    line += ["choom", "--adjust", "1000", "--"]
    line += ["bwrap", *_namespaces(), "--new-session", "--die-with-parent", "--clearenv"]
    line += ["--seccomp", "@seccomp"]
    if info is not None:
        line += ["--info-fd", str(info)]
    line += _file_system(sandbox)
    for name, value in environment.items():
        line += ["--setenv", name, value]
    line += ["--chdir", str(HOME), "--"]
    line += ["prlimit", *(_limit(*one) for one in process_limits(sandbox.limits).items()), "--"]
    if uid is not None:
        line += _drop_to(uid)
    return [*line, *argv], {"PATH": os.environ.get("PATH", os.defpath)}


def _namespaces() -> list[str]:
    line = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    if os.geteuid() == 0:
        # Just enough to become the sandbox's own user; setpriv then drops both for good.
        return [*line, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
                "--cap-add", "CAP_SETPCAP"]  # fmt: skip
    line += ["--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
    return [*line, "--disable-userns"] if _can_disable_userns() else line


@functools.cache
def _can_disable_userns() -> bool:
    """Whether bubblewrap is new enough; the filter of system calls says the same."""
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in done.stdout + done.stderr


def _drop_to(uid: int) -> list[str]:
    return [
        "setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups",
        "--no-new-privs", "--bounding-set", "-all", "--inh-caps", "-all", "--",
    ]  # fmt: skip


def _limit(name: str, value: int) -> str:
    return f"--{name.removeprefix('RLIMIT_').lower()}={value}"


def _base_environment(sandbox: Sandbox) -> dict[str, str]:
    if not sandbox.isolated:
        return dict(os.environ)
    return {
        "HOME": str(HOME),
        "USER": "student",
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(LIBRARY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }


def _file_system(sandbox: Sandbox) -> list[str]:
    line = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM_FOLDERS:
        path = Path("/", name)
        if path.is_symlink():
            line += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            line += ["--ro-bind", str(path), str(path)]
    for name in (
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "localtime",
        "fonts",
        "alternatives",
    ):
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    line += ["--proc", "/proc", "--dev", "/dev"]
    for name in ("keys", "key-users"):
        # They tell of the keys of whoever a plain user's submissions run as: that user.
        if Path("/proc", name).exists():
            line += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    for folder in ("/tmp", "/dev/shm", str(HOME)):
        line += ["--perms", "1777", "--size", str(sandbox.limits.disk), "--tmpfs", folder]
    made: set[Path] = {Path("/"), Path("/tmp"), Path("/usr"), *HOME.parents, HOME}
    for outside, inside in _mounts(sandbox).items():
        # Parents that may be private outside (a 0700 home) must be passable for the dropped user.
        for parent in reversed(inside.parents):
            if parent not in made:
                line += ["--perms", "0755", "--dir", str(parent)]
                made.add(parent)
        line += ["--ro-bind", str(outside), str(inside)]
    # These two are file systems in memory as well, of no bounded size.
    return [*line, "--remount-ro", "/dev", "--remount-ro", "/"]


def _mounts(sandbox: Sandbox) -> dict[Path, Path]:
    """Return what the sandbox sees besides the system: path outside → path inside."""
    packages = [package_folder(name).resolve() for name in installed_course().library]
    prefixes = dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix)))
    return {
        **{package: LIBRARY / package.name for package in packages},
        **{prefix: prefix for prefix in prefixes if not prefix.is_relative_to("/usr")},
        **sandbox.read_only,
    }


def _require_private(sandbox: Sandbox) -> None:
    seen = [Path("/", name) for name in ("usr", *_SYSTEM_FOLDERS)]
    for mounted in (*seen, *_mounts(sandbox)):
        for path in sandbox.private:
            if path.resolve().is_relative_to(mounted.resolve()):
                raise CourseError(
                    f"expected the course's files where submissions cannot read them, found "
                    f"{path} below {mounted}, which every submission sees; move the course to "
                    "a folder of its own"
                )
