"""What the modules of os_faults share.

==============  ============================================================================================
module          the base class of every module
service_module  what the modules that act on services have in common
errors          what can go wrong, as one tree
basic           a stand-in for ``ansible.module_utils.basic``, for modules that travel without Ansible's library
host            the host itself: its processes, files, network, clock and sessions
service         services of the host, by what runs them
hold            faults that are kept on the host together with their undo
power           machines that are switched on and off from here
==============  ============================================================================================

``service``, ``hold`` and ``power`` know ``host``, and none knows another. Modules know them all.
"""
