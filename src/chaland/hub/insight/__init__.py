"""What the two planes publish, figures beside figures; nothing else passes the wall here.

It reads no table of its own, keeps nothing, and is there only where one process serves both planes.
"""
