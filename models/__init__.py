"""Readers and writers of the formats in which fitted models travel."""
