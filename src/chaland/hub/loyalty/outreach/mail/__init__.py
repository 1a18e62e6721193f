"""E-mail: rendered once, spliced per member, sent, and what comes back."""
