"""What the commands do, with the SDK; each module is imported when one of its commands runs."""
