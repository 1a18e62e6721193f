"""A register of a million members, and how long a till waits for an answer from it."""
