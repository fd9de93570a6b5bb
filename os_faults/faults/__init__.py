"""What is injected, and how it is taken back.

================ ===================================================================
`listing`        lists the faults of nodes and heals them
`ledger`         faults of nodes that are off, cut off or silent, by the journal
`journal`        the controller's journal, on disk
`plan`           what an action would do, and what stands in its way
`injected`       a fault for the length of a ``with`` block
`rollback`       takes back what an interrupted action has done
`interruption`   what interrupts a program in the middle of a fault
================ ===================================================================
"""
