"""Runs the tests, and then says which public operations of the client none of them called."""

import sys
import unittest

import operations

operations.watch()

if __name__ == "__main__":
    suite = unittest.defaultTestLoader.discover(".")

    class Whole(unittest.TestCase):
        def test_every_public_operation_is_called(self):
            self.assertEqual([], operations.missing())

    suite.addTest(Whole("test_every_public_operation_is_called"))
    result = unittest.TextTestRunner().run(suite)
    sys.exit(not result.wasSuccessful())
