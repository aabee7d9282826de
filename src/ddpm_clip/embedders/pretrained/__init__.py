"""Which pretrained CLIPs are known to work, and whether a downloaded one is what it should be.

- `advice`: recommends one of them by machine and number of pictures
- `checksums`: refuses weights whose SHA-256 differs from the published or the recorded one
- `known_models`: the table: revision, SHA-256, licence, size, and what could not be verified

Knows nothing of torch, transformers or the network.
"""
