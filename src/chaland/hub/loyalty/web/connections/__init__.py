"""Tills of others: keys, files, connections; the shop’s tills and sellers."""
