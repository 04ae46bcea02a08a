"""Scenarios that the project ships, and the mapping of a public file for the replay. Data only, see docs/how-to."""
