"""Monthly statements and bank files."""
