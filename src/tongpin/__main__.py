"""`python -m tongpin`: the same command line."""

from __future__ import annotations

from tongpin.cli import main

if __name__ == "__main__":
    main()
