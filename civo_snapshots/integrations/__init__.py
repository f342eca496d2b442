"""What connects a client with other libraries: each file needs the extra of its name."""
