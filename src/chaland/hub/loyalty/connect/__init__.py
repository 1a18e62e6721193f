"""Tills of others: keys, the API, files of receipts, connections that post to us or are asked."""
