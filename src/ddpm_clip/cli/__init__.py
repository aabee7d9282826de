"""The command line: one file a command. Only `main` knows them all."""
