"""The steps 各步, in the order of their revisions."""
