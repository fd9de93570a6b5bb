"""A small file system of the plain host, which tests fill or make read-only."""

from __future__ import annotations

DISK = "/srv/a disk; $(touch evil)"
"""Where it is; a shell could misread the name."""
