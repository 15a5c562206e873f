"""`python -m charplay`: the command line, which is `charplay.cli`."""

import sys

from charplay.cli import main

sys.exit(main())
