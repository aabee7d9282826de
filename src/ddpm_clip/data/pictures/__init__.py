"""Safe decoding of untrusted files into pixels.

- `crops`: the part of a picture that is trained on: its middle, or a random crop
- `decoding`: decodes untrusted bytes to an upright 8-bit picture, or says why not
- `formats`: which files are taken for pictures by name, and how other types could be read
- `images`: opens untrusted files, or says why not (`REASONS`); converts, digests
- `left_out`: what a source found but left out, by type and number, said in one place
- `pixels`: decodes a whole source into one array; lists the pictures left out, with reasons
- `png_texts`: reads the texts and painting parameters of a PNG without decoding it
- `prefetch`: runs work ahead of time in threads, keeping the order
- `quiet`: silences a decoder's warnings in one thread only
- `sandbox`: decodes in child processes with limited memory and time
"""
