"""The error of a worker that can't be believed."""

from __future__ import annotations


class ProtocolViolation(Exception):
    """A worker sent what no honest one sends; the message is the end of a sentence about it."""
