"""Names where callers of versions before 1.0 import them; the same names are in `os_faults` itself."""
