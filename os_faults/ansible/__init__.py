"""Names where callers of versions before 1.0 import them; nothing here imports Ansible."""
