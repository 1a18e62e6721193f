"""Where frames come from: capture files, standard input, or a live radio."""

from chaland.sensor.capture.source import CaptureProblem, FrameSource, Record

__all__ = ["CaptureProblem", "FrameSource", "Record"]
