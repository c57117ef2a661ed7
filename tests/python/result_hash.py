"""Prints the hash of a result from its file: SHA-256 of the unpacked text, as anybody can compute it."""

import gzip
import hashlib
import sys

with gzip.open(sys.argv[1], "rb") as file:
    print(hashlib.file_digest(file, "sha256").hexdigest())
