"""Processes that train one network together, each with a share of every batch on its device."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import torch

_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Team:
    """A process's `rank` among those of a member, one a device; `port` is where they meet.

    `num_processes`: how many train on this machine at once, those of other members too.
    """

    rank: int = 0
    devices: tuple[torch.device, ...] = ()
    port: int = 0
    num_processes: int = 1

    @property
    def size(self) -> int:
        """How many processes there are."""
        return max(len(self.devices), 1)

    @property
    def is_first(self) -> bool:
        """Whether this process scores, tells and writes for all of them."""
        return self.rank == 0

    def join(self) -> None:
        """Tell Lightning of the team, by the variables in which it looks for it."""
        os.environ |= {
            "MASTER_ADDR": _ADDRESS,
            "MASTER_PORT": str(self.port),
            "WORLD_SIZE": str(self.size),
            "NODE_RANK": "0",
            "LOCAL_RANK": str(self.rank),
        }


ALONE = Team()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])
