"""Programmes, rules, rewards and the simulator."""
