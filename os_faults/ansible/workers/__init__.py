"""Runs on workers: other machines, reached over ssh, each with a share of the nodes.

A share uses ansible-runner's own stream, ``transmit | ssh WORKER ansible-runner worker | process``. The stream carries
all files of the run to the worker, and its events back; they are recorded here, as for a run on this machine.

* `division`: divides the nodes among the workers;
* `bundle`: the files that a worker gets;
* `share`: the stream of one worker;
* `answer`: reads the answer of a worker, with care; `errors` has its error;
* `output`: keeps the end of other output;
* `shared_run`: all shares as one run.
"""

from os_faults.ansible.workers.shared_run import SharedRun

__all__ = ["SharedRun"]
