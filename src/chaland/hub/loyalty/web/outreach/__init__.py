"""Pages of campaigns and of what members choose."""
