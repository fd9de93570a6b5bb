"""How an action is performed.

============= ====================================================================
`executor`    performs actions: admission, batches, runs, rollback
`admission`   holds an action against the guard rails, by what the cloud is now
`engine`      runs an action as it is, and records what it did to faults
============= ====================================================================
"""
