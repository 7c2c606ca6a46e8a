"""Pure mathematics over arrays."""
