"""Stands for flows.gate_process where nights are counted in thousands: answers at once that every column holds, and writes no pages."""

import json
import sys

for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps({"results": []} if "frames" in job else {"docs": job["docs"]}), flush=True)
