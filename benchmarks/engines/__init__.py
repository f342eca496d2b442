"""What large runs cost on engines that are installed apart."""
