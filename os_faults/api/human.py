"""Sentences at their import path of versions before 1.0."""

from os_faults.human import human_api

__all__ = ["human_api"]
