"""``os-faults demo``: real faults in real processes of this machine, with the playbooks for clouds.

It needs no root, no cloud and no network. It starts two small web services in a private directory. A probe sends
requests to each of them all the time, while faults are injected and undone; all reported times are the probe's.

=========  =====================================================
`service`  the web service, a separate program
`probe`    sends requests to a service, and measures its outages
`stage`    the private directory, the services, the cloud, and their end
`story`    the steps of the demo, and their expected results
=========  =====================================================
"""
