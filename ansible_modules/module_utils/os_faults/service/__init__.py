"""Services of the host, by their manager: systemd, Pacemaker, a container engine, or none (a program)."""
