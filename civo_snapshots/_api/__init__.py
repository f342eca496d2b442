"""The calls of the API: path, body, record and the check whose answer it is."""
