"""Makes the processes that a night starts take part in fault injection; on PYTHONPATH only while a test injects faults."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
import doors

doors.install_from_environment()
