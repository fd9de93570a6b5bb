"""The error for an answer of a worker that breaks the protocol."""

from __future__ import annotations


class ProtocolViolation(Exception):
    """A worker sent data that breaks the protocol; the message is the end of a sentence about the worker."""
