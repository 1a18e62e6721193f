"""The member's own account: pages on a phone, without a password."""
