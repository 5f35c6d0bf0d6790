"""`python -m alexcore`: the command line."""

import sys

from alexcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
