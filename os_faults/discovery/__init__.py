"""Which nodes the cloud has.

============== =====================================================================
`discovery`    asks the nodes once, and knows them from the last time if they are silent
`identity`     each host is believed about itself, and about no other
`last_seen`    the last discovery of each cloud, on disk
============== =====================================================================
"""
