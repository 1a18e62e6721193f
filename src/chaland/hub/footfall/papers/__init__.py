"""What is printed, hung up and handed in: the shops' notice and the impact assessment."""
