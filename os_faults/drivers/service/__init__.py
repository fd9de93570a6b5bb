"""Services: how they are found, started and stopped on a host."""
