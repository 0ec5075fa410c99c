"""The command line: parse, call, print. One file a command, each importing what it needs when it is called."""
