"""What is to be done, checked before anything is touched. Nothing in here contacts a host.

=================== =====================================================================
`action`            from a verb and its arguments to an `Action`
`contract`          the typed contract of a playbook: its verbs and their arguments
`convert`           values as Ansible converts them
`guards`            guard rails: what keeps an action from more nodes than it may break
`batch`             several actions in one run
`template_marks`    text that Ansible would evaluate, which no argument may hold
`answers`           the types of what modules return
=================== =====================================================================
"""

from os_faults.actions.action import (
    PerCall,
    Perform,
    contracts,
    ending_after,
    ends_after,
    for_playbook,
    for_verb,
    power_state,
    undoing,
    with_start_time,
)

__all__ = [
    "PerCall",
    "Perform",
    "with_start_time",
    "contracts",
    "ending_after",
    "ends_after",
    "for_playbook",
    "for_verb",
    "power_state",
    "undoing",
]
