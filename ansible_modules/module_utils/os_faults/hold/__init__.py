"""Holds: faults on the host, together with the commands that undo them."""
