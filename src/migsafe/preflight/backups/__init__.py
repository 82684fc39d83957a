"""What backup tools, and people, say of the backups of a cluster."""
