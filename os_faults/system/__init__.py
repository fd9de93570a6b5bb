"""The controller: its user, files, processes and terminal text.

============= ======================================================================
`actor`       the acting user: user and controller
`files`       files of this user, read and written whole
`ownership`   checks whether another user could change a file
`process`     standard streams and child processes
`text`        foreign text, made safe to show
============= ======================================================================
"""
