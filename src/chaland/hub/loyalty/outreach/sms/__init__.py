"""SMS: counted, sent by a gateway, reported on, answered by STOP."""
