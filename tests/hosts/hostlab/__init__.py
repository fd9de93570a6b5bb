"""What the tests of this directory know about the lab, and see of its hosts, without os_faults."""
