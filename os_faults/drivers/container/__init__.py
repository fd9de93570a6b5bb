"""Container drivers: the programs that run containers."""
