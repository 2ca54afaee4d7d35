"""Coverage 需求登记: every requirement the product is measured by, and how far it is met.

What lives here: the registry as data, and its reader. Comes in: nothing of Tongpin but errors; the tests' results
are compared by the test suite. Goes out: requirements with their status, and counts by status.
"""
