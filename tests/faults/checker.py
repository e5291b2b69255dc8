"""Reads warehouses for the fault harness, in a process of its own: one JSON command a line, one JSON answer a line."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import duckdb
from crowd import QUESTION

from flows.warehouse import checksum_connection, checksum_tables

held = None
for line in sys.stdin:
    command, path = json.loads(line)
    try:
        if command == "hold":
            held = duckdb.connect(path, read_only=True)
            answer: object = True
        elif command == "held" and held is not None:
            answer = checksum_connection(held)
            held.close()
        elif command == "answer":
            with duckdb.connect(path, read_only=True) as connection:
                answer = connection.execute(QUESTION).fetchall()[0][0]
        else:
            answer = checksum_tables(Path(path))
    except duckdb.Error as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
