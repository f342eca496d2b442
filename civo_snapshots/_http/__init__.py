"""One request, sent once, and what its answer says; the only room that knows aiohttp."""
