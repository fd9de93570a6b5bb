"""Machines that are switched on and off from here: the steps that all power modules take, and libvirt."""
