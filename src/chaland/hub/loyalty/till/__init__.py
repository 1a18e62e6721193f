"""The till page's devices and sellers, and the writes that they queue while offline."""
