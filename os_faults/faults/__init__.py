"""Injected faults, and their undo.

================ ===================================================================
`listing`        lists the faults of nodes and heals them
`ledger`         faults of nodes that are off, cut off or silent, from the journal
`journal`        the controller's journal, on disk
`plan`           the effects of an action, and its obstacles
`injected`       a fault for the length of a ``with`` block
`rollback`       undoes the effects of an interrupted action
`interruption`   interruptions of a program in the middle of a fault
================ ===================================================================
"""
