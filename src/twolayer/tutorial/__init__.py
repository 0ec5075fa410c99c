"""Lessons: the ladder, one step line by line, and the pages that explain the program."""
