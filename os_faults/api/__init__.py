"""Import paths of versions before 1.0; the same names are in `os_faults` itself."""
