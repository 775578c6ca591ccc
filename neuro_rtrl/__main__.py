"""`python -m neuro_rtrl` is the command line."""

from neuro_rtrl.cli import main

if __name__ == "__main__":
    main()
