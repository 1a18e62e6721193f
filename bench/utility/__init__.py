"""What can be told of co-visits, against the truth of simulated towns: the parts of the bench."""
