"""The member’s own account: what is known, who saw it, every switch, and the way out."""
