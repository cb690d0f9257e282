"""A kernel provisioner that starts the kernel inside the sandbox."""

from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from grader.sandbox.bubblewrap import Sandbox, command

__all__ = ["SandboxProvisioner"]


class SandboxProvisioner(LocalProvisioner):
    """Launches the kernel that its manager describes, inside the manager's ``sandbox``."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Wrap the kernel's command line and replace its environment."""
        manager: Any = self.parent
        sandbox: Sandbox = manager.sandbox
        kwargs = await super().pre_launch(**kwargs)
        kwargs["cmd"], kwargs["env"] = command(sandbox, kwargs["cmd"])
        kwargs["cwd"] = str(sandbox.work)
        kwargs["stdout"] = kwargs["stderr"] = manager.log_file
        return kwargs
