"""Lets the privacy tests import the scanner beside them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
