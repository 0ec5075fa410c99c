"""`python -m twolayer`: the command, where its script is not on the path."""

from twolayer.cli import main

if __name__ == "__main__":
    main()
