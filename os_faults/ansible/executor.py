"""Import path of versions before 1.0: the errors of a run, its records, and the values of their ``status``."""

from os_faults.errors import AnsibleExecutionException, AnsibleExecutionUnreachable
from os_faults.model import Record as AnsibleExecutionRecord
from os_faults.model import Status

STATUS_OK = Status.OK.name
STATUS_FAILED = Status.FAILED.name
STATUS_UNREACHABLE = Status.UNREACHABLE.name
STATUS_SKIPPED = Status.SKIPPED.name

__all__ = [
    "STATUS_FAILED",
    "STATUS_OK",
    "STATUS_SKIPPED",
    "STATUS_UNREACHABLE",
    "AnsibleExecutionException",
    "AnsibleExecutionRecord",
    "AnsibleExecutionUnreachable",
]
