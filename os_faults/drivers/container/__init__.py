"""Containers: which program runs them."""
