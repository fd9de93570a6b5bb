"""Shared code of the modules of os_faults.

==============  ============================================================================================
module          the base class of every module
service_module  common part of the modules for services and containers
power_module    common part of the modules for machines
errors          the exceptions, as one tree
basic           replaces ``ansible.module_utils.basic`` in packed modules, which come without Ansible's library
host            the host: processes, files, network, clock, sessions
service         services of the host, by their manager
hold            lasting faults on the host, with their undo
power           power of machines, through their management
==============  ============================================================================================

``service``, ``hold`` and ``power`` may import ``host``, but not each other. Modules may import all of them.
"""
