"""A kernel provisioner that starts the kernel inside the sandbox."""

import os
import subprocess
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from grader.sandbox.launch import start

__all__ = ["SandboxProvisioner"]


class SandboxProvisioner(LocalProvisioner):
    """Launches the kernel that its manager describes, inside the manager's ``sandbox``.

    Attributes
    ----------
    outermost
        Processes whose descendants are all that runs in the sandbox.
    """

    outermost: tuple[int, ...] = ()

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel in the sandbox, whose environment takes the place of ours."""
        manager: Any = self.parent
        log = manager.log_file
        started = start(manager.sandbox, cmd[1:], subprocess.DEVNULL, log, log)
        self.process, self.outermost = started.process, started.outermost
        self.pid = started.process.pid
        self.pgid = os.getpgid(self.pid)
        self.cwd = str(manager.sandbox.work)
        return self.connection_info
