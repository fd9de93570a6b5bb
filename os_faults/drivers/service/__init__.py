"""Service drivers: how to find, start and stop services on a host."""
