"""The member's own account: the way in, what is shown, what can be taken along, leaving."""
