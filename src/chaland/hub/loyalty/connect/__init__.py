"""Tills of other makers: the API, files, webhooks, and tills that must be asked."""
