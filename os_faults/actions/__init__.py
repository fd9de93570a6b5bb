"""Actions: verbs with checked arguments. Nothing in here contacts a host.

=================== =====================================================================
`action`            from a verb and its arguments to an `Action`
`contract`          the typed contract of a playbook: its verbs and their arguments
`convert`           values as Ansible converts them
`guards`            guard rails: limits and protections of nodes
`batch`             several actions in one run
`template_marks`    refuses text that Ansible would evaluate
`answers`           the types of the modules' answers
=================== =====================================================================
"""

from os_faults.actions.action import (
    PerCall,
    Perform,
    asked_by_plan,
    contracts,
    ending_after,
    ends_after,
    for_playbook,
    for_verb,
    lasts,
    power_state,
    undoing,
    undone_verbs,
    with_start_time,
)

__all__ = [
    "PerCall",
    "Perform",
    "with_start_time",
    "asked_by_plan",
    "contracts",
    "ending_after",
    "ends_after",
    "for_playbook",
    "for_verb",
    "lasts",
    "power_state",
    "undoing",
    "undone_verbs",
]
