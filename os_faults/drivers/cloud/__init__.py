"""Cloud drivers: the seeds of a cloud, and their answers."""
