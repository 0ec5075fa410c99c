"""The page on which the program runs and is watched: its texts, and the server that runs it in other engines."""
