"""The API's resources, each a class whose methods are its calls."""
