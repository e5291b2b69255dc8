"""The delivery ledger: what became of every mail, kept outside the warehouse that is built anew each night.

SQLite, not an append-only file, because a state must change together with its history, and because two programs must never take the same
mail; without write-ahead log and with synchronous=EXTRA, so that a state is on disk (its journal's removal too) before the next step.

    prepared ──▶ sending ──▶ sent        accepted by the server
       ▲            ├──────▶ refused     refused for good by the server
       │            ├──────▶ unknown     the text went out and no answer came, or the program died there; only a person decides
       └────────────┘                    refused for now: tried again

`sending` is written after the server asked for the text and before the first byte of it goes out. So a mail in any other state was
certainly not under way, and one found in it when nobody is sending is `unknown`.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.settings import ConfigurationError, QueryError, local_now
from transforms.text import hide_personal

STATES = ("prepared", "sending", "sent", "refused", "unknown")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, summary_date TEXT NOT NULL, kind TEXT NOT NULL, addressee TEXT NOT NULL, content_hash TEXT NOT NULL,
  message_id TEXT NOT NULL UNIQUE, eml TEXT NOT NULL, eml_hash TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('prepared', 'sending', 'sent', 'refused', 'unknown')),
  is_correction INTEGER NOT NULL, is_wanted INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  prepared_at TEXT NOT NULL, tried_at TEXT, settled_at TEXT, reply TEXT,
  UNIQUE (summary_date, kind, addressee, content_hash));
CREATE TABLE IF NOT EXISTS events (at TEXT NOT NULL, message_id TEXT NOT NULL, event TEXT NOT NULL, detail TEXT);
"""
_COLUMNS = "id, summary_date, kind, addressee, content_hash, message_id, eml, eml_hash, state, is_correction, is_wanted, attempts, prepared_at, tried_at, settled_at, reply"


@dataclass(frozen=True)
class Mail:
    """A mail as it was composed: what identifies it, and its file below the outbox."""

    summary_date: date
    kind: str
    addressee: str
    content_hash: str
    message_id: str
    eml: str
    eml_hash: str


@dataclass(frozen=True)
class Delivery:
    """One row of the ledger."""

    id: int
    summary_date: str
    kind: str
    addressee: str
    content_hash: str
    message_id: str
    eml: str
    eml_hash: str
    state: str
    is_correction: bool
    is_wanted: bool
    attempts: int
    prepared_at: str
    tried_at: str | None
    settled_at: str | None
    reply: str | None


class Ledger:
    """The ledger of one warehouse. Its writers hold the warehouse's lock (flows.night.hold_lock); reading needs none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with _telling_damage(self.path), closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = EXTRA")
            yield connection

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block is left; nothing of it when the block fails."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, where: str = "TRUE", values: Sequence[object] = ()) -> list[Delivery]:
        """Deliveries that meet a condition of this module's callers, oldest first."""
        with self._open() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE {where} ORDER BY summary_date, id", tuple(values)
            ).fetchall()
        return [
            Delivery(**(dict(zip(_COLUMNS.split(", "), row, strict=True)) | {"is_correction": bool(row[9]), "is_wanted": bool(row[10])}))
            for row in found
        ]

    def settle_interrupted(self) -> int:
        """No mail is `sending` any more: those a crash left there are `unknown`. The caller holds the lock, so nobody is sending."""
        with self._change() as connection:
            left = [row[0] for row in connection.execute("SELECT message_id FROM deliveries WHERE state = 'sending'")]
            text = "chương trình dừng khi đang truyền thư"
            connection.execute("UPDATE deliveries SET state = 'unknown', settled_at = ?, reply = ? WHERE state = 'sending'", (_now(), text))
            for message_id in left:
                _note(connection, message_id, "unknown", text)
        return len(left)

    def would_correct(self, on: date, kind: str, addressee: str, content_hash: str) -> bool:
        """Whether a mail of this content would correct one that was accepted or may have been, and is not that one itself."""
        rows = self.rows("summary_date = ? AND kind = ? AND addressee = ?", (on.isoformat(), kind, addressee))
        same = next((row for row in rows if row.content_hash == content_hash), None)
        return same.is_correction if same else any(row.state in ("sending", "sent", "unknown") for row in rows)

    def is_settled(self, message_id: str) -> bool:
        """Whether a mail is past being prepared; its file then stays as it went out."""
        return bool(self.rows("message_id = ? AND state <> 'prepared'", (message_id,)))

    def prepare(self, mail: Mail, *, is_wanted: bool) -> tuple[str, list[str]]:
        """The mail stands in the ledger once; a mail of the same day, kind and addressee that was not accepted yet gives way to it.

        Where one was accepted, or may have been, a changed mail is kept as a correction that only `tthc send --again` sends.

        Returns:
            The state of this very mail afterwards (`correction` for a waiting correction), and the files of the mails that gave way.
        """
        with self._change() as connection:
            rows = connection.execute(
                "SELECT id, content_hash, state, is_correction, attempts, message_id, eml, reply FROM deliveries "
                "WHERE summary_date = ? AND kind = ? AND addressee = ?",
                (mail.summary_date.isoformat(), mail.kind, mail.addressee),
            ).fetchall()
            waiting = [row for row in rows if row[2] == "prepared" and row[1] != mail.content_hash]
            for row in waiting:
                connection.execute("DELETE FROM deliveries WHERE id = ?", (row[0],))
                _note(connection, row[5], "replaced", f"nội dung mới: {mail.message_id}")
            files = [row[6] for row in waiting if row[6] != mail.eml]
            same = next((row for row in rows if row[1] == mail.content_hash), None)
            if same:
                if same[2] == "prepared":
                    connection.execute(
                        "UPDATE deliveries SET eml = ?, eml_hash = ?, is_wanted = max(is_wanted, ?) WHERE id = ?",
                        (mail.eml, mail.eml_hash, is_wanted, same[0]),
                    )
                return ("correction" if same[2] == "prepared" and same[3] else same[2]), files
            is_correction = any(row[2] in ("sending", "sent", "unknown") for row in rows)
            connection.execute(
                f"INSERT INTO deliveries ({_COLUMNS.removeprefix('id, ')}) VALUES (?, ?, ?, ?, ?, ?, ?, 'prepared', ?, ?, ?, ?, NULL, NULL, ?)",
                (
                    mail.summary_date.isoformat(),
                    mail.kind,
                    mail.addressee,
                    mail.content_hash,
                    mail.message_id,
                    mail.eml,
                    mail.eml_hash,
                    is_correction,
                    is_wanted and not is_correction,
                    sum(row[4] for row in waiting),
                    _now(),
                    waiting[-1][7] if waiting else None,
                ),
            )
            _note(connection, mail.message_id, "prepared", None)
            return ("correction" if is_correction else "prepared"), files

    def withdraw(self, on: date, kind: str) -> list[str]:
        """Mails of a day and kind that were never under way are gone, because what they would tell is no longer so; returns their files."""
        with self._change() as connection:
            chosen = "state = 'prepared' AND summary_date = ? AND kind = ?"
            rows = connection.execute(f"SELECT message_id, eml FROM deliveries WHERE {chosen}", (on.isoformat(), kind)).fetchall()
            connection.execute(f"DELETE FROM deliveries WHERE {chosen}", (on.isoformat(), kind))
            for message_id, _ in rows:
                _note(connection, message_id, "withdrawn", "đêm sau đó đã công bố")
        return [eml for _, eml in rows]

    def mark_sending(self, delivery: Delivery) -> None:
        """The text of this mail is about to go out; from here on only an answer of the server, or a person, can tell what became of it."""
        self._move(delivery, ("prepared",), "sending", None)

    def mark_sent(self, delivery: Delivery, reply: str) -> None:
        """The server accepted it."""
        self._move(delivery, ("sending",), "sent", reply)

    def mark_refused(self, delivery: Delivery, reply: str) -> None:
        """The server refused it for good."""
        self._move(delivery, ("prepared", "sending"), "refused", reply)

    def mark_unknown(self, delivery: Delivery, reply: str) -> None:
        """The text went out and no answer came."""
        self._move(delivery, ("sending",), "unknown", reply)

    def mark_not_accepted(self, delivery: Delivery, reply: str) -> None:
        """The server did not take it for now; it will be tried again."""
        self._move(delivery, ("prepared", "sending"), "prepared", reply)

    def note_attempt(self, delivery: Delivery, reply: str) -> None:
        """It was tried and did not come as far as its text."""
        self._move(delivery, ("prepared",), "prepared", reply)

    def decide(self, number: int, state: str, why: str) -> Delivery:
        """A person's decision on an unknown or refused mail: it counts as sent, or is prepared again under the same Message-ID.

        Raises:
            QueryError: there is no such mail, or its state leaves nothing to decide.
        """
        if not why.strip():
            raise QueryError("cần lý do: --why “…”")
        found = self.rows("id = ?", (number,))
        if not found:
            raise QueryError(f"không có thư số {number}; xem `tthc deliveries`")
        allowed = ("unknown", "refused", "prepared") if state == "sent" else ("unknown", "refused")
        if found[0].state not in allowed:
            raise QueryError(f"thư số {number} đang ở trạng thái {found[0].state}; chỉ quyết định được khi là {' hoặc '.join(allowed)}")
        with self._change() as connection:
            connection.execute(
                "UPDATE deliveries SET state = ?, settled_at = ?, is_wanted = ?, is_correction = 0 WHERE id = ?",
                (state, _now() if state == "sent" else None, state == "prepared", number),
            )
            _note(connection, found[0].message_id, f"decided {state}", hide_personal(why.strip()))
        return self.rows("id = ?", (number,))[0]

    def want(self, deliveries: Sequence[Delivery]) -> None:
        """Somebody asked for these to be sent: nights to come try them too."""
        with self._change() as connection:
            connection.executemany("UPDATE deliveries SET is_wanted = 1 WHERE id = ? AND state = 'prepared'", [(d.id,) for d in deliveries])

    def _move(self, delivery: Delivery, before: tuple[str, ...], after: str, reply: str | None) -> None:
        marks = ", ".join("?" * len(before))
        with self._change() as connection:
            settled = _now() if after in ("sent", "refused", "unknown") else None
            changed = connection.execute(
                "UPDATE deliveries SET state = ?, reply = coalesce(?, reply), settled_at = ?, attempts = attempts + (state = 'prepared'), "
                f"tried_at = CASE WHEN state = 'prepared' THEN ? ELSE tried_at END WHERE id = ? AND state IN ({marks})",
                (after, reply, settled, _now(), delivery.id, *before),
            ).rowcount
            if changed != 1:
                raise RuntimeError(f"delivery {delivery.id} is not {' or '.join(before)}: somebody else changed it")
            _note(connection, delivery.message_id, after, reply)


@dataclass(frozen=True)
class Unsettled:
    """Mails that did not arrive as far as anybody knows: `waiting` are tried again by the next night, the others wait for a person's decision."""

    unknown: int
    refused: int
    waiting: int


def count_unsettled(path: Path, *, is_sending: bool) -> Unsettled:
    """What a ledger has left open, read without a lock and without changing it; nothing where there is no ledger.

    Args:
        path: as ledger_path.
        is_sending: somebody may be sending now; where nobody is, a mail in that state was cut off and is unknown.

    Raises:
        ConfigurationError: it is damaged.
        sqlite3.Error: it cannot be read now.
    """
    if not path.is_file():
        return Unsettled(0, 0, 0)
    with _reading(path) as connection:
        ((unknown, refused, waiting),) = connection.execute(
            "SELECT count(*) FILTER (WHERE state = 'unknown' OR state = 'sending' AND NOT ?), count(*) FILTER (WHERE state = 'refused'), "
            "count(*) FILTER (WHERE state = 'prepared' AND is_wanted AND attempts > 0) FROM deliveries",
            (is_sending,),
        ).fetchall()
    return Unsettled(unknown, refused, waiting)


def check_ledger(path: Path) -> None:
    """Every page of a ledger can be read; nothing is changed.

    Raises:
        ConfigurationError: it is damaged.
        sqlite3.Error: it cannot be read now.
    """
    with _reading(path) as connection:
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _damaged(path)


def take_over(path: Path, later: Path) -> None:
    """What a later ledger of the same office knows of mails that left it is known to the one at `path` too, so that none goes out again.

    A mail that is still prepared at `path`, but had given way by then, is gone; one that is prepared in the later ledger alone is left to the nights
    that are run again, which know more of it than its old file.

    Raises:
        ConfigurationError: one of them is damaged.
    """
    check_ledger(later)
    Ledger(later)  # one that was never used has no tables
    columns = _COLUMNS.removeprefix("id, ")
    with Ledger(path)._open() as connection:
        connection.execute("ATTACH ? AS later", (str(later),))
        connection.execute("BEGIN IMMEDIATE")
        for statement in (
            f"DELETE FROM deliveries AS d WHERE EXISTS (SELECT * FROM later.deliveries AS l WHERE l.message_id = d.message_id AND {_rank('l')} > {_rank('d')})",
            f"INSERT INTO deliveries ({columns}) SELECT {columns} FROM later.deliveries "
            "WHERE state <> 'prepared' AND message_id NOT IN (SELECT message_id FROM deliveries)",
            "DELETE FROM deliveries AS d WHERE state = 'prepared' AND message_id NOT IN (SELECT message_id FROM later.deliveries) "
            "AND (SELECT count(*) FROM later.events AS l WHERE l.message_id = d.message_id) > (SELECT count(*) FROM main.events AS e WHERE e.message_id = d.message_id)",
            "DELETE FROM deliveries AS d WHERE state = 'prepared' AND NOT is_correction AND EXISTS (SELECT * FROM deliveries AS o WHERE o.state IN "
            "('sending', 'sent', 'unknown') AND (o.summary_date, o.kind, o.addressee) = (d.summary_date, d.kind, d.addressee))",
            "INSERT INTO main.events SELECT * FROM later.events WHERE message_id IN (SELECT message_id FROM deliveries) EXCEPT SELECT * FROM main.events",
        ):
            connection.execute(statement)
        connection.execute("COMMIT")


def _rank(table: str) -> str:
    """SQL that orders states by how sure it is that nobody may send the mail again."""
    return f"instr('prepared refused sending unknown sent', {table}.state)"


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with _telling_damage(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        yield connection


@contextmanager
def _telling_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _damaged(path) from None
        raise


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"sổ gửi thư “{path}” bị hỏng nên không biết thư nào đã gửi; hãy khôi phục bản sao lưu gần nhất (`tthc restore`). Không có bản sao lưu thì "
        "đổi tên tệp này, lần chạy sau lập sổ mới: thư của ngày chạy lại có thể đến người nhận lần thứ hai"
    )


def ledger_path(staged: Path) -> Path:
    """Where the ledger of a warehouse stands."""
    return staged / "deliveries.sqlite"


def _now() -> str:
    return local_now().isoformat(sep=" ")


def _note(connection: sqlite3.Connection, message_id: str, event: str, detail: str | None) -> None:
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (_now(), message_id, event, detail))
