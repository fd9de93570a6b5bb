"""How an action is performed.

============= ====================================================================
`executor`    performs actions: admission, batches, runs, rollback
`admission`   checks actions against the guard rails and the state of the cloud
`engine`      runs one action, and records its faults in the ledger
`planner`     tells the run, the effects and the obstacles of an action
============= ====================================================================
"""
