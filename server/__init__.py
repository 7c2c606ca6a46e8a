"""The process: settings, composition, transports, command line. Wiring and nothing else."""
