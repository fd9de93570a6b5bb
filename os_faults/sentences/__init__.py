"""Sentences: ``restart keystone service on one node`` → what is to be done, as data.

The grammar is made from the contracts of the playbooks, so a verb or an option that a contract gains can be said at
once. A sentence is understood whole or not at all. Nothing here asks or touches anything; `os_faults.human` does what
a sentence says.

=============  ==========================================================
`meaning`      what a sentence means
`grammar`      contracts → what can be said
`words`        a sentence word by word, and what was expected where
`parser`       sentence → its meaning
=============  ==========================================================
"""

from os_faults.sentences.grammar import Form, forms_of
from os_faults.sentences.meaning import Holder, Meaning, Peer, Where
from os_faults.sentences.parser import understand

__all__ = ["Form", "Holder", "Meaning", "Peer", "Where", "forms_of", "understand"]
