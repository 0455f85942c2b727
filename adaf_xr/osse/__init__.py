"""Simulated oceans and instruments: observing-system simulation experiments."""
