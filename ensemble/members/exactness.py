"""Float32 that is float32, on GPUs too."""

from __future__ import annotations

import torch


def compute_exactly() -> None:
    """Have convolutions and matrix products of float32 computed in float32, in this process.

    On newer NVIDIA GPUs cudnn rounds their factors to TF32 (10 bits of mantissa, about 1e-3) unless
    it is told not to. Soft maps would then be off by more than the 1e-5 to which predictions agree
    with their definition, and a mask would differ between a GPU and a CPU.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
