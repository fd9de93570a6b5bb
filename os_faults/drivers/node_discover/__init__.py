"""Nodes that are named beforehand."""
