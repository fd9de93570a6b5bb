"""Services of the host, by what runs them: systemd, Pacemaker, a container engine, or nothing (a program)."""
