"""Sentences: ``restart keystone service on one node`` → its meaning, as data.

The grammar comes from the contracts of the playbooks, so sentences can use a new verb or option of a contract at once.
A sentence is understood fully, or it is refused. This package asks and touches nothing; `os_faults.human` performs a
sentence.

=============  ==========================================================
`meaning`      the meaning of a sentence
`grammar`      contracts → forms of sentences
`words`        reads a sentence word by word, and keeps the expected words
`parser`       sentence → its meaning
`next_word`    unfinished sentence → the words that can come next
=============  ==========================================================
"""

from os_faults.sentences.grammar import Form, forms_of
from os_faults.sentences.meaning import Holder, Meaning, Peer, Where
from os_faults.sentences.next_word import Next, next_word
from os_faults.sentences.parser import understand

__all__ = ["Form", "Holder", "Meaning", "Next", "Peer", "Where", "forms_of", "next_word", "understand"]
