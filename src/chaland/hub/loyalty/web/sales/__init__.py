"""Pages of private sales."""
