"""`python -m qlstm`: the command line."""

from .command import main

raise SystemExit(main())
