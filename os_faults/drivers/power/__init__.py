"""Machines that can be powered off and on."""
