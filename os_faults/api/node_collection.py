"""Collections of nodes at their import path of versions before 1.0."""

from os_faults.nodes import NodeCollection

__all__ = ["NodeCollection"]
