"""The host that a module runs on, as it is: nothing here knows services, faults or machines."""
