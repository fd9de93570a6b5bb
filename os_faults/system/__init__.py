"""The machine and the user that os_faults runs as.

============= ======================================================================
`actor`       who acts: user and controller
`files`       files of this user: read and written whole
`ownership`   who else could change what lies at a path
`process`     standard streams and child processes
`text`        text from elsewhere, made fit to be shown
============= ======================================================================
"""
