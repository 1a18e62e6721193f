"""Template filters of this plane."""
