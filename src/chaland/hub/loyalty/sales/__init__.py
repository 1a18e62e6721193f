"""Private sales: prices proven, places given, invitations, the door."""
