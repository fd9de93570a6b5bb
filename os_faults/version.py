"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version


def get_version() -> str:
    """Return the version of os-faults, such as ``1.0.0``; ``unknown`` when it is not installed."""
    try:
        return version("os-faults")
    except PackageNotFoundError:
        return "unknown"
