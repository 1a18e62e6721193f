"""The queue at work: claim, hand over, write down; recover what a dead worker left."""
