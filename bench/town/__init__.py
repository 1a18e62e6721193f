"""Support of ``bench.figures``: imported once Django is set up."""
