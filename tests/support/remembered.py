"""A fault that the journal of this controller knows, and that is over: `heal` of its id is no mistake."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os_faults import registry
from os_faults.config import load
from os_faults.config.state import file_of, state_dir
from os_faults.faults.journal import ENDED, Entry, Journal


def remember(config: Path | Mapping[str, Any], fault: str) -> None:
    """Write into the journal of a cloud that a fault was there and is over.

    Args:
        config: the configuration of the cloud, or its path.
        fault: the id of the fault.
    """
    loaded = load(None, config) if isinstance(config, Path) else load(config)
    now = time.time()
    entry = Entry(
        node="localhost",
        address="localhost",
        id=fault,
        verb="freeze",
        subject=fault.removeprefix("freeze-"),
        undo="unfreeze",
        from_outside=False,
        state=ENDED,
        since=now,
        until=now,
        deadline=now,
        by="test@here",
        run="",
    )
    path = file_of(state_dir(os.environ), registry.drivers_of(loaded).cloud.identity, ".journal")
    Journal(path).write([entry], now)
