"""``os-faults demo``: real faults in real processes of this machine, through the very playbooks that a cloud gets.

Neither root nor a cloud nor a network is needed. Two small web services are started in a private directory, and a
probe asks each of them again and again while faults are injected and taken back; all times that are told are the
probe's.

=========  =====================================================
`service`  the web service; a program of its own
`probe`    asks a service all the time and knows when it was away
`stage`    the private directory, the services, the cloud; and their end
`story`    what is done, step by step, and how it should be
=========  =====================================================
"""
