"""What each maker's till says, read into our receipt. One file a maker; no Django in them."""
