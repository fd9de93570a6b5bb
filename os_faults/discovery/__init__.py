"""The nodes of the cloud.

============== =====================================================================
`discovery`    asks the nodes once; silent nodes come from the last discovery
`identity`     accepts the report of each host about itself, and about no other
`last_seen`    the last discovery of each cloud, on disk
============== =====================================================================
"""
