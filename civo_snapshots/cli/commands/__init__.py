"""What may be typed, command by command; nothing here imports more than click."""
