"""Support of the decoder benchmark: the captures it runs on, and the readers it compares."""
