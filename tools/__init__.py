"""What a model can call: thin, typed, described for a model reader. `tools.surface` lists it."""
