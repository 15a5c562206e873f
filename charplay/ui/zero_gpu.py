"""What a Space on ZeroGPU wants before it starts: one function that could be given a GPU. Elsewhere nothing happens.

Free accounts host Gradio Spaces on ZeroGPU alone. It lends a GPU to a process forked for one call, which would take
longer than the answers here, computed on two cores by a process of their own: no event ever calls the function.
"""

import os

from charplay.ui import environment


def declare() -> None:
    """Declares the function if this is such a Space; call before any thread is started, since its package forks.

    Raises:
        ImportError: this is such a Space, and its package is not installed.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return
    with environment.local_start():  # it imports Gradio
        import spaces

    @spaces.GPU(duration=1)
    def gpu_name() -> str:
        import torch

        return torch.cuda.get_device_name()
