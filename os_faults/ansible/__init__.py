"""How Ansible runs: the only folder that knows ansible-runner.

==================== ====================================================================
`protocol`           what a runner is; tests and callers may bring their own
`runner`             the runner that uses ansible-runner
`run`                one run, in a thread, and its record
`inventory`          nodes to Ansible's inventory, as data
`events`             events of a run to one result for each node
`event_guard`        drops events that a host has forged
`artifacts`          the directory that each run leaves
`no_log`             keeps secret arguments out of it
`private_directory`  ssh control sockets and password files of one cloud object
`settings`           Ansible's settings for a run
`meter`              processor time and memory of a run, and how many forks fit
`leftovers`          ends what a stopped run left behind
`pexpect_patch`      keeps pexpect from sleeping after a process that has exited
`warm`               the fork server: Ansible imported once for many runs
`workers`            runs on execution nodes
`executor`           aliases for callers of version 0.3
==================== ====================================================================
"""
