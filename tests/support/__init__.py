"""What the tests of the socket level share."""
