"""The host of a module: processes, files, network, clock. Nothing here knows services, faults or machines."""
