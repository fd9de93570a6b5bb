"""Holds: faults that are on the host together with the commands that take them back."""
